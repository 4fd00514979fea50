/* DOC: the fleet's indexes against a walk over all objects, on random sequences of changes. */
#include "model/fleet.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct rand rng = {7};

static void set_id(id_text id, const char *prefix, uint64_t n)
{
	snprintf(id, ID_LEN, "%s_%llu", prefix, (unsigned long long)n);
}

static const char *id_of(const char *prefix, uint64_t n)
{
	static id_text id;

	set_id(id, prefix, n);
	return id;
}

#define NETWORKS 4
#define GROUPS 3
#define NODES 5
#define OBJECTS 40

static void put_random(struct fleet *f)
{
	uint64_t n = rand_below(&rng, OBJECTS), net = rand_below(&rng, NETWORKS);

	switch (rand_below(&rng, 6)) {
	case 0: {
		struct network *o = NEW(struct network);

		set_id(o->id, "net", net);
		o->name = mem_printf("network %u", (unsigned)net);
		fleet_put(f, &schema_network, o);
		break;
	}
	case 1: {
		struct member *o = NEW(struct member);

		set_id(o->id, "mem", n);
		set_id(o->network, "net", net);
		set_id(o->node, "node", rand_below(&rng, NODES));
		fleet_put(f, &schema_member, o);
		break;
	}
	case 2: {
		struct group *o = NEW(struct group);

		set_id(o->id, "grp", n);
		set_id(o->network, "net", net);
		fleet_put(f, &schema_group, o);
		break;
	}
	case 3: {
		struct policy *o = NEW(struct policy);

		set_id(o->id, "pol", n);
		set_id(o->network, "net", net);
		fleet_put(f, &schema_policy, o);
		break;
	}
	default: {
		struct device *o = NEW(struct device);

		set_id(o->id, "cl", n);
		set_id(o->network, "net", net);
		set_id(o->group, "grp", rand_below(&rng, GROUPS));
		for (uint64_t k = rand_below(&rng, 4); k > 0; k--) /* the same tag twice, too */
			strs_push(&o->tags, id_of("tag", rand_below(&rng, 3)));
		fleet_put(f, &schema_device, o);
	}
	}
}

static void remove_random(struct fleet *f)
{
	uint64_t n = rand_below(&rng, OBJECTS);

	switch (rand_below(&rng, 7)) {
	case 0:
		fleet_remove(f, &schema_network, id_of("net", rand_below(&rng, NETWORKS)));
		break;
	case 1:
		fleet_remove(f, &schema_member, id_of("mem", n));
		break;
	case 2:
		fleet_remove(f, &schema_group, id_of("grp", n));
		break;
	case 3:
		fleet_remove(f, &schema_policy, id_of("pol", n));
		break;
	default:
		fleet_remove(f, &schema_device, id_of("cl", n));
	}
}

#define CHECK_REFS(refs, map, type, belongs)                                           \
	do {                                                                           \
		size_t want_ = 0;                                                      \
		MAP_FOREACH (slot, (map)) {                                            \
			const struct type *o = slot->value;                            \
			want_ += (belongs) ? 1 : 0;                                    \
		}                                                                      \
		assert_int_equal((refs)->n, want_);                                    \
		for (size_t i_ = 0; i_ < (refs)->n; i_++) {                            \
			const struct type *o = (refs)->v[i_];                          \
			assert_ptr_equal(map_get((map), o->id), o);                    \
			assert_true(belongs);                                          \
			if (i_ > 0)                                                    \
				assert_true(strcmp((refs)->v[i_ - 1]->id, o->id) < 0); \
		}                                                                      \
	} while (0)

static void check(const struct fleet *f)
{
	size_t live = 0;

	for (uint64_t n = 0; n < NETWORKS; n++) {
		id_text net;
		struct network *network;
		struct fleet_network *fn;
		size_t inside = 0;

		set_id(net, "net", n);
		network = map_get(&f->networks, net);
		assert_ptr_equal(
			fleet_network(f, net) != NULL ? fleet_network(f, net)->network : NULL,
			network);
		for (uint64_t g = 0; g < GROUPS; g++) {
			id_text group;

			set_id(group, "grp", g);
			CHECK_REFS(fleet_devices(f, net, group), &f->devices, device,
				strcmp(o->network, net) == 0 && strcmp(o->group, group) == 0);
			inside += fleet_devices(f, net, group)->n > 0;
		}
		fn = map_get(&f->by_network, net);
		if (fn == NULL) {
			assert_null(network);
			assert_int_equal(inside, 0);
		} else {
			live++;
			CHECK_REFS(&fn->members, &f->members, member, strcmp(o->network, net) == 0);
			CHECK_REFS(&fn->groups, &f->groups, group, strcmp(o->network, net) == 0);
			CHECK_REFS(
				&fn->policies, &f->policies, policy, strcmp(o->network, net) == 0);
			assert_int_equal(fn->devices_by_group.n, inside); /* no empty left-overs */
			assert_true(network != NULL || inside > 0 ||
				fn->members.n + fn->groups.n + fn->policies.n > 0);
		}
		for (uint64_t t = 0; t < 3; t++) {
			id_text tag;
			static struct device_refs none;
			struct device_refs *refs;
			AUTOFREE char *key = NULL;

			set_id(tag, "tag", t);
			key = mem_printf("%s/%s", net, tag);
			refs = map_get(&f->tagged, key);
			assert_true(refs == NULL || refs->n > 0);
			CHECK_REFS(refs == NULL ? &none : refs, &f->devices, device,
				strcmp(o->network, net) == 0 && strs_has(&o->tags, tag));
		}
	}
	assert_int_equal(f->by_network.n, live);
	for (uint64_t n = 0; n < NODES; n++) {
		id_text node;
		struct member_refs *refs;
		size_t want = 0;

		set_id(node, "node", n);
		refs = fleet_memberships(f, node);
		MAP_FOREACH (slot, &f->members)
			want += strcmp(((struct member *)slot->value)->node, node) == 0;
		assert_int_equal(refs->n, want);
		for (size_t i = 0; i < refs->n; i++) {
			assert_ptr_equal(map_get(&f->members, refs->v[i]->id), refs->v[i]);
			assert_string_equal(refs->v[i]->node, node);
			assert_string_equal(fleet_member(f, node, refs->v[i]->network)->network,
				refs->v[i]->network);
			if (i > 0)
				assert_true(
					strcmp(refs->v[i - 1]->network, refs->v[i]->network) <= 0);
		}
	}
	assert_null(fleet_member(f, "node_0", "net_none"));
	assert_null(fleet_member(f, "node_none", "net_0"));
}

static void random_changes(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct fleet *f = fleet_new();

		for (int i = 0; i < 300; i++) {
			if (rand_below(&rng, 3) == 0)
				remove_random(f);
			else
				put_random(f);
			if (i % 10 == 0)
				check(f);
		}
		check(f);
		fleet_free(f);
	}
	assert_null(fleet_free(NULL));
}

static void any_order_of_arrival(void **state)
{
	struct fleet *f = fleet_new();
	struct member *m = NEW(struct member);
	struct network *n;

	id_copy(m->id, "mem_1");
	id_copy(m->network, "net_1");
	id_copy(m->node, "node_1");
	fleet_put(f, &schema_member, m);
	assert_null(fleet_network(f, "net_1"));
	assert_ptr_equal(fleet_member(f, "node_1", "net_1"), m);
	n = NEW(struct network);
	id_copy(n->id, "net_1");
	fleet_put(f, &schema_network, n);
	assert_ptr_equal(fleet_network(f, "net_1")->members.v[0], m);
	memset(&fleet_network(f, "net_1")->psk_root, 5, KEY_LEN);
	n = NEW(struct network); /* replaced: the root stays */
	id_copy(n->id, "net_1");
	fleet_put(f, &schema_network, n);
	assert_int_equal(fleet_network(f, "net_1")->psk_root.bytes[0], 5);
	fleet_remove(f, &schema_member, "mem_1");
	assert_int_equal(fleet_network(f, "net_1")->psk_root.bytes[0], 5);
	fleet_remove(f, &schema_member, "mem_1"); /* absent is fine */
	fleet_remove(f, &schema_network, "net_1");
	assert_int_equal(f->by_network.n, 0);
	fleet_put(f, &schema_user, NEW(struct user)); /* not a fleet object: freed */
	fleet_free(f);
}

/* 10,000 devices in one group, as a start loads them; quadratic inserting would show as minutes
 * under the sanitizers. */
static void ten_thousand_devices(void **state)
{
	struct fleet *f = fleet_new();

	for (int step = 0; step < 2; step++) /* and once more, replacing */
		for (unsigned i = 0; i < 10000; i++) {
			struct device *d = NEW(struct device);

			snprintf(d->id, ID_LEN, "cl_%032x", i);
			id_copy(d->network, "net_1");
			id_copy(d->group, "grp_1");
			strs_push(&d->tags, "phone");
			fleet_put(f, &schema_device, d);
		}
	assert_int_equal(fleet_devices(f, "net_1", "grp_1")->n, 10000);
	assert_string_equal(fleet_devices(f, "net_1", "grp_1")->v[9999]->id,
		"cl_0000000000000000000000000000270f");
	fleet_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(any_order_of_arrival),
		cmocka_unit_test(ten_thousand_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
