/*
 * DOC: fuzz target: whatever comes out of the event stream, into an agent with a machine in memory.
 * Input that starts with '{' is an envelope as it travels. Anything else is taken for a delta,
 * which is put into an envelope that is signed with the agent's key, so that what lies behind the
 * signature is reached, too. Nothing an unsigned envelope says may move the revision.
 */
#include "agent/events.h"
#include "codec/envelope.h"
#include "crypto/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NODE "node_00000000000000000000000000000001"

static struct core core;
static struct machine machine;
static struct identity identity;
static struct clock now;
static struct secret seed;

/* A machine on which nothing works: the door is what is tested. */
static int no_link(void *ctx, const char *ifname, struct net_link *ret, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "no link");
}
static int no_load(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *sets, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "no firewall");
}
static int not_intact(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "no firewall");
}
static int no_sysctl(void *ctx, const char *name, struct buf *out, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "no sysctl");
}
static const struct machine_ops nothing = {.link_get = no_link,
	.firewall_load = no_load,
	.firewall_intact = not_intact,
	.sysctl_get = no_sysctl};

static void changed(void *arg)
{
}

static void start(void)
{
	char dir[] = "/tmp/warren-fuzz-XXXXXX";
	struct err e = {0};

	crypto_init();
	seed.bytes[0] = 1;
	now = clock_fake(1700000000000, 1);
	if (mkdtemp(dir) == NULL)
		abort();
	identity.dir = mem_strdup(dir);
	identity.url = mem_strdup("https://127.0.0.1:1");
	identity.pins_at = mem_strdup("2026-01-01T00:00:00Z");
	id_copy(identity.node, NODE);
	sign_public(&seed, &identity.signing);
	if (machine_init(&machine, wg_memory_new(), &nothing, NULL, &now, &identity,
		    resolver_new(NULL, &now, changed, NULL), &e) < 0)
		abort();
}

static void again(void)
{
	struct err e = {0};
	struct state s = {.revision = 1};
	char path[256];

	if (identity.dir == NULL)
		start();
	else
		core_done(&core);
	snprintf(path, sizeof(path), "%s/state.cache", identity.dir);
	unlink(path);
	if (core_init(&core, &identity, &machine, &now, &e) < 0)
		abort();
	id_copy(s.node, NODE);
	core.desired = s; /* not by core_replace: a write to disk for each input is slow */
}

static void signed_delta(const char *payload, size_t n)
{
	struct envelope v = {.event_type = mem_strdup("node_state_updated"),
		.event_id = mem_strdup("2"),
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_strdup(NODE ":1:x"),
		.payload = mem_strndup(payload, n)};
	struct buf text = {0};
	struct err e = {0};

	if (envelope_sign(&v, &seed, &e) == 0 && envelope_write(&v, &text) == 0 &&
		events_take(&core, text.data, text.len, &e) == EVENT_FLUSH)
		core_flush(&core);
	envelope_done(&v);
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = {0};

	again();
	if (n > 0 && data[0] == '{') {
		events_take(&core, (const char *)data, n, &e);
		if (core_revision(&core) != 1)
			abort(); /* nobody here can sign */
	} else if (n > 1) {
		signed_delta((const char *)data + 1, n - 1);
	}
	return 0;
}
