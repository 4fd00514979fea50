/* DOC: machine.json; see ledger.h. */
#include "agent/ledger.h"

#include "base/file.h"
#include "base/rand.h"
#include "base/text.h"
#include "codec/json.h"

#include <stdio.h>

#define LEDGER_MAX (1024 * 1024)

static void sysctl_done(struct ledger_sysctl *s)
{
	mem_free(s->name);
	mem_free(s->previous);
	VEC_DONE(&s->networks);
}

void ledger_done(struct ledger *l)
{
	VEC_FOREACH (s, &l->sysctls)
		sysctl_done(s);
	VEC_DONE(&l->sysctls);
	VEC_DONE(&l->links);
	VEC_DONE(&l->firewalls);
	mem_free(l->path);
	*l = (struct ledger){0};
}

static int read_ids(const struct json *list, struct id_vec *ret)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *id = json_str(json_at(list, i), "");

		if (id == NULL || strlen(id) >= ID_LEN)
			return ERR_CORRUPT;
		id_vec_add(ret, id);
	}
	return 0;
}

static int read_link(const struct json *j, struct ledger *l)
{
	const char *name = json_str(j, "name"), *network = json_str(j, "network");
	struct ledger_link link = {0};

	if (name == NULL || ifname_check(name) < 0 || network == NULL || strlen(network) >= ID_LEN)
		return ERR_CORRUPT;
	snprintf(link.name, sizeof(link.name), "%s", name);
	id_copy(link.network, network);
	VEC_PUSH(&l->links, link);
	return 0;
}

static int read_sysctl(const struct json *j, struct ledger *l)
{
	const char *name = json_str(j, "name"), *previous = json_str(j, "previous");
	struct ledger_sysctl s = {0};

	if (name == NULL || previous == NULL ||
		read_ids(json_get(j, "networks"), &s.networks) < 0) {
		VEC_DONE(&s.networks);
		return ERR_CORRUPT;
	}
	s.name = mem_strdup(name);
	s.previous = mem_strdup(previous);
	VEC_PUSH(&l->sysctls, s);
	return 0;
}

static int read_all(const struct json *j, struct ledger *l)
{
	const struct json *links = json_get(j, "interfaces"), *sysctls = json_get(j, "sysctls");
	const char *epoch = json_str(j, "epoch");
	int rc = read_ids(json_get(j, "firewalls"), &l->firewalls);

	for (size_t i = 0; rc == 0 && i < json_count(links); i++)
		rc = read_link(json_at(links, i), l);
	for (size_t i = 0; rc == 0 && i < json_count(sysctls); i++)
		rc = read_sysctl(json_at(sysctls, i), l);
	l->hosts = json_bool(j, "hosts", false);
	snprintf(l->epoch, sizeof(l->epoch), "%s", epoch == NULL ? "" : epoch);
	return rc;
}

int ledger_load(struct ledger *l, const char *dir, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct json_doc *doc;
	int rc;

	*l = (struct ledger){.path = mem_printf("%s/machine.json", dir)};
	rc = file_read(l->path, LEDGER_MAX, &text, e);
	if (rc == ERR_NOT_FOUND)
		return ledger_new_epoch(l, e);
	if (rc < 0)
		return rc;
	doc = json_parse(buf_str(&text), text.len, LEDGER_MAX, NULL);
	rc = doc == NULL ? ERR_CORRUPT : read_all(json_root(doc), l);
	json_free(doc);
	if (rc < 0)
		return err_set(e, ERR_CORRUPT,
			"%s, the record of what the agent put on this machine, is damaged",
			l->path);
	return 0;
}

static void write_ids(struct json_writer *w, const char *key, const struct id_vec *ids)
{
	json_begin_array(w, key);
	VEC_FOREACH (i, ids)
		json_put_str(w, NULL, i->id);
	json_end_array(w);
}

int ledger_save(const struct ledger *l, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct json_writer w = {.out = &text};

	json_begin_object(&w, NULL);
	json_begin_array(&w, "interfaces");
	VEC_FOREACH (i, &l->links) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "name", i->name);
		json_put_str(&w, "network", i->network);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_begin_array(&w, "sysctls");
	VEC_FOREACH (s, &l->sysctls) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "name", s->name);
		json_put_str(&w, "previous", s->previous);
		write_ids(&w, "networks", &s->networks);
		json_end_object(&w);
	}
	json_end_array(&w);
	write_ids(&w, "firewalls", &l->firewalls);
	json_put_bool(&w, "hosts", l->hosts);
	json_put_str(&w, "epoch", l->epoch);
	json_end_object(&w);
	buf_addc(&text, '\n');
	return file_write(l->path, text.data, text.len, 0600, e);
}

const struct ledger_link *ledger_link(const struct ledger *l, const char *ifname)
{
	VEC_FOREACH (i, &l->links)
		if (strcmp(i->name, ifname) == 0)
			return i;
	return NULL;
}

struct ledger_sysctl *ledger_sysctl(const struct ledger *l, const char *name)
{
	VEC_FOREACH (s, &l->sysctls)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

int ledger_add_link(struct ledger *l, const char *ifname, const char *network, struct err *e)
{
	struct ledger_link link = {0};

	VEC_FOREACH (i, &l->links)
		if (strcmp(i->name, ifname) == 0) {
			if (strcmp(i->network, network) == 0)
				return 0;
			id_copy(i->network, network);
			return ledger_save(l, e);
		}
	snprintf(link.name, sizeof(link.name), "%s", ifname);
	id_copy(link.network, network);
	VEC_PUSH(&l->links, link);
	return ledger_save(l, e);
}

int ledger_remove_link(struct ledger *l, const char *ifname, struct err *e)
{
	for (size_t i = 0; i < l->links.n; i++)
		if (strcmp(l->links.v[i].name, ifname) == 0) {
			VEC_REMOVE(&l->links, i);
			return ledger_save(l, e);
		}
	return 0;
}

int ledger_add_sysctl(struct ledger *l, const char *name, const char *previous, const char *network,
	struct err *e)
{
	struct ledger_sysctl *s = ledger_sysctl(l, name);

	if (s == NULL) {
		struct ledger_sysctl fresh = {mem_strdup(name), mem_strdup(previous), {0}};

		VEC_PUSH(&l->sysctls, fresh);
		s = &l->sysctls.v[l->sysctls.n - 1];
	} else if (id_vec_has(&s->networks, network)) {
		return 0;
	}
	id_vec_add(&s->networks, network);
	return ledger_save(l, e);
}

static int drop_id(struct id_vec *v, const char *id)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->v[i].id, id) == 0) {
			VEC_REMOVE(v, i);
			return 1;
		}
	return 0;
}

int ledger_remove_sysctl(struct ledger *l, const char *name, const char *network, struct err *e)
{
	struct ledger_sysctl *s = ledger_sysctl(l, name);

	if (s == NULL || !drop_id(&s->networks, network))
		return 0;
	if (s->networks.n == 0) {
		sysctl_done(s);
		VEC_REMOVE(&l->sysctls, (size_t)(s - l->sysctls.v));
	}
	return ledger_save(l, e);
}

int ledger_set_firewall(struct ledger *l, const char *network, bool present, struct err *e)
{
	if (id_vec_has(&l->firewalls, network) == present)
		return 0;
	if (present)
		id_vec_add(&l->firewalls, network);
	else
		drop_id(&l->firewalls, network);
	return ledger_save(l, e);
}

int ledger_set_hosts(struct ledger *l, bool present, struct err *e)
{
	if (l->hosts == present)
		return 0;
	l->hosts = present;
	return ledger_save(l, e);
}

int ledger_new_epoch(struct ledger *l, struct err *e)
{
	uint8_t r[8];

	rand_bytes(r, sizeof(r));
	text_hex(r, sizeof(r), l->epoch);
	return ledger_save(l, e);
}
