/*
 * DOC: interfaces by rtnetlink, against the kernel we run on, in a network namespace of the test's
 * own; and what it says about them, as bytes.
 */
#include "wg/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

struct message {
	uint8_t bytes[256];
	size_t n;
};

static void put(struct message *m, uint16_t type, const void *p, size_t n)
{
	const struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + n), .nla_type = type};

	memcpy(m->bytes + m->n, &a, sizeof(a));
	memcpy(m->bytes + m->n + sizeof(a), p, n);
	m->n += (sizeof(a) + n + 3) & ~(size_t)3;
}

static int read_message(const struct message *m, struct link_info *ret)
{
	return link_info_read((struct span){m->bytes, m->n}, ret);
}

static void link_messages(void **state)
{
	struct message base = {.n = sizeof(struct ifinfomsg)}, m, kind = {0};
	struct link_info info;

	assert_int_equal(read_message(&base, &info), ERR_CORRUPT); /* no name */
	put(&base, IFLA_IFNAME, "eth0", 5);
	assert_int_equal(read_message(&base, &info), 0);
	assert_string_equal(info.name, "eth0");
	assert_string_equal(info.kind, "");

	put(&kind, IFLA_INFO_KIND, "wireguard", 10);
	m = base;
	put(&m, IFLA_LINKINFO, kind.bytes, kind.n);
	assert_int_equal(read_message(&m, &info), 0);
	assert_string_equal(info.kind, "wireguard");
	/* Cut anywhere but in the padding of the name, or right behind it. */
	for (size_t n = 0; n < m.n; n++)
		if (n < base.n - 3 || n > base.n)
			assert_int_equal(
				link_info_read((struct span){m.bytes, n}, &info), ERR_CORRUPT);
	put(&m, IFLA_IFNAME, "eth1", 5); /* twice */
	assert_int_equal(read_message(&m, &info), ERR_CORRUPT);

	m = (struct message){.n = sizeof(struct ifinfomsg)};
	put(&m, IFLA_IFNAME, "without end", 4);
	assert_int_equal(read_message(&m, &info), ERR_CORRUPT);

	kind = (struct message){0};
	put(&kind, IFLA_INFO_KIND, "a kind longer than any that there is today", 43);
	m = base;
	put(&m, IFLA_LINKINFO, kind.bytes, kind.n);
	assert_int_equal(read_message(&m, &info), 0);
	assert_string_equal(info.kind, "?");
}

static void the_kernel_answers(void **state)
{
	CLEANUP(strs_done) struct strs names = {0};
	char kind[LINK_KIND_LEN] = "untouched";
	struct err e = {0};

	assert_int_equal(wg_link_kind("lo", kind, &e), 0);
	assert_string_equal(kind, "");
	assert_int_equal(wg_link_kind("absent0", kind, &e), ERR_NOT_FOUND);
	assert_int_equal(wg_link_delete("absent0", &e), ERR_NOT_FOUND);
	assert_string_equal(e.text, "there is no interface absent0");
	assert_int_equal(wg_link_delete("lo", &e), ERR_SYSTEM);
	assert_int_equal(wg_link_list(&names, &e), 0);
	assert_int_equal(names.n, 0);
	assert_int_equal(wg_link_add("lo", &e), ERR_EXISTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_messages), cmocka_unit_test(the_kernel_answers)};
	const struct CMUnitTest pure[] = {cmocka_unit_test(link_messages)};

	if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		return cmocka_run_group_tests(tests, NULL, NULL);
	printf("# the_kernel_answers needs root and namespaces\n");
	return cmocka_run_group_tests(pure, NULL, NULL);
}
