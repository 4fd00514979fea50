/* DOC: what a zone is made of, who wins a name, and who may learn it (against a slow oracle). */
#include "base/rand.h"
#include "town.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static void names_and_addresses(void **state)
{
	struct dns_zone *z = town_zone();

	assert_string_equal(dns_zone_domain(z), "town.example");
	assert_string_equal(dns_zone_find(z, "web")->id, "mem_2");
	assert_string_equal(dns_zone_at(z, town_addr("172.30.100.3"))->name, "laptop");
	assert_string_equal(dns_zone_at(z, town_addr("fd00::ac1e:6402"))->name, "phone");
	assert_null(dns_zone_find(z, "nobody"));
	assert_null(dns_zone_at(z, town_addr("172.30.100.9")));
	assert_string_equal(dns_zone_self(z)->name, "gw");
	assert_true(dns_zone_is_inside(z, town_addr("172.30.255.255")));
	assert_false(dns_zone_is_inside(z, town_addr("172.31.0.1")));
	assert_true(dns_zone_is_own(z, town_addr("172.30.100.1")));
	dns_zone_free(z);
}

static void a_network_that_is_not_served(void **state)
{
	struct item_vec items = {0};
	struct item *dns = item_new(ITEM_DNS, "net_3");

	town_items(&items);
	assert_null(dns_zone_new(&items, "net_2", 1));
	dns->dns.domain = mem_strdup("not a domain");
	VEC_PUSH(&items, dns);
	assert_null(dns_zone_new(&items, "net_3", 1));
	item_vec_done(&items);
}

/* T-9: a client called like a node does not take its name; of two alike, the lower id has it. */
static void nodes_keep_their_names(void **state)
{
	struct item_vec items = {0};
	struct dns_zone *z;

	town_name(&items, "cl_0", "web", "172.30.100.9", NULL, false);
	town_items(&items);
	town_name(&items, "cl_9", "phone", "172.30.100.10", NULL, false);
	z = dns_zone_new(&items, "net_1", 1);
	assert_string_equal(dns_zone_find(z, "web")->id, "mem_2");
	assert_string_equal(dns_zone_find(z, "phone")->id, "cl_1");
	dns_zone_free(z);
	item_vec_done(&items);
}

static void rules_say_who_may_learn(void **state)
{
	static const struct {
		const char *asker, *name;
		bool may;
	} rows[] = {
		{"172.30.100.2", "web", true},
		{"172.30.100.2", "laptop", true},
		{"172.30.100.3", "phone", false},
		{"172.30.100.3", "laptop", true}, /* itself */
		{"172.30.100.3", "printer", false},
		{"172.30.100.3", "gw", true},
		{"172.30.0.2", "phone", false},
		/* the rule names the IPv4 address only; it is the same device */
		{"fd00::ac1e:6402", "laptop", true},
		{"172.30.100.200", "web", false},
	};
	struct dns_zone *z = town_zone();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (dns_zone_may_learn(z, town_addr(rows[i].asker),
			    dns_zone_find(z, rows[i].name)) != rows[i].may)
			fail_msg("%s may%s learn %s", rows[i].asker, rows[i].may ? " not" : "",
				rows[i].name);
	dns_zone_free(z);
}

/* --- the same as reading the items one by one ------------------------------------------------ */

static bool in_set(const struct item_vec *items, const char *set, struct addr a)
{
	if (set[0] == '\0')
		return true;
	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_SET && strcmp((*i)->set.set, set) == 0 &&
			prefix_has((*i)->set.prefix, a))
			return true;
	return false;
}

static bool oracle(const struct item_vec *items, struct addr from, struct addr to)
{
	VEC_FOREACH (i, items)
		if ((*i)->kind == ITEM_FIREWALL)
			VEC_FOREACH (r, &(*i)->firewall.forward)
				if (in_set(items, r->from, from) && in_set(items, r->to, to))
					return true;
	return false;
}

static void random_fleet(struct rand *r, struct item_vec *items)
{
	struct item *dns = item_new(ITEM_DNS, "net_1"), *fw = item_new(ITEM_FIREWALL, "net_1");
	char text[64], name[32];

	dns->dns.domain = mem_strdup("n");
	VEC_PUSH(items, dns);
	for (uint64_t n = rand_below(r, 5); n > 0; n--) {
		struct fw_rule rule = {.protocol = mem_strdup("any")};

		rule.from = mem_printf("%c", 'a' + (int)rand_below(r, 4));
		rule.to = rand_below(r, 9) == 0 ? mem_strdup("")
						: mem_printf("%c", 'a' + (int)rand_below(r, 4));
		VEC_PUSH(&fw->firewall.forward, rule);
	}
	VEC_PUSH(items, fw);
	for (uint64_t n = rand_below(r, 12); n > 0; n--) {
		unsigned len = 24 + (unsigned)rand_below(r, 9);
		unsigned host = (unsigned)rand_below(r, 256) & (0xffu << (32 - len));

		snprintf(text, sizeof(text), "10.0.0.%u/%u", host, len);
		snprintf(name, sizeof(name), "%c", 'a' + (int)rand_below(r, 4));
		town_set(items, name, text);
	}
	for (unsigned i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "10.0.0.%u", i);
		snprintf(name, sizeof(name), "c%u", i);
		town_name(items, name, name, text, NULL, false);
	}
}

static void learning_is_reaching(void **state)
{
	struct rand r = {5};
	unsigned yes = 0, no = 0;

	for (int round = 0; round < 200; round++) {
		struct item_vec items = {0};
		struct dns_zone *z;

		random_fleet(&r, &items);
		z = dns_zone_new(&items, "net_1", 1);
		for (int k = 0; k < 200; k++) {
			struct addr from = town_addr("10.0.0.0"), to = from;
			bool may;

			from.bits += rand_below(&r, 256);
			to.bits += rand_below(&r, 256);
			may = from.bits == to.bits || oracle(&items, from, to);
			assert_int_equal(dns_zone_may_learn(z, from, dns_zone_at(z, to)), may);
			yes += may;
			no += !may;
		}
		dns_zone_free(z);
		item_vec_done(&items);
	}
	assert_true(yes > 1000 && no > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_addresses),
		cmocka_unit_test(a_network_that_is_not_served),
		cmocka_unit_test(nodes_keep_their_names),
		cmocka_unit_test(rules_say_who_may_learn),
		cmocka_unit_test(learning_is_reaching),
	};

	return cmocka_run_group_tests_name("dns_zone", tests, NULL, NULL);
}
