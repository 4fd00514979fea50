/* DOC: the block in the hosts file: everything else survives byte for byte, whatever it was. */
#include "base/file.h"
#include "base/rand.h"
#include "items.h"
#include "net/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/test_hosts.XXXXXX";
static char *path;

static void put(const char *data, size_t n)
{
	assert_int_equal(file_write(path, data, n, 0644, NULL), 0);
}

static void assert_bytes(const char *want, size_t n)
{
	CLEANUP(buf_done) struct buf b = {0};

	assert_int_equal(file_read(path, 1 << 20, &b, NULL), 0);
	if (b.len != n || memcmp(buf_str(&b), want, n) != 0)
		fail_msg("file is \"%s\", wanted \"%s\"", buf_str(&b), want);
}

static void assert_file(const char *want)
{
	assert_bytes(want, strlen(want));
}

static void write_hosts(struct item_vec *v)
{
	struct err e = {0};

	if (net_hosts_write(path, v, &e) < 0)
		fail_msg("%s", e.text);
}

static void block_comes_changes_and_goes(void **state)
{
	static const char before[] = "127.0.0.1\tlocalhost\n# mine\n";
	CLEANUP(item_vec_done) struct item_vec one = {0}, two = {0}, none = {0};
	struct stat st;

	items_host(&one, "a.warren", "172.30.0.1", "fd00::1");
	items_host(&two, "b.warren", "172.30.0.2", NULL);
	items_host(&two, "evil\n1.2.3.4 bank.example", "172.30.0.3", NULL);
	put(before, strlen(before));
	assert_int_equal(chmod(path, 0640), 0);
	write_hosts(&one);
	assert_file("127.0.0.1\tlocalhost\n# mine\n# BEGIN warren\n172.30.0.1\ta.warren\n"
		    "fd00::1\ta.warren\n# END warren\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	write_hosts(&two);
	assert_file("127.0.0.1\tlocalhost\n# mine\n# BEGIN warren\n172.30.0.2\tb.warren\n"
		    "# END warren\n");
	write_hosts(&none);
	assert_file(before);
}

static void equal_content_is_not_written(void **state)
{
	CLEANUP(item_vec_done) struct item_vec one = {0};
	struct stat a, b;

	items_host(&one, "a.warren", "172.30.0.1", NULL);
	put("x\n", 2);
	write_hosts(&one);
	assert_int_equal(stat(path, &a), 0);
	write_hosts(&one);
	assert_int_equal(stat(path, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
}

static void absent_file(void **state)
{
	CLEANUP(item_vec_done) struct item_vec one = {0}, none = {0};

	unlink(path);
	write_hosts(&none);
	assert_int_equal(access(path, F_OK), -1);
	items_host(&one, "a.warren", "172.30.0.1", NULL);
	write_hosts(&one);
	assert_file("# BEGIN warren\n172.30.0.1\ta.warren\n# END warren\n");
	write_hosts(&none);
	assert_file("");
}

static void a_link_stays_a_link(void **state)
{
	CLEANUP(item_vec_done) struct item_vec one = {0};
	AUTOFREE char *link = mem_printf("%s/link", dir);
	struct stat st;

	items_host(&one, "a.warren", "172.30.0.1", NULL);
	put("x", 1);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(net_hosts_write(link, &one, NULL), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file("x\n# BEGIN warren\n172.30.0.1\ta.warren\n# END warren");
	unlink(link);
}

static void a_block_cut_off_by_hand(void **state)
{
	CLEANUP(item_vec_done) struct item_vec none = {0}, one = {0};
	static const char lone[] = "a\n# BEGIN warren\n1.2.3.4 mine\n";
	static const char twice[] =
		"a\n# BEGIN warren\n1.1.1.1 x\n# END warren\nb\n# BEGIN warren\n# END warren\nc";

	put(lone, strlen(lone));
	write_hosts(&none);
	assert_file(lone);
	put(twice, strlen(twice));
	items_host(&one, "n", "1.2.3.4", NULL);
	write_hosts(&one);
	assert_file("a\n# BEGIN warren\n1.2.3.4\tn\n# END warren\nb\nc");
	write_hosts(&none);
	assert_file("a\nb\nc");
}

/* Any bytes around: put, change, remove gives the original. */
static void property_round_trip(void **state)
{
	static const char *const pieces[] = {"127.0.0.1 localhost", "\n", "\n\n", "# BEGIN warren ",
		"# END warren", " ", "\t", "\r\n", "#", "fe00::0 ip6", "\xff\xfe", "x"};
	struct rand r = {.state = 20261121};

	for (int round = 0; round < 60; round++) {
		CLEANUP(item_vec_done) struct item_vec v = {0}, none = {0};
		CLEANUP(buf_done) struct buf original = {0};
		CLEANUP(buf_done) struct buf with = {0};

		for (uint64_t k = rand_below(&r, 12); k > 0; k--)
			buf_adds(&original, pieces[rand_below(&r, ARRAY_LEN(pieces))]);
		put(buf_str(&original), original.len);
		for (int step = 0; step < 3; step++) {
			char name[16];

			snprintf(name, sizeof(name), "h%d.warren", step);
			items_host(&v, name, "172.30.0.9", step % 2 ? "fd00::9" : NULL);
			write_hosts(&v);
			buf_reset(&with);
			assert_int_equal(file_read(path, 1 << 20, &with, NULL), 0);
			/* what was there comes first, untouched */
			assert_true(with.len > original.len);
			assert_memory_equal(with.data, buf_str(&original), original.len);
			assert_non_null(strstr(with.data + original.len, name));
		}
		write_hosts(&none);
		assert_bytes(buf_str(&original), original.len);
	}
}

static int make_dir(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	path = mem_printf("%s/hosts", dir);
	return 0;
}

static int remove_dir(void **state)
{
	unlink(path);
	mem_free(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_comes_changes_and_goes),
		cmocka_unit_test(equal_content_is_not_written),
		cmocka_unit_test(absent_file),
		cmocka_unit_test(a_link_stays_a_link),
		cmocka_unit_test(a_block_cut_off_by_hand),
		cmocka_unit_test(property_round_trip),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
