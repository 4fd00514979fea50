/* DOC: property tests of the text form of columns: whatever goes in comes out; damage is told. */
#include "store/column.h"

#include "base/mem.h"
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define ROUNDS 3000

static char *hostile(struct rand *r)
{
	static const char *const bits[] = {"\\", "\n", "\t", " ", "\\n", "\\\\", ",", "n", "s", "t",
		"*", "\xc3\xa4", "'", "\"", "\r", ";", "%", "\x01", "\xff"};
	CLEANUP(buf_done) struct buf b = {0};

	for (uint64_t n = rand_below(r, 6); n > 0; n--)
		buf_adds(&b, bits[rand_below(r, ARRAY_LEN(bits))]);
	return buf_take(&b);
}

static void hostile_list(struct rand *r, struct strs *l)
{
	for (uint64_t n = rand_below(r, 4); n > 0; n--)
		VEC_PUSH(l, hostile(r));
}

static struct policy a_policy(struct rand *r)
{
	struct policy p = {0};

	for (uint64_t n = rand_below(r, 4); n > 0; n--) {
		struct rule rule = {0};

		hostile_list(r, &rule.from);
		hostile_list(r, &rule.to);
		hostile_list(r, &rule.ports);
		rule.protocol = hostile(r);
		if (*rule.protocol == '\0')
			rule.protocol = mem_free(rule.protocol);
		VEC_PUSH(&p.rules, rule);
	}
	return p;
}

static int through(const struct schema *s, const char *name, const void *in, void *out)
{
	const struct field *f = schema_field(s, name);
	CLEANUP(row_done) struct row row = {0};

	assert_non_null(f);
	row_add_text(&row, "before"); /* so that its text does not start at 0 */
	assert_int_equal(row_add(&row, f, in, NULL), 0);
	return column_decode(f, &row_cells(&row)[1], out, NULL);
}

static void test_rules(void **state)
{
	struct rand r = {1};

	for (int i = 0; i < ROUNDS; i++) {
		struct policy in = a_policy(&r), out = {0};

		assert_int_equal(through(&schema_policy, "rules", &in, &out), 0);
		assert_true(schema_equal(&schema_policy, &in, &out));
		schema_done(&schema_policy, &in);
		schema_done(&schema_policy, &out);
	}
}

static void test_strs(void **state)
{
	struct rand r = {2};

	for (int i = 0; i < ROUNDS; i++) {
		struct device in = {0}, out = {0};

		hostile_list(&r, &in.tags);
		assert_int_equal(through(&schema_device, "tags", &in, &out), 0);
		assert_true(schema_equal(&schema_device, &in, &out));
		schema_done(&schema_device, &in);
		schema_done(&schema_device, &out);
	}
}

static void test_numbers_and_addresses(void **state)
{
	struct rand r = {3};
	static const char *const names[] = {"rx", "expires_at", "keepalive", "mtu", "public_key",
		"ipv4", "ipv6", "allowed_ips", "enabled", "kind"};

	for (int i = 0; i < ROUNDS; i++) {
		struct device in = {.rx = rand_next(&r),
			.expires_at = (msec)rand_next(&r),
			.keepalive = (int32_t)rand_next(&r),
			.mtu = (uint32_t)rand_next(&r),
			.enabled = rand_below(&r, 2),
			.kind = (int)rand_below(&r, 3)};
		struct device out = {0};

		for (size_t k = 0; rand_below(&r, 2) && k < KEY_LEN; k++)
			in.public_key.bytes[k] = (uint8_t)rand_next(&r);
		if (rand_below(&r, 2))
			in.ipv4 = (struct addr){FAMILY_IPV4, (uint32_t)rand_next(&r)};
		if (rand_below(&r, 2))
			in.ipv6 = (struct addr){
				FAMILY_IPV6, (u128)rand_next(&r) << 64 | rand_next(&r)};
		for (uint64_t n = rand_below(&r, 4); n > 0; n--) {
			struct prefix p = {{FAMILY_IPV6, (u128)rand_next(&r) << 64}, 64};

			VEC_PUSH(&in.allowed_ips, p);
		}
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			assert_int_equal(through(&schema_device, names[k], &in, &out), 0);
		assert_true(schema_equal(&schema_device, &in, &out));
		schema_done(&schema_device, &in);
		schema_done(&schema_device, &out);
	}
}

static void test_bits(void **state)
{
	for (unsigned roles = 0; roles < 16; roles++) {
		struct member in = {.roles = roles}, out = {0};

		assert_int_equal(through(&schema_member, "roles", &in, &out), 0);
		assert_int_equal(out.roles, roles);
	}
	CLEANUP(row_done) struct row row = {0};
	struct member in = {.roles = 16};
	struct err e = {0};

	assert_int_equal(
		row_add(&row, schema_field(&schema_member, "roles"), &in, &e), ERR_INVALID);
	assert_string_equal(e.field, "roles");
}

/* Random and mangled texts are refused or read, never misread into something that differs when
 * written again, and leave nothing behind. */
static void test_damage(void **state)
{
	static const char *const names[] = {"rules"};
	const struct field *f = schema_field(&schema_policy, names[0]);
	struct rand r = {4};
	int refused = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct policy in = a_policy(&r), out = {0};
		CLEANUP(row_done) struct row row = {0}, again = {0};
		AUTOFREE char *text = NULL;
		struct cell c;
		size_t n;

		assert_int_equal(row_add(&row, f, &in, NULL), 0);
		n = row_cells(&row)[0].n;
		text = mem_strndup(row.cells[0].p, n);
		if (n > 0)
			text[rand_below(&r, n)] = "\\\n\t x"[rand_below(&r, 5)];
		c = cell_text(text);
		if (column_decode(f, &c, &out, NULL) < 0) {
			refused++;
		} else {
			assert_int_equal(row_add(&again, f, &out, NULL), 0);
			assert_int_equal(row_cells(&again)[0].n, n);
			assert_memory_equal(again.cells[0].p, text, n);
		}
		schema_done(&schema_policy, &in);
		schema_done(&schema_policy, &out);
	}
	assert_true(refused > ROUNDS / 10);
}

static void expect_damaged(const struct schema *s, const char *name, struct cell c)
{
	void *object = mem_zalloc(s->size);
	struct err e = {0};

	assert_int_equal(column_decode(schema_field(s, name), &c, object, &e), ERR_CORRUPT);
	assert_string_equal(e.field, name);
	schema_free(s, object);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} bad[] = {{"tags", "no end"}, {"tags", "\\x\n"}, {"tags", "a b\n"}, {"tags", "\\"},
		{"public_key", "AAAA"}, {"ipv4", "10.0.0"}, {"allowed_ips", "10.0.0.1/8\n"},
		{"kind", "phone"}, {"rx", "7"},
		{"id", "an_id_that_is_much_longer_than_any_id_can_be"}};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_damaged(&schema_device, bad[i].name, cell_text(bad[i].text));
	expect_damaged(&schema_device, "enabled", cell_int(2));
	expect_damaged(&schema_device, "mtu", cell_int(-1));
	expect_damaged(&schema_device, "keepalive", cell_int(1ll << 40));
	expect_damaged(&schema_device, "name", cell_blob("x", 1));
	expect_damaged(&schema_network, "listen_port", cell_int(65536));
	expect_damaged(&schema_member, "roles", cell_text("peer,king"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_strs),
		cmocka_unit_test(test_numbers_and_addresses),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
