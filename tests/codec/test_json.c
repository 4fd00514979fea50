/* DOC: what the reader takes and refuses, what the writer writes. */
#include "base/mem.h"
#include "codec/json.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct json_doc *parse(const char *text, struct err *e)
{
	/* a block of the exact size, so that a sanitizer sees a read beyond it */
	size_t n = strlen(text);
	AUTOFREE char *exact = mem_alloc(n);

	memcpy(exact, text, n);
	return json_parse(exact, n, JSON_MAX, e);
}

static void test_refuse(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"1",
		"\"text\"",
		"null",
		"{",
		"[1,]",
		"{\"a\":1,}",
		"{a:1}",
		"{'a':1}",
		"[01]",
		"[+1]",
		"[.5]",
		"[1.]",
		"[NaN]",
		"[9223372036854775808]", /* beyond int64_t */
		"[1e999]",
		"{} {}",
		"{}x",
		"[1]]",
		"/* */{}",
		"{\"a\":1,\"a\":1}",
		"{\"a\":1,\"\\u0061\":2}", /* the same key */
		"{\"o\":{\"k\":1,\"k\":2}}",
		"[\"\\u0000\"]",
		"{\"\\u0000\":1}",
		"[\"a\nb\"]",
		"[\"\\x\"]",
		"[\"\\ud800\"]",
		"[\"\\udc00\\ud800\"]",
		"[\"\xff\"]",
		"[\"\xc0\xaf\"]",         /* overlong */
		"[\"\xed\xa0\x80\"]",     /* surrogate */
		"[\"\xf4\x90\x80\x80\"]", /* beyond U+10FFFF */
		"[\"\xc3\"]",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};

		if (parse(bad[i], &e))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(e.text[0] != '\0');
	}
	assert_null(json_parse("[\"a\0b\"]", 7, JSON_MAX, NULL));
	assert_null(json_parse("{}\0", 3, JSON_MAX, NULL));
	assert_null(json_parse("[1\0]", 4, JSON_MAX, NULL));
	assert_null(json_parse("[1.5e3\0,2]", 10, JSON_MAX, NULL));
}

static void test_no_echo(void **state)
{
	struct err e = {0};

	assert_null(parse("{\n \"psk\": \"hunter2\" hunter3}", &e));
	assert_non_null(strstr(e.text, "line 2"));
	assert_null(strstr(e.text, "hunter"));
}

static void test_limits(void **state)
{
	char deep[2 * (JSON_DEPTH_MAX + 1) + 1] = "";
	struct json_doc *d;
	struct err e = {0};

	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	d = parse(deep, &e);
	assert_non_null(d);
	json_free(d);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_null(parse(deep, &e));
	assert_non_null(strstr(e.text, "deeper"));

	d = json_parse("[10]", 4, 4, NULL);
	assert_non_null(d);
	json_free(d);
	assert_null(json_parse("[100]", 5, 4, &e));
	/* brackets inside strings are no nesting */
	d = parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"]",
		&e);
	assert_non_null(d);
	json_free(d);
}

static void collect(void *ctx, const char *key, const struct json *v)
{
	buf_addf(ctx, "%s=", key);
	json_text(v, ctx);
	buf_addc(ctx, ';');
}

static void test_read(void **state)
{
	struct json_doc *d =
		parse("{\"z\":{\"id\":\"cl_1\",\"n\":-5},\"list\":[1,\"b\",null],"
		      "\"yes\":true,\"nil\":null,\"real\":3.0,\"\xc3\xa9\":\"\\u00e9\","
		      "\"big\":9223372036854775807}",
			NULL);
	CLEANUP(buf_done) struct buf b = {0};
	const struct json *j;

	assert_non_null(d);
	j = json_root(d);
	assert_string_equal(json_str(j, "z.id"), "cl_1");
	assert_int_equal(json_int(j, "z.n", 7), -5);
	assert_int_equal(json_int(j, "z.id", 7), 7);
	assert_int_equal(json_int(j, "real", 7), 7);
	assert_true(json_int(j, "big", 7) == INT64_MAX);
	assert_true(json_bool(j, "yes", false));
	assert_true(json_bool(j, "nil", true));
	assert_null(json_str(j, "z"));
	assert_null(json_str(j, "none.id"));
	assert_null(json_get(j, "z.id.x"));
	assert_true(json_is_null(j, "nil"));
	assert_false(json_is_null(j, "none"));
	assert_int_equal(json_count(json_get(j, "list")), 3);
	assert_int_equal(json_count(json_get(j, "z")), 0);
	assert_string_equal(json_str(json_at(json_get(j, "list"), 1), NULL), "b");
	assert_null(json_at(json_get(j, "list"), 3));
	assert_int_equal(json_kind(json_get(j, "real")), JSON_IS_REAL);
	assert_int_equal(json_kind(json_get(j, "none")), JSON_IS_NULL);
	assert_string_equal(json_str(j, "\xc3\xa9"), "\xc3\xa9");
	json_each(j, collect, &b);
	assert_string_equal(buf_str(&b),
		"z={\"id\":\"cl_1\",\"n\":-5};list=[1,\"b\",null];yes=true;nil=null;real=3.0;"
		"\xc3\xa9=\xc3\xa9;big=9223372036854775807;");
	json_free(d);
}

static void test_write(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct json_writer w = {.out = &b};

	json_begin_object(&w, NULL);
	json_put_str(&w, "s", "a\"\\\b\f\n\r\t\x01\x1f\x7f/<\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	json_put_str(&w, "n", NULL);
	json_put_int(&w, "min", INT64_MIN);
	json_put_int(&w, "zero", 0);
	json_put_u64(&w, "max", UINT64_MAX);
	json_begin_array(&w, "a");
	json_put_bool(&w, NULL, true);
	json_put_null(&w, NULL);
	json_begin_object(&w, NULL);
	json_end_object(&w);
	json_begin_array(&w, NULL);
	json_end_array(&w);
	json_end_array(&w);
	json_put_time(&w, "t", 1767323045678);
	json_put_time(&w, "never", 0);
	json_put_raw(&w, "raw", "{\"x\":1}", 7);
	json_end_object(&w);
	assert_string_equal(buf_str(&b),
		"{\"s\":\"a\\\"\\\\\\u0008\\u000c\\n\\r\\t\\u0001\\u001f\x7f/<\xc3\xa9\xe2\x82\xac"
		"\xf0\x9f\x98\x80\",\"n\":null,\"min\":-9223372036854775808,\"zero\":0,"
		"\"max\":9223372036854775807,\"a\":[true,null,{},[]],"
		"\"t\":\"2026-01-02T03:04:05.678Z\",\"never\":null,\"raw\":{\"x\":1}}");
	assert_int_equal(w.depth, 0);
}

/* Whatever bytes a string has, what is written parses, and good UTF-8 comes back as it was. */
static void test_quote_bytes(void **state)
{
	for (unsigned hi = 1; hi < 256; hi++) {
		for (unsigned lo = 0; lo < 256; lo++) {
			const char s[] = {'a', (char)hi, (char)lo, lo ? 'b' : 0, 0};
			CLEANUP(buf_done) struct buf b = {0};
			struct json_doc *d;

			buf_addc(&b, '[');
			json_quote(&b, s);
			buf_addc(&b, ']');
			d = json_parse(b.data, b.len, JSON_MAX, NULL);
			assert_non_null(d);
			if (hi < 128 && lo < 128)
				assert_string_equal(json_str(json_at(json_root(d), 0), NULL), s);
			json_free(d);
		}
	}
}

static void test_replace(void **state)
{
	static const char *const pairs[][2] = {
		{"\xff", "\"\xef\xbf\xbd\""},
		{"\xc3", "\"\xef\xbf\xbd\""},
		{"a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xed\xa0\x80z", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\""},
		{"\xf0\x8f\xbf\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xc2\x80", "\"\xc2\x80\""},
		{"\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CLEANUP(buf_done) struct buf b = {0};

		json_quote(&b, pairs[i][0]);
		assert_string_equal(buf_str(&b), pairs[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_no_echo),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_quote_bytes),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
