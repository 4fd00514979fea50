/* DOC: the small things everything stands on: buffers, maps, vectors, text, times, files. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

static void buffers_grow(void **state)
{
	struct buf b = {0};
	char *taken;

	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 10000; i++)
		buf_addf(&b, "%d,", i % 10);
	assert_int_equal(b.len, 20000);
	assert_int_equal(strlen(buf_str(&b)), 20000);
	taken = buf_take(&b);
	assert_int_equal(b.len, 0);
	assert_memory_equal(taken, "0,1,2,", 6);
	mem_free(taken);
	taken = buf_take(&b); /* also of an empty one */
	assert_string_equal(taken, "");
	mem_free(taken);
}

/* Against a plain array: the map must hold what the array holds, over many random changes. */
static void maps_match_an_array(void **state)
{
	static intptr_t model[500];
	struct rand r = {42};
	struct map m = {0};
	size_t live = 0;

	for (int step = 0; step < 50000; step++) {
		unsigned at = (unsigned)rand_below(&r, ARRAY_LEN(model));
		intptr_t value = (intptr_t)rand_below(&r, 1000) + 1;
		char key[16];
		void *was;

		snprintf(key, sizeof(key), "key%u", at);
		assert_ptr_equal(map_get(&m, key), (void *)model[at]);
		if (rand_below(&r, 3) == 0) {
			was = map_remove(&m, key);
			assert_ptr_equal(was, (void *)model[at]);
			model[at] = 0;
		} else {
			was = map_set(&m, key, (void *)value);
			assert_ptr_equal(was, (void *)model[at]);
			model[at] = value;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(model); i++)
		live += model[i] != 0;
	assert_int_equal(m.n, live);
	MAP_FOREACH (slot, &m)
		live--;
	assert_int_equal(live, 0);
	map_done(&m, NULL);
}

static void numbers(void **state)
{
	uint64_t v = 7;

	assert_int_equal(text_u64("18446744073709551615", UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(text_u64("65535", 65535, &v), 0);
	static const char *const bad[] = {
		"", "-1", "+1", " 1", "1 ", "0x1", "65536", "1e3", "99999999999999999999999"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(text_u64(bad[i], 65535, &v), ERR_INVALID);
	assert_int_equal(v, 65535); /* untouched by failures */
}

static void printable_text(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{"", 0},
		{"abc", 3},
		{"é📱", 2},
		{"a\nb", ERR_INVALID},
		{"a\x7f", ERR_INVALID},
		{"\xc2\x85", ERR_INVALID},     /* C1 */
		{"\xe2\x80\xa8", ERR_INVALID}, /* line separator */
		{"\xc0\xaf", ERR_INVALID},     /* overlong */
		{"\xed\xa0\x80", ERR_INVALID}, /* surrogate */
		{"\xf5\x80\x80\x80", ERR_INVALID},
		{"\xe2\x82", ERR_INVALID}, /* cut */
		{"\x80", ERR_INVALID},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(text_printable(cases[i].text), cases[i].want);
	{
		/* cut in the middle of a character, controls, what turns the direction */
		char bad[] = "a\xc3\xa9\xc3 b\n\xe2\x80\xae"
			     "c\xe2\x82";

		text_make_printable(bad);
		assert_string_equal(bad, "a\xc3\xa9? b??c??");
		assert_true(text_printable(bad) > 0);
	}
}

static void hex_both_ways(void **state)
{
	uint8_t bytes[4] = {0, 0x7f, 0x80, 0xff}, back[4];
	char text[9];

	text_hex(bytes, 4, text);
	assert_string_equal(text, "007f80ff");
	assert_int_equal(text_unhex("007F80fF", back, 4), 0);
	assert_memory_equal(bytes, back, 4);
	assert_int_equal(text_unhex("007f80f", back, 4), ERR_INVALID);
	assert_int_equal(text_unhex("007f80fg", back, 4), ERR_INVALID);
	for (int c = 1; c < 256; c++) {
		static const char digits[] = "0123456789abcdefABCDEF";
		const char pair[] = {(char)c, '0', 0}, *at = strchr(digits, c);
		long value = at == NULL ? -1 : at - digits;

		assert_int_equal(text_unhex(pair, back, 1), at == NULL ? ERR_INVALID : 0);
		if (at != NULL)
			assert_int_equal(back[0] >> 4, value > 15 ? value - 6 : value);
	}
}

static void times_both_ways(void **state)
{
	static const struct {
		const char *text;
		msec want;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-21T04:05:06.789Z", 1795233906789},
		{"2026-11-21T05:05:06.7890001+01:00", 1795233906789},
		{"2024-02-29T00:00:00Z", 1709164800000},
	};
	static const char *const bad[] = {"", "2026-11-21", "2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T00:00:00",
		"2026-11-21T00:00:00.Z", "2026-11-21T00:00:00Zx", "1969-12-31T23:59:59Z"};
	static const struct {
		msec t;
		const char *text;
	} written[] = {
		{0, "1970-01-01T00:00:00Z"},
		{1795233906789, "2026-11-21T04:05:06.789Z"},
		{1795233906007, "2026-11-21T04:05:06.007Z"},
		{1709164800000, "2024-02-29T00:00:00Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{253402300800000, "1970-01-01T00:00:00Z"}, /* five digits are no year */
		{-62009366401000, "0004-12-31T23:59:59Z"},
	};
	char text[CLOCK_TEXT_LEN];
	msec t;

	for (size_t i = 0; i < ARRAY_LEN(written); i++)
		assert_string_equal(clock_format(written[i].t, text), written[i].text);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(clock_parse(good[i].text, &t), 0);
		assert_int_equal(t, good[i].want);
		assert_int_equal(clock_parse(clock_format(t, text), &t), 0);
		assert_int_equal(t, good[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(clock_parse(bad[i], &t), ERR_INVALID);
}

/* What another user could have read or put there is refused, and the error says whose it is. */
static void what_is_private_is_ours(void **state)
{
	static const struct {
		uid_t owner;
		mode_t mode;
		int want;
		const char *says;
	} rows[] = {
		{0, 0600, 0, ""},
		{0, 0400, 0, ""},
		{0, 0640, ERR_DENIED, "(mode 0640)"},
		{0, 0602, ERR_DENIED, "(mode 0602)"},
		{4711, 0600, ERR_DENIED, "belongs to user 4711"},
		{4711, 0644, ERR_DENIED, "belongs to user 4711"},
	};
	char dir[] = "/tmp/warren-test.XXXXXX";
	AUTOFREE char *path = NULL, *sub = NULL;
	struct err e = {0};

	if (geteuid() != 0)
		skip(); /* only root gives files away */
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/key", dir);
	sub = mem_printf("%s/sub", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_done) struct buf b = {0};

		assert_int_equal(file_write(path, "x", 1, 0600, &e), 0);
		assert_int_equal(chown(path, rows[i].owner, 0), 0);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(file_read_private(path, 10, &b, &e), rows[i].want);
		assert_string_equal(buf_str(&b), rows[i].want == 0 ? "x" : "");
		if (rows[i].want < 0) {
			assert_non_null(strstr(e.text, rows[i].says));
			assert_non_null(strstr(e.text, path));
		}
		unlink(path);
	}
	CLEANUP(buf_done) struct buf none = {0};
	assert_int_equal(file_read_private(path, 10, &none, &e), ERR_NOT_FOUND);
	assert_int_equal(file_mkdirs(sub, 0700, &e), 0);
	assert_int_equal(chown(sub, 4711, 4711), 0);
	assert_int_equal(file_mkdirs(sub, 0700, &e), ERR_DENIED);
	assert_non_null(strstr(e.text, "belongs to user 4711"));
	assert_non_null(strstr(e.text, sub));
	rmdir(sub);
	rmdir(dir);
}

static void files_are_replaced_whole(void **state)
{
	char dir[] = "/tmp/warren-test.XXXXXX";
	AUTOFREE char *path = NULL, *deep = NULL;
	struct buf b = {0};
	struct err e = {0};
	struct stat st;

	assert_non_null(mkdtemp(dir));
	deep = mem_printf("%s/a/b", dir);
	assert_int_equal(file_mkdirs(deep, 0700, &e), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	path = mem_printf("%s/file", deep);
	assert_int_equal(file_read(path, 100, &b, &e), ERR_NOT_FOUND);
	assert_int_equal(file_write(path, "first", 5, 0600, &e), 0);
	assert_int_equal(file_write(path, "second!", 7, 0600, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 7, &b, &e), 0);
	assert_string_equal(buf_str(&b), "second!");
	buf_reset(&b);
	assert_int_equal(file_read(path, 6, &b, &e), ERR_INVALID); /* larger than allowed */
	buf_done(&b);
	assert_int_equal(file_mkdirs(path, 0700, &e), ERR_SYSTEM); /* a file is in the way */
	unlink(path);
	rmdir(deep);
	mem_free(deep);
	deep = mem_printf("%s/a", dir);
	rmdir(deep);
	rmdir(dir);
}

/* What a killed writer leaves goes; what only looks a little like it stays. */
static void leftovers_are_swept(void **state)
{
	static const char *const left[] = {"node_secret.~aB3dE9", "n.key.~000000"};
	static const char *const kept[] = {"warren.db", "warren.db.backup", "node_secret.aB3dE9",
		"x.~aB3dE", "x.~aB3dE9.old", ".~aB3dE9", "x.~aB3-E9"};
	char dir[] = "/tmp/warren-sweep-XXXXXX";
	struct err e = {0};

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(left) + ARRAY_LEN(kept); i++) {
		AUTOFREE char *path = mem_printf(
			"%s/%s", dir, i < ARRAY_LEN(left) ? left[i] : kept[i - ARRAY_LEN(left)]);

		int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		close(fd);
	}
	AUTOFREE char *folder = mem_printf("%s/f.~aB3dE9", dir);
	AUTOFREE char *link = mem_printf("%s/l.~aB3dE9", dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(symlink("warren.db", link), 0);
	assert_int_equal(file_sweep(dir, &e), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(unlink(link), 0);
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		AUTOFREE char *path = mem_printf("%s/%s", dir, left[i]);
		assert_int_equal(access(path, F_OK), -1);
	}
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		AUTOFREE char *path = mem_printf("%s/%s", dir, kept[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(file_sweep(dir, &e), 0); /* gone */
}

static void errors_name_the_value(void **state)
{
	struct err e = {0};

	assert_int_equal(err_field(&e, ERR_INVALID, "port", "'%s' is no port", "x"), ERR_INVALID);
	assert_string_equal(e.field, "port");
	assert_int_equal(err_prefix(&e, "line %d", 3), ERR_INVALID);
	assert_string_equal(e.text, "line 3: 'x' is no port");
	assert_int_equal(err_set(NULL, ERR_GONE, "nobody listens"), ERR_GONE);
	assert_string_equal(err_name(ERR_EXHAUSTED), "exhausted");
	assert_string_equal(err_name(ERR_STALE), "stale");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers_grow),
		cmocka_unit_test(maps_match_an_array),
		cmocka_unit_test(numbers),
		cmocka_unit_test(printable_text),
		cmocka_unit_test(hex_both_ways),
		cmocka_unit_test(times_both_ways),
		cmocka_unit_test(files_are_replaced_whole),
		cmocka_unit_test(what_is_private_is_ours),
		cmocka_unit_test(leftovers_are_swept),
		cmocka_unit_test(errors_name_the_value),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
