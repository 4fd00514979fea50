/* DOC: firewall text against golden files; WARREN_GOLDEN_WRITE=1 writes them anew. */
#include "base/file.h"
#include "fleet.h"
#include "net/net.h"
#include "net/nfcontent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void assert_golden(const char *name, const struct buf *got)
{
	AUTOFREE char *path = mem_printf("%s/%s", GOLDEN_DIR, name);
	CLEANUP(buf_done) struct buf want = {0};

	if (getenv("WARREN_GOLDEN_WRITE") != NULL)
		assert_int_equal(file_write(path, got->data, got->len, 0644, NULL), 0);
	assert_int_equal(file_read(path, 1 << 20, &want, NULL), 0);
	assert_string_equal(buf_str(got), buf_str(&want));
}

static void everything(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	CLEANUP(buf_done) struct buf out = {0};
	struct item *i = fleet_item(&sets);

	net_firewall_text(NETWORK, &i->firewall, &sets, &out);
	assert_golden("everything.nft", &out);
	item_free(i);
}

static void order_of_items_does_not_matter(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	CLEANUP(buf_done) struct buf one = {0};
	CLEANUP(buf_done) struct buf two = {0};
	struct item *i = fleet_item(&sets);

	net_firewall_text(NETWORK, &i->firewall, &sets, &one);
	for (size_t a = 0, b = sets.n - 1; a < b; a++, b--) {
		struct item *t = sets.v[a];

		sets.v[a] = sets.v[b];
		sets.v[b] = t;
	}
	net_firewall_text(NETWORK, &i->firewall, &sets, &two);
	assert_string_equal(buf_str(&one), buf_str(&two));
	item_free(i);
}

static void nothing_allowed(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct item *i = item_new(ITEM_FIREWALL, "net_1");

	strs_push(&i->firewall.interfaces, "warren0");
	net_firewall_text("net_1", &i->firewall, &(struct item_vec){0}, &out);
	assert_golden("nothing.nft", &out);
	item_free(i);
}

static void names_are_ours_and_distinct(void **state)
{
	static const char *const texts[] = {"tag:a", "tag_a", "tag;a", "TAG_A", "",
		"a_very_long_name_that_does_not_fit_into_what_nft_takes_for_a_name_1",
		"a_very_long_name_that_does_not_fit_into_what_nft_takes_for_a_name_2",
		"\xff\x01\n{}\"", "drop"};
	char names[ARRAY_LEN(texts)][NFT_NAME_LEN];

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		nft_set(texts[i], NFT_HOSTS, FAMILY_IPV6, names[i]);
		assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_"),
			strlen(names[i]));
		assert_memory_equal(names[i], "s_", 2);
		assert_string_equal(names[i] + strlen(names[i]) - 2, "_6");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
}

static void long_lists_are_cut(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct nf_changes c = {0};
	size_t commands = 0, commas = 0;

	for (unsigned i = 0; i < 3300; i++)
		nf_elems_host(&nf_changes_set(&c, "s", false)->add,
			(struct addr){FAMILY_IPV4, 0x0a000000 + 2 * i}, NULL);
	nf_changes_add_text(&c, "t", &out);
	for (const char *at = out.data; *at != '\0'; at++) {
		commands += *at == '\n';
		commas += *at == ',';
	}
	assert_int_equal(commands, 4);
	assert_int_equal(commas + commands, 3300);
	buf_reset(&out);
	nf_changes_drop_text(&c, "t", &out);
	assert_int_equal(out.len, 0);
	nf_changes_done(&c);
}

static void push_range(struct nf_elem_vec *v, const char *text)
{
	nf_elems_range(v, items_prefix(text));
}

/* Neighbours melt, the last address of a family has no end, ends that end nothing are dropped. */
static void ranges_are_canonical(void **state)
{
	struct nf_elem_vec v = {0}, w = {0};
	struct nf_elem stray = {.len = 4, .end = true}; /* older nft begins each set with one */

	push_range(&v, "10.0.1.0/24");
	push_range(&v, "10.0.2.0/23");
	push_range(&v, "255.0.0.0/8");
	assert_int_equal(v.n, 3);
	assert_int_equal(v.v[1].key[2], 4);
	assert_true(v.v[1].end);
	/* the kernel tells them apart, and backwards */
	push_range(&w, "255.0.0.0/8");
	push_range(&w, "10.0.2.0/23");
	push_range(&w, "10.0.1.0/24");
	VEC_PUSH(&w, stray);
	nf_elems_canonical(&w);
	assert_int_equal(w.n, v.n);
	for (size_t i = 0; i < v.n; i++) {
		assert_memory_equal(v.v[i].key, w.v[i].key, 16);
		assert_int_equal(v.v[i].end, w.v[i].end);
	}
	nf_elems_done(&v);
	nf_elems_done(&w);
	push_range(&v, "::/0");
	assert_int_equal(v.n, 1);
	nf_elems_done(&v);
}

/* Another rate under the same name cannot be made in place. */
static void a_limit_is_what_its_name_says(void **state)
{
	struct nf_content one = {0}, two = {0};
	struct nf_changes c = {0};

	nf_limits_push(&one.limits, "up_a", 1000);
	nf_limits_push(&two.limits, "up_a", 1000);
	nf_limits_push(&two.limits, "up_b", 1000);
	assert_int_equal(nf_changes_between(&one, &two, &c), 0);
	assert_int_equal(c.add.n, 1);
	assert_int_equal(c.drop.n, 0);
	nf_changes_done(&c);
	two.limits.v[0].rate = 2000;
	assert_int_equal(nf_changes_between(&one, &two, &c), ERR_STALE);
	assert_true(nf_changes_are_none(&c));
	nf_content_done(&one);
	nf_content_done(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(order_of_items_does_not_matter),
		cmocka_unit_test(nothing_allowed),
		cmocka_unit_test(names_are_ours_and_distinct),
		cmocka_unit_test(long_lists_are_cut),
		cmocka_unit_test(ranges_are_canonical),
		cmocka_unit_test(a_limit_is_what_its_name_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
