/* DOC: event types by what the change did and what the delta holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/event.h"

#include <stdio.h>
#include <string.h>

static void add(struct item_vec *v, enum item_kind kind, const char *peer)
{
	struct item *i = item_new(kind, "net_1");

	switch (kind) {
	case ITEM_PEER:
		snprintf(i->peer.interface, IFNAME_LEN, "warren0");
		id_copy(i->peer.id, peer);
		break;
	case ITEM_SET:
		i->set.set = mem_strdup("d_x");
		break;
	case ITEM_HOST:
		i->host.name = mem_strdup("phone");
		break;
	case ITEM_INTERFACE:
		snprintf(i->interface.name, IFNAME_LEN, "warren0");
		break;
	default:
		break;
	}
	VEC_PUSH(v, i);
}

static void test_device(void **state)
{
	struct device on = {.enabled = true}, off = {.enabled = false}, rekeyed = {.enabled = true};
	struct delta came = {0}, went = {0}, empty = {0};
	const char *peer;
	CLEANUP(buf_done) struct buf text = {0};

	rekeyed.public_key.bytes[0] = 1;
	add(&came.put, ITEM_SET, NULL);
	add(&came.put, ITEM_PEER, "cl_1");
	add(&came.put, ITEM_HOST, NULL);
	add(&went.drop, ITEM_SET, NULL);
	add(&went.drop, ITEM_PEER, "cl_1");
	const struct {
		const void *before, *after;
		const struct delta *d;
		const char *want;
	} rows[] = {
		{NULL, &on, &came, "peer_added"},
		{&off, &on, &came, "peer_added"},
		{&on, &off, &went, "peer_removed"},
		{&on, NULL, &went, "peer_removed"},
		{&on, &rekeyed, &came, "peer_key_rotated"},
		{&on, &on, &came, "node_state_updated"},
		{NULL, &off, &empty, "node_state_updated"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fleet_change c = {&schema_device, rows[i].before, rows[i].after};

		assert_string_equal(event_type(&c, rows[i].d, &peer), rows[i].want);
		if (strncmp(rows[i].want, "peer_", 5) == 0)
			assert_string_equal(peer, "cl_1");
		else
			assert_null(peer);
	}
	went.previous = 4;
	went.revision = 5;
	event_payload("peer_removed", "cl_1", &went, &text);
	assert_true(strncmp(text.data, "{\"peer_id\":\"cl_1\",\"previous\":4,", 31) == 0);
	/* with an interface among it, it is more than a peer */
	add(&came.put, ITEM_INTERFACE, NULL);
	struct fleet_change c = {&schema_device, NULL, &on};
	assert_string_equal(event_type(&c, &came, &peer), "node_state_updated");
	delta_done(&came);
	delta_done(&went);
}

static void test_others(void **state)
{
	struct member a = {.public_key.bytes[0] = 1}, keyless = {0}, seen = a;
	struct node on = {.enabled = true}, off = {0};
	struct policy before = {0}, after = {0};
	struct delta came = {0}, went = {0}, rules = {0}, two = {0};
	const char *peer;

	seen.observed_endpoint = (char *)(uintptr_t) "192.0.2.1:1";
	add(&came.put, ITEM_PEER, "mem_1");
	add(&came.put, ITEM_ROUTE, NULL);
	add(&went.drop, ITEM_PEER, "mem_1");
	add(&rules.put, ITEM_FIREWALL, NULL);
	add(&rules.drop, ITEM_SET, NULL);
	add(&two.put, ITEM_PEER, "mem_1");
	add(&two.put, ITEM_PEER, "mem_2");
	const struct {
		struct fleet_change c;
		const struct delta *d;
		const char *want;
	} rows[] = {
		{{&schema_member, NULL, &a}, &came, "peer_added"},
		{{&schema_member, &keyless, &a}, &came, "peer_added"},
		{{&schema_member, NULL, &a}, &two, "node_state_updated"},
		{{&schema_member, &a, &seen}, &came, "peer_endpoint_changed"},
		{{&schema_member, &a, NULL}, &went, "peer_removed"},
		{{&schema_node, &on, &off}, &went, "peer_removed"},
		{{&schema_node, &off, &on}, &came, "peer_added"},
		{{&schema_policy, &before, &after}, &rules, "policy_updated"},
		{{&schema_policy, &before, &after}, &came, "node_state_updated"},
		{{&schema_network, &before, &after}, &rules, "policy_updated"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(event_type(&rows[i].c, rows[i].d, &peer), rows[i].want);
	delta_done(&came);
	delta_done(&went);
	delta_done(&rules);
	delta_done(&two);
}

static void test_refetch(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};

	event_payload_refetch(3, 18446744073709551615u, &text);
	assert_string_equal(buf_str(&text),
		"{\"previous\":3,\"revision\":18446744073709551615,\"refetch\":true}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_refetch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
