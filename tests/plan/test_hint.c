/* DOC: where a member is told to look for another: by pairs, by table; what a move costs;
 * and that who is listened for speaks. */
#include "plan/hint.h"
#include "plan/plan.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

struct at {
	const char *configured, *observed, *near, *from;
};

static void put(struct member *m, const struct at *at)
{
	mem_free(m->endpoint);
	mem_free(m->observed_endpoint);
	mem_free(m->near_endpoint);
	m->endpoint = mem_strdup(at->configured);
	m->observed_endpoint = mem_strdup(at->observed);
	m->near_endpoint = mem_strdup(at->near);
	m->calls_from = (struct prefix){0};
	if (at->from != NULL)
		assert_int_equal(prefix_parse(at->from, "", &m->calls_from, NULL), 0);
}

/* n plain members that are all linked. */
static const struct fleet_network *mesh(struct world *w, unsigned n)
{
	const struct fleet_network *fn;

	*w = (struct world){.rand.state = 7, .fleet = fleet_new()};
	fn = fleet_network(w->fleet, world_mesh(w, 16, n));
	fn->network->topology = TOPOLOGY_MESH;
	VEC_FOREACH (m, &fn->members) {
		(*m)->roles = ROLE_PEER;
		world_key(w, &(*m)->public_key);
	}
	return fn;
}

static const struct peer_item *peer_of(const struct fleet *f, const struct member *self,
	const struct member *other, struct state *s)
{
	assert_int_equal(plan_node(f, self->node, &world_keys, s, NULL), 0);
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.id, other->id) == 0)
			return &(*i)->peer;
	fail_msg("no peer");
	return NULL;
}

static void expect(const char *what, const struct fleet *f, const struct member *self,
	const struct member *other, const char *endpoint, const char *near)
{
	struct state s = {0};
	const struct peer_item *p = peer_of(f, self, other, &s);

	if (strcmp(p->endpoint != NULL ? p->endpoint : "", endpoint) != 0 ||
		strcmp(p->near_endpoint != NULL ? p->near_endpoint : "", near) != 0)
		fail_msg("%s: endpoint \"%s\", near \"%s\"", what, p->endpoint, p->near_endpoint);
	state_done(&s);
}

#define NAT1 "203.0.113.7/32"
#define NAT2 "198.51.100.1/32"

static void by_pairs(void **state)
{
	static const struct {
		const char *what;
		struct at self, other;
		const char *endpoint, *near;
	} rows[] = {
		{"behind the same NAT", {NULL, "203.0.113.7:1001", "192.168.1.5:51820", NAT1},
			{NULL, "203.0.113.7:1002", "192.168.1.6:51820", NAT1}, "203.0.113.7:1002",
			"192.168.1.6:51820"},
		{"behind different ones", {NULL, "203.0.113.7:1001", "192.168.1.5:51820", NAT1},
			{NULL, "198.51.100.1:1002", "192.168.1.6:51820", NAT2}, "198.51.100.1:1002",
			""},
		{"a provider's NAT: both are tried",
			{NULL, "203.0.113.7:1001", "100.64.0.5:51820", NAT1},
			{NULL, "203.0.113.7:1002", "100.64.9.6:51820", NAT1}, "203.0.113.7:1002",
			"100.64.9.6:51820"},
		{"from a public node", {NULL, "198.51.100.1:51820", NULL, NAT2},
			{NULL, "203.0.113.7:1002", "192.168.1.6:51820", NAT1}, "203.0.113.7:1002",
			""},
		{"to a public node", {NULL, "203.0.113.7:1002", "192.168.1.6:51820", NAT1},
			{NULL, "198.51.100.1:51820", NULL, NAT2}, "198.51.100.1:51820", ""},
		{"from the router itself", {NULL, "203.0.113.7:51820", NULL, NAT1},
			{NULL, "203.0.113.7:1002", "192.168.1.6:51820", NAT1}, "203.0.113.7:1002",
			"192.168.1.6:51820"},
		{"IPv6 of one LAN",
			{NULL, "[2001:db8::5]:51820", "192.168.1.5:51820", "2001:db8::/64"},
			{NULL, "[2001:db8::6]:51820", "192.168.1.6:51820", "2001:db8::/64"},
			"[2001:db8::6]:51820", "192.168.1.6:51820"},
		{"a configured endpoint is the only one",
			{NULL, "203.0.113.7:1001", "192.168.1.5:51820", NAT1},
			{"vpn.example.com:4500", "203.0.113.7:1002", "192.168.1.6:51820", NAT1},
			"vpn.example.com:4500", ""},
		{"seen from one that has one",
			{"vpn.example.com:4500", "203.0.113.7:1001", "192.168.1.5:51820", NAT1},
			{NULL, "203.0.113.7:1002", "192.168.1.6:51820", NAT1}, "203.0.113.7:1002",
			"192.168.1.6:51820"},
		{"nobody knows where they call from",
			{NULL, "203.0.113.7:1001", "192.168.1.5:51820", NULL},
			{NULL, "203.0.113.7:1002", "192.168.1.6:51820", NULL}, "203.0.113.7:1002",
			""},
		{"nothing is known at all", {NULL, NULL, NULL, NULL}, {NULL, NULL, NULL, NULL}, "",
			""},
	};
	struct world w;
	const struct fleet_network *fn;
	struct member *a, *b;

	(void)state;
	fn = mesh(&w, 2);
	a = fn->members.v[0];
	b = fn->members.v[1];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(a, &rows[i].self);
		put(b, &rows[i].other);
		expect(rows[i].what, w.fleet, a, b, rows[i].endpoint, rows[i].near);
	}
	world_done(&w);
}

/* A controller behind a NAT: its hub is where its direct interface is, at the hub's port. */
static void to_a_hub(void **state)
{
	static const struct at controller = {NULL, "203.0.113.7:1001", "192.168.1.5:51820", NAT1};
	static const struct at node = {NULL, "203.0.113.7:1002", "192.168.1.6:51820", NAT1};
	const struct fleet_network *fn;
	struct world w;
	struct state s = {0};
	unsigned found = 0;

	(void)state;
	fn = mesh(&w, 2);
	put(fn->members.v[0], &controller);
	put(fn->members.v[1], &node);
	fn->members.v[0]->roles = ROLE_PEER | ROLE_CONTROLLER;
	fn->members.v[0]->listen_port = 51820;
	assert_int_equal(plan_node(w.fleet, fn->members.v[1]->node, &world_keys, &s, NULL), 0);
	VEC_FOREACH (i, &s.items) {
		if ((*i)->kind != ITEM_PEER || strstr((*i)->peer.interface, "-r") == NULL)
			continue;
		assert_string_equal((*i)->peer.endpoint, "203.0.113.7:51821");
		assert_string_equal((*i)->peer.near_endpoint, "192.168.1.5:51821");
		found++;
	}
	assert_int_equal(found, 1);
	state_done(&s);
	world_done(&w);
}

/* The keepalive of the peer that other is to self, on the interface of this role. */
static uint16_t speaks(
	const struct fleet *f, const struct member *self, const struct member *other, int role)
{
	struct state s = {0};
	char name[IFNAME_LEN] = "";
	uint16_t keepalive = 0;
	bool found = false;

	assert_int_equal(plan_node(f, self->node, &world_keys, &s, NULL), 0);
	VEC_FOREACH (i, &s.items)
		if ((*i)->kind == ITEM_INTERFACE && (int)(*i)->interface.role == role)
			snprintf(name, sizeof(name), "%s", (*i)->interface.name);
	VEC_FOREACH (i, &s.items)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.interface, name) == 0 &&
			strcmp((*i)->peer.id, other->id) == 0) {
			keepalive = (*i)->peer.keepalive;
			found = true;
		}
	assert_true(found);
	state_done(&s);
	return keepalive;
}

/* A relay's path is dead when nothing was heard for three keepalives (agent/path.h), so the relay
 * speaks where nothing goes by it, too. */
static void a_relay_is_heard(void **state)
{
	static const uint16_t networks[] = {0, 7, 25};
	const struct fleet_network *fn;
	struct world w;

	(void)state;
	fn = mesh(&w, 2);
	fn->members.v[0]->roles = ROLE_PEER | ROLE_CONTROLLER;
	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		const struct member *relay = fn->members.v[0], *node = fn->members.v[1];
		uint16_t listened;

		fn->network->keepalive = networks[i];
		listened = speaks(w.fleet, node, relay, IFACE_RELAY);
		assert_int_not_equal(listened, 0);
		assert_int_equal(speaks(w.fleet, relay, node, IFACE_HUB), listened);
	}
	world_done(&w);
}

/* The number changes with either text, and with where one ends. */
static void generations(void **state)
{
	static const char *const pairs[][2] = {{"a:1", NULL}, {"b:1", NULL}, {"a:1", "b:1"},
		{"b:1", "a:1"}, {NULL, "a:1"}, {"a:1", "a:1"}};

	(void)state;
	assert_int_equal(hint_generation(NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(hint_generation(pairs[i][0], pairs[i][1]),
				hint_generation(pairs[k][0], pairs[k][1]));
}

/* --- what a move costs ------------------------------------------------------------------------ */

static size_t told(struct fleet *f, const struct member *m, struct member *after, size_t *ret_own)
{
	struct fleet_change c = {.schema = &schema_member, .before = m, .after = after};
	struct plan_change *pc = plan_change_begin(f, &c, &world_keys);
	size_t n = 0;

	*ret_own = 0;
	fleet_put(f, &schema_member, after);
	MAP_FOREACH (slot, &f->nodes) {
		struct delta d = {0};

		plan_change_end(pc, f, slot->key, &d);
		n += d.put.n + d.drop.n > 0;
		if (strcmp(slot->key, after->node) == 0)
			*ret_own = d.put.n;
		delta_done(&d);
	}
	plan_change_free(pc);
	return n;
}

/* Of 40 members ten are behind one NAT. Who is told of a near endpoint are its nine neighbours; who
 * moves out of the LAN is told of those that stay, and they of it. */
static void neighbours_are_told(void **state)
{
	enum { ALL = 40, LAN = 10 };
	const struct fleet_network *fn;
	struct world w;
	struct member *m;
	size_t own;

	(void)state;
	fn = mesh(&w, ALL);
	for (unsigned i = 0; i < ALL; i++) {
		char near[32], observed[32], from[32];
		struct at at = {NULL, observed, i < LAN ? near : NULL, from};

		snprintf(near, sizeof(near), "192.168.1.%u:51820", i + 1);
		snprintf(observed, sizeof(observed), "203.0.113.%u:%u", i < LAN ? 7 : i, 1000 + i);
		snprintf(from, sizeof(from), "203.0.113.%u/32", i < LAN ? 7 : i);
		put(fn->members.v[i], &at);
	}
	m = schema_dup(&schema_member, fn->members.v[3]);
	mem_free(m->near_endpoint);
	m->near_endpoint = mem_strdup("192.168.1.99:51820");
	assert_int_equal(told(w.fleet, fn->members.v[3], m, &own), LAN - 1);
	assert_int_equal(own, 0);
	m = schema_dup(&schema_member, fn->members.v[3]);
	assert_int_equal(prefix_parse("198.51.100.1/32", "", &m->calls_from, NULL), 0);
	assert_int_equal(told(w.fleet, fn->members.v[3], m, &own), LAN);
	assert_int_equal(own, LAN - 1);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_pairs),
		cmocka_unit_test(to_a_hub),
		cmocka_unit_test(a_relay_is_heard),
		cmocka_unit_test(generations),
		cmocka_unit_test(neighbours_are_told),
	};

	return cmocka_run_group_tests_name("hint", tests, NULL, NULL);
}
