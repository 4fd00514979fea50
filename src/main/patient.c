/*
 * DOC: the machine's part in its fleet, for doctor: identity, last desired state and what of it the
 * machine has. Nothing is changed: the sealed state is opened from a copy, for the agent may be
 * writing it.
 */
#include "main/doctor.h"

#include "agent/cache.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CACHE_MAX (256 * 1024 * 1024)

static const char *const cache_files[] = {"state.cache", "state.journal"};

static int copy(const char *from, const char *to, const char *name, struct err *e)
{
	AUTOFREE char *source = mem_printf("%s/%s", from, name);
	AUTOFREE char *target = mem_printf("%s/%s", to, name);
	CLEANUP(buf_done) struct buf bytes = {0};
	int r = file_read(source, CACHE_MAX, &bytes, e);

	return r < 0 ? r : file_write(target, bytes.data, bytes.len, 0600, e);
}

/* The last desired state; none is no error. */
static int read_desired(struct patient *p, struct err *e)
{
	char dir[] = "/tmp/warren-doctor.XXXXXX";
	struct identity id = p->identity; /* the same keys in another folder */
	struct cache c = {.fd = -1};
	int r;

	if (mkdtemp(dir) == NULL)
		return err_set(e, ERR_SYSTEM, "cannot make a folder in /tmp");
	id.dir = dir;
	for (size_t i = 0; i < ARRAY_LEN(cache_files); i++)
		copy(p->identity.dir, dir, cache_files[i], NULL);
	r = cache_open(&c, &id, e);
	if (r == 0)
		r = cache_load(&c, &p->desired, e);
	cache_close(&c);
	for (size_t i = 0; i < ARRAY_LEN(cache_files); i++) {
		AUTOFREE char *path = mem_printf("%s/%s", dir, cache_files[i]);

		unlink(path);
	}
	rmdir(dir);
	return r == ERR_NOT_FOUND ? 0 : r;
}

/* The backend that has our interfaces; without any, the one an agent would take. */
static void choose_backend(struct patient *p, const char *run_dir)
{
	struct wg_backend *userspace = wg_userspace_new(run_dir, NULL, NULL);
	struct strs names = {0};

	if (wg_kernel_new(&p->wg, NULL) < 0)
		p->wg = NULL;
	userspace->ops->list(userspace, &names, NULL);
	if (p->wg == NULL || names.n > 0) {
		if (p->wg != NULL)
			p->wg->ops->free(p->wg);
		p->wg = userspace;
	} else {
		userspace->ops->free(userspace);
	}
	strs_done(&names);
}

int patient_open(const char *agent_dir, const char *run_dir, struct patient **ret, struct err *e)
{
	struct patient *p = NEW(struct patient);
	int r = identity_load(agent_dir, &p->identity, e);

	if (r == 0)
		r = read_desired(p, e);
	if (r == 0 && (p->net = net_new(e)) == NULL)
		r = ERR_SYSTEM;
	if (r == 0 && (p->net_ops = machine_net_new(NULL, e)) == NULL)
		r = ERR_SYSTEM;
	if (r == 0) {
		choose_backend(p, run_dir);
		p->resolver = resolver_new(NULL, &clock_real, NULL, NULL);
		r = machine_init(&p->machine, p->wg, &machine_net_ops, p->net_ops, &clock_real,
			&p->identity, p->resolver, e);
	}
	if (r == 0)
		r = machine_read(&p->machine, &p->desired.items, &p->drift, e);
	if (r < 0) {
		patient_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct patient *patient_free(struct patient *p)
{
	if (p == NULL)
		return NULL;
	machine_reading_done(&p->drift);
	machine_done(&p->machine);
	if (p->resolver != NULL)
		resolver_free(p->resolver);
	if (p->wg != NULL)
		p->wg->ops->free(p->wg);
	machine_net_free(p->net_ops);
	net_free(p->net);
	state_done(&p->desired);
	identity_done(&p->identity);
	return mem_free(p);
}
