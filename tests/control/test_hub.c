/*
 * DOC: the hub from outside: what fake agents are told is exactly what their plans became, in
 * commit order, over changes, reconnects and restarts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "base/rand.h"
#include "codec/envelope.h"
#include "control/bulk.h"
#include "control/change.h"
#include "crypto/key.h"
#include "http/worker.h"
#include "control/stream.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A gateway and a node that have joined, fetched their state and listen. */
static void two_agents(struct rig *r, struct agent *gw, struct agent *node)
{
	CLEANUP(buf_done) struct buf token = {0};

	rig_token(r, ROLE_PEER | ROLE_GATEWAY, 1, 0, &token);
	assert_int_equal(agent_join(gw, r, "gw", buf_str(&token)), 201);
	rig_token(r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(node, r, "box", buf_str(&token)), 201);
	agent_fetch(gw, &gw->state);
	agent_fetch(node, &node->state);
}

static void listen_here(struct agent *a)
{
	char id[24];

	snprintf(id, sizeof(id), "%" PRIu64, a->state.revision);
	agent_listen(a, id);
}

#define wait_streams(r, n) wait_streams_at(r, n, __LINE__)
static void wait_streams_at(struct rig *r, unsigned n, int line)
{
	struct hub_counts c;
	struct timespec pause = {.tv_nsec = 1000000};

	/* opening and closing are seen by other threads; there is no event for the test to wait on
	 */
	for (int i = 0; i < 20000; i++) {
		hub_counts(r->control.hub, &c);
		if (c.streams == n)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("line %d: %u streams, not %u", line, c.streams, n);
}

static void test_one_device(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0};
	struct group g;
	struct device d, changed = {0};

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	rig_group(&r, &g);
	listen_here(&gw);
	wait_streams(&r, 1);
	rig_client(&r, "phone", g.id, &d);
	rig_change(&r, &schema_device, NULL, &d);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_string_equal(gw.last_type, "peer_added");
	agent_check(&gw);

	schema_copy(&schema_device, &changed, &d);
	changed.public_key.bytes[3] ^= 1;
	rig_change(&r, &schema_device, &d, &changed);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_string_equal(gw.last_type, "peer_key_rotated");
	agent_check(&gw);

	changed.enabled = false;
	rig_change(&r, &schema_device, &d, &changed);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_string_equal(gw.last_type, "peer_removed");
	agent_check(&gw);

	d = (schema_done(&schema_device, &d), changed);
	changed = (struct device){0};
	schema_copy(&schema_device, &changed, &d);
	changed.enabled = true;
	rig_change(&r, &schema_device, &d, &changed);
	rig_change(&r, &schema_device, &changed, NULL);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_string_equal(gw.last_type, "peer_removed");
	agent_check(&gw);
	assert_int_equal(gw.refetches, 0);

	schema_done(&schema_device, &d);
	schema_done(&schema_device, &changed);
	schema_done(&schema_group, &g);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

/* --- random changes --------------------------------------------------------------------------- */

#define PHONES 12

struct world {
	struct rig *rig;
	struct group group;
	struct device phones[PHONES]; /* id "" = not there */
	struct rand rand;
	unsigned made;
};

static void create_phone(struct world *w, struct device *d)
{
	char name[32];

	snprintf(name, sizeof(name), "phone-%u", ++w->made);
	rig_client(w->rig, name, w->group.id, d);
	if (rand_below(&w->rand, 3) == 0)
		strs_push(&d->tags, "admin");
	rig_change(w->rig, &schema_device, NULL, d);
}

static void change_phone(struct world *w, struct device *d)
{
	struct device before = {0};
	struct secret key;

	schema_copy(&schema_device, &before, d);
	switch (rand_below(&w->rand, 5)) {
	case 0:
		rig_change(w->rig, &schema_device, &before, NULL);
		schema_done(&schema_device, d);
		schema_done(&schema_device, &before);
		return;
	case 1:
		d->enabled = !d->enabled;
		break;
	case 2:
		key_generate(&key);
		key_public(&key, &d->public_key);
		break;
	case 3:
		d->expires_at = (msec)rand_below(&w->rand, 1000000) + 1900000000000;
		break;
	case 4:
		if (d->tags.n > 0)
			strs_done(&d->tags);
		else
			strs_push(&d->tags, "admin");
		break;
	}
	rig_change(w->rig, &schema_device, &before, d);
	schema_done(&schema_device, &before);
}

static int first_id(void *arg, const void *object)
{
	id_copy(arg, object);
	return 1;
}

struct finding {
	const struct schema *schema;
	id_text id;
};

static int find_first(struct tx *tx, void *arg, struct err *e)
{
	struct finding *f = arg;
	const struct tx_query all = {0};

	return tx_list(tx, f->schema, &all, first_id, f->id, NULL, NULL, e);
}

static void change_network(struct world *w)
{
	struct network before = {0}, after = {0};

	rig_get(w->rig, &schema_network, w->rig->network, &before);
	schema_copy(&schema_network, &after, &before);
	if (rand_below(&w->rand, 2))
		after.psk_epoch++;
	else
		after.keepalive = (uint16_t)(after.keepalive == 25 ? 15 : 25);
	rig_change(w->rig, &schema_network, &before, &after);
	schema_done(&schema_network, &before);
	schema_done(&schema_network, &after);
}

/* Toggle a second rule: admins reach everything. */
static void change_policy(struct world *w)
{
	struct finding f = {.schema = &schema_policy};
	struct policy before = {0}, after = {0};

	assert_true(store_read(w->rig->control.store, find_first, &f, NULL) >= 0);
	rig_get(w->rig, &schema_policy, f.id, &before);
	schema_copy(&schema_policy, &after, &before);
	if (after.rules.n == 1) {
		struct rule rule = {.protocol = mem_strdup("tcp")};

		strs_push(&rule.from, "tag:admin");
		strs_push(&rule.to, "nodes");
		strs_push(&rule.ports, "22");
		VEC_PUSH(&after.rules, rule);
	} else {
		after.enabled = !after.enabled;
	}
	rig_change(w->rig, &schema_policy, &before, &after);
	schema_done(&schema_policy, &before);
	schema_done(&schema_policy, &after);
}

static void toggle_node(struct world *w, const char *id)
{
	struct node before = {0}, after = {0};

	rig_get(w->rig, &schema_node, id, &before);
	schema_copy(&schema_node, &after, &before);
	after.enabled = !after.enabled;
	rig_change(w->rig, &schema_node, &before, &after);
	schema_done(&schema_node, &before);
	schema_done(&schema_node, &after);
}

static void random_changes(void)
{
	struct rig r;
	struct agent gw = {0}, node = {0};
	struct world w = {.rig = &r, .rand = {20260101}};

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	rig_group(&r, &w.group);
	listen_here(&gw);
	listen_here(&node);
	wait_streams(&r, 2);
	for (int i = 0; i < 200; i++) {
		struct device *d = &w.phones[rand_below(&w.rand, PHONES)];
		uint64_t kind = rand_below(&w.rand, 20);

		if (kind == 0)
			change_network(&w);
		else if (kind == 1)
			change_policy(&w);
		else if (kind == 2)
			toggle_node(&w, rand_below(&w.rand, 2) ? gw.id : node.id);
		else if (d->id[0] == '\0')
			create_phone(&w, d);
		else
			change_phone(&w, d);
		if (i % 10 != 9)
			continue;
		agent_wait(&gw, rig_revision(&r, gw.id));
		agent_wait(&node, rig_revision(&r, node.id));
		agent_check(&gw);
		agent_check(&node);
	}
	assert_int_equal(gw.refetches + node.refetches, 0);
	for (int i = 0; i < PHONES; i++)
		schema_done(&schema_device, &w.phones[i]);
	schema_done(&schema_group, &w.group);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

static void test_random(void **state)
{
	random_changes();
}

/* --- in slices -------------------------------------------------------------------------------- */

/* Every change is taken over, also those of devices and nodes that wait behind another. */
static void test_random_bulk(void **state)
{
	size_t links = bulk_links;

	bulk_links = 0;
	random_changes();
	bulk_links = links;
}

struct gate {
	struct rig *rig;
	const struct network *before, *after;
	struct hub *hub;
	sem_t here, go;
	bool pending;   /* when the call ran */
	uint64_t sent;  /* by then */
	uint64_t epoch; /* as the fleet had it */
	const char *network;
};

static void *write_epoch(void *arg)
{
	struct gate *g = arg;

	rig_change(g->rig, &schema_network, g->before, g->after);
	return NULL;
}

/* Until the hub, which stands still, has a row to apply. */
static void wait_row(struct hub *h)
{
	struct timespec pause = {.tv_nsec = 1000000};
	size_t n = 0;

	for (int i = 0; i < 60000 && n == 0; i++) {
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&h->lock);
		n = h->rows.n;
		pthread_mutex_unlock(&h->lock);
	}
	assert_int_equal(n, 1);
}

static void stand(const struct fleet *f, void *arg)
{
	struct gate *g = arg;

	sem_post(&g->here);
	sem_wait(&g->go);
}

static void look(const struct fleet *f, void *arg)
{
	struct gate *g = arg;
	struct hub_counts c;

	hub_counts(g->hub, &c);
	g->sent = c.events_sent;
	g->pending = bulks_pending(g->hub->bulks);
	g->epoch = fleet_network(f, g->network)->network->psk_epoch;
	sem_post(&g->here);
}

/* A call that waits behind a change for many is answered when the fleet has the change, not when
 * all have been told. */
static void test_bulk_blocks_nobody(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0};
	struct gate g = {0};
	struct network before = {0}, after = {0};
	struct hub_counts c;
	size_t links = bulk_links;
	pthread_t writer;

	bulk_links = 1;
	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	listen_here(&gw);
	listen_here(&node);
	wait_streams(&r, 2);
	g.hub = r.control.hub;
	g.network = r.network;
	sem_init(&g.here, 0, 0);
	sem_init(&g.go, 0, 0);
	rig_get(&r, &schema_network, r.network, &before);
	schema_copy(&schema_network, &after, &before);
	after.psk_epoch += 7;
	hub_run(g.hub, stand, &g);
	sem_wait(&g.here);
	hub_counts(g.hub, &c);
	g.rig = &r;
	g.before = &before;
	g.after = &after;
	assert_int_equal(pthread_create(&writer, NULL, write_epoch, &g), 0);
	wait_row(g.hub);
	hub_run(g.hub, look, &g); /* in line behind the row before the hub goes on */
	sem_post(&g.go);
	sem_wait(&g.here);
	pthread_join(writer, NULL);
	assert_true(g.pending);
	assert_int_equal(g.sent, c.events_sent);
	assert_int_equal(g.epoch, after.psk_epoch);
	agent_wait(&gw, rig_revision(&r, gw.id));
	agent_wait(&node, rig_revision(&r, node.id));
	agent_check(&gw);
	agent_check(&node);
	assert_int_equal(gw.refetches + node.refetches, 0);
	sem_destroy(&g.here);
	sem_destroy(&g.go);
	schema_done(&schema_network, &before);
	schema_done(&schema_network, &after);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
	bulk_links = links;
}

/* --- resuming --------------------------------------------------------------------------------- */

static void poke(struct rig *r, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct network before = {0}, after = {0};

		rig_get(r, &schema_network, r->network, &before);
		schema_copy(&schema_network, &after, &before);
		after.psk_epoch++;
		rig_change(r, &schema_network, &before, &after);
		schema_done(&schema_network, &before);
		schema_done(&schema_network, &after);
	}
}

static void test_resume(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0};
	struct hub_counts c;

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	listen_here(&gw);
	wait_streams(&r, 1);
	poke(&r, 3);
	agent_wait(&gw, rig_revision(&r, gw.id));
	agent_hang_up(&gw);
	poke(&r, 5); /* some of these while it is away; sooner or later the hub knows */
	wait_streams(&r, 0);
	poke(&r, 5);
	listen_here(&gw);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(gw.events, 10);
	assert_int_equal(gw.refetches, 0);
	agent_check(&gw);
	/* up to date: nothing is said until something happens */
	agent_hang_up(&gw);
	wait_streams(&r, 0);
	listen_here(&gw);
	wait_streams(&r, 1);
	poke(&r, 1);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(gw.events, 1);
	/* away for longer than steps are kept */
	agent_hang_up(&gw);
	wait_streams(&r, 0);
	poke(&r, 1);
	rig_advance(&r, 16 * 60 * 1000);
	listen_here(&gw);
	wait_streams(&r, 1);
	agent_wait(&gw, rig_revision(&r, gw.id));
	agent_check(&gw);
	/* nobody knows where it was */
	agent_hang_up(&gw);
	wait_streams(&r, 0);
	agent_listen(&gw, NULL);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(gw.events, 1);
	assert_int_equal(gw.refetches, 1);
	agent_hang_up(&gw);
	wait_streams(&r, 0);
	agent_listen(&gw, "999999");
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(gw.refetches, 1);
	agent_check(&gw);
	hub_counts(r.control.hub, &c);
	assert_true(c.refetches >= 2);
	/* after a restart nothing is kept, and who missed nothing is told nothing */
	agent_hang_up(&gw);
	wait_streams(&r, 0);
	rig_restart(&r);
	listen_here(&gw);
	wait_streams(&r, 1);
	poke(&r, 1);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(gw.events, 1);
	assert_int_equal(gw.refetches, 0);
	agent_check(&gw);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

static void test_past_ring(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0};

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	listen_here(&gw);
	wait_streams(&r, 1);
	agent_hang_up(&gw);
	wait_streams(&r, 0);
	poke(&r, 1);
	rig_advance(&r, 14 * 60 * 1000);
	poke(&r, 1);
	rig_advance(&r, 2 * 60 * 1000);
	/* the first step has aged away by now; the slot would go too, were it not asked for */
	poke(&r, 1);
	listen_here(&gw);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(gw.events, 1);
	assert_int_equal(gw.refetches, 1);
	agent_check(&gw);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

static void test_two_streams(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0}, second;

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	listen_here(&gw);
	wait_streams(&r, 1);
	second = gw;
	memset(&second.state, 0, sizeof(second.state));
	second.raw = (struct buf){0};
	agent_fetch(&second, &second.state);
	listen_here(&second);
	agent_wait_end(&gw); /* the newer one wins */
	wait_streams(&r, 1);
	poke(&r, 2);
	agent_wait(&second, rig_revision(&r, gw.id));
	assert_int_equal(second.events, 2);
	assert_int_equal(gw.events, 0);
	agent_check(&second);
	agent_done(&second);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

/* --- commit order ----------------------------------------------------------------------------- */

struct writer {
	struct rig *rig;
	const char *group;
	pthread_t thread;
	unsigned number;
};

#define WRITERS 4
#define WRITES 40

static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < WRITES; i++) {
		struct device d;
		char name[32];

		snprintf(name, sizeof(name), "c-%u-%u", w->number, i);
		rig_client(w->rig, name, w->group, &d);
		rig_change(w->rig, &schema_device, NULL, &d);
		if (i % 2)
			rig_change(w->rig, &schema_device, &d, NULL);
		schema_done(&schema_device, &d);
	}
	return NULL;
}

/* on_event refuses a delta whose previous revision is not the one that was applied. */
static void test_commit_order(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0};
	struct writer writers[WRITERS];
	struct group g;
	uint64_t before;

	rig_start(&r, true);
	two_agents(&r, &gw, &node);
	rig_group(&r, &g);
	listen_here(&gw);
	wait_streams(&r, 1);
	before = rig_revision(&r, gw.id);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.rig = &r, .group = g.id, .number = i};
		pthread_create(&writers[i].thread, NULL, write_many, &writers[i]);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	agent_wait(&gw, rig_revision(&r, gw.id));
	assert_int_equal(rig_revision(&r, gw.id) - before, WRITERS * WRITES * 3 / 2);
	assert_int_equal(gw.events, WRITERS * WRITES * 3 / 2);
	assert_int_equal(gw.refetches, 0);
	agent_check(&gw);
	schema_done(&schema_group, &g);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

/* --- leaving ---------------------------------------------------------------------------------- */

/* The status of announcing a key, with a proof made for proven (NULL = none) by secret. */
static int announce(struct agent *a, const struct public_key *key, const struct secret *secret,
	const struct public_key *proven)
{
	char text[KEY_TEXT_LEN], proof_text[KEY_TEXT_LEN];
	AUTOFREE char *body = NULL;
	struct secret proof = {0};

	if (proven != NULL)
		key_announce_proof(secret, a->rig->network, proven, &proof);
	body = proven == NULL
		? mem_printf("{\"network\":\"%s\",\"public_key\":\"%s\"}", a->rig->network,
			  key_format_public(key, text))
		: mem_printf("{\"network\":\"%s\",\"public_key\":\"%s\",\"proof\":\"%s\"}",
			  a->rig->network, key_format_public(key, text),
			  key_format_secret(&proof, proof_text));
	return agent_call(a, "PUT", "keys", NULL, body, NULL);
}

/* Somebody with a node's bearer, but not its secret, cannot put a key in the node's place. */
static void test_key_proof(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0};
	struct secret bearer, mine;
	struct public_key key;

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	key_generate(&mine);
	key_public(&mine, &key);
	key_derive(&node.secret, "bearer", &bearer);
	assert_int_equal(announce(&node, &key, NULL, NULL), 400);
	assert_int_equal(announce(&node, &key, &bearer, &key), 403);
	assert_int_equal(announce(&node, &key, &gw.secret, &key), 403);
	assert_int_equal(announce(&node, &key, &node.secret, &node.public_key), 403);
	assert_int_equal(announce(&node, &key, &node.secret, &key), 200);
	agent_done(&gw);
	agent_done(&node);
	rig_stop(&r);
}

static void test_deregister(void **state)
{
	struct rig r;
	struct agent gw = {0}, node = {0}, next = {0};
	CLEANUP(buf_done) struct buf token = {0};

	rig_start(&r, false);
	two_agents(&r, &gw, &node);
	listen_here(&gw);
	listen_here(&node);
	wait_streams(&r, 2);
	assert_int_equal(agent_call(&node, "POST", "deregister", NULL, "{}", NULL), 200);
	assert_int_equal(agent_call(&node, "POST", "heartbeat", NULL, "{}", NULL), 401);
	agent_wait_end(&node);
	wait_streams(&r, 1);
	agent_wait(&gw, rig_revision(&r, gw.id));
	agent_check(&gw);
	/* its name and key are free again; its address rests */
	rig_token(&r, ROLE_PEER, 1, 0, &token);
	next.key = node.key;
	assert_int_equal(agent_join(&next, &r, "box", buf_str(&token)), 201);
	assert_string_not_equal(next.id, node.id);
	agent_wait(&gw, rig_revision(&r, gw.id));
	agent_check(&gw);
	agent_done(&gw);
	agent_done(&node);
	agent_done(&next);
	rig_stop(&r);
}

/* --- cost of a push --------------------------------------------------------------------------- */

#define FLEET 1000

static msec cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (msec)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Many agents, one change that concerns them all. In a hub network every
 * node is linked with its controller only, so plans are small and the push is what costs. */
static void test_push_cost(void **state)
{
	struct rig r;
	struct agent *agents = mem_zalloc(FLEET * sizeof(*agents));
	CLEANUP(buf_done) struct buf token = {0};
	struct rlimit limit;
	msec keepalive = http_keepalive;
	struct network before = {0}, after = {0};
	struct hub_counts counts;
	msec wall, cpu;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 3 * FLEET) {
		mem_free(agents);
		skip();
	}
	limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
	setrlimit(RLIMIT_NOFILE, &limit);
	http_keepalive = 15 * 1000;
	rig_start(&r, true);
	rig_get(&r, &schema_network, r.network, &before);
	schema_copy(&schema_network, &after, &before);
	after.topology = TOPOLOGY_HUB;
	rig_change(&r, &schema_network, &before, &after);
	rig_token(&r, ROLE_PEER | ROLE_CONTROLLER, 1, 0, &token);
	assert_int_equal(agent_join(&agents[0], &r, "hub", buf_str(&token)), 201);
	rig_token(&r, ROLE_PEER, FLEET, 0, &token);
	for (int i = 1; i < FLEET; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n-%d", i);
		assert_int_equal(agent_join(&agents[i], &r, name, buf_str(&token)), 201);
	}
	for (int i = 0; i < FLEET; i++) {
		agent_fetch(&agents[i], &agents[i].state);
		listen_here(&agents[i]);
	}
	wait_streams(&r, FLEET);
	wall = clock_mono(&clock_real);
	cpu = cpu_ms();
	before = (schema_done(&schema_network, &before), after);
	after = (struct network){0};
	schema_copy(&schema_network, &after, &before);
	after.psk_epoch++;
	rig_change(&r, &schema_network, &before, &after);
	hub_counts(r.control.hub, &counts);
	print_message("# %d agents, one change for all: pushed %d ms after the commit, %d ms CPU\n",
		FLEET, (int)counts.last_change_to_push, (int)(cpu_ms() - cpu));
	for (int i = 0; i < FLEET; i++)
		agent_wait(&agents[i], rig_revision(&r, agents[i].id));
	print_message("# last one had applied it after %d ms (reading them one after the other)\n",
		(int)(clock_mono(&clock_real) - wall));
	agent_check(&agents[FLEET - 1]);
	schema_done(&schema_network, &before);
	schema_done(&schema_network, &after);
	for (int i = 0; i < FLEET; i++)
		agent_done(&agents[i]);
	mem_free(agents);
	rig_stop(&r);
	http_keepalive = keepalive;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_device),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_random_bulk),
		cmocka_unit_test(test_bulk_blocks_nobody),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_past_ring),
		cmocka_unit_test(test_two_streams),
		cmocka_unit_test(test_commit_order),
		cmocka_unit_test(test_key_proof),
		cmocka_unit_test(test_deregister),
		cmocka_unit_test(test_push_cost),
	};

	/* A sleeping stream notices that its reader has gone when a comment is written to it. */
	http_keepalive = 20;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
