/* DOC: tests of the SSE parser: a table, and each of its texts cut at every byte. */
#include "http/sse.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(s) s, sizeof(s) - 1

static const struct {
	const char *what, *bytes;
	size_t n;
	const char *want; /* "type|id|data\n" an event, "retry N\n" */
} table[] = {
	{"one", TEXT("data: hello\n\n"), "message||hello\n"},
	{"no blank after colon", TEXT("data:hello\n\n"), "message||hello\n"},
	{"one blank only is cut", TEXT("data:  hello\n\n"), "message|| hello\n"},
	{"CRLF", TEXT("event: a\r\ndata: b\r\n\r\n"), "a||b\n"},
	{"CR", TEXT("event: a\rdata: b\r\r"), "a||b\n"},
	{"mixed ends", TEXT("event: a\rdata: b\n\r\ndata: c\r\n\n"), "a||b\nmessage||c\n"},
	{"byte order mark",
		TEXT("\xef\xbb\xbf"
		     "data: a\n\n"),
		"message||a\n"},
	{"only one mark",
		TEXT("\xef\xbb\xbf\xef\xbb\xbf"
		     "data: a\n\n"),
		""},
	{"mark later is text",
		TEXT("\n\xef\xbb\xbf"
		     "data: a\n\n"),
		""},
	{"comments", TEXT(": keepalive\n\n:\n:x\ndata: a\n: y\n\n"), "message||a\n"},
	{"several data lines", TEXT("data: a\ndata\ndata: b\n\n"), "message||a\n\nb\n"},
	{"empty data is an event", TEXT("data\n\n"), "message||\n"},
	{"two empty data", TEXT("data\ndata\n\n"), "message||\n\n"},
	{"no data is none", TEXT("event: a\nid: 1\n\n"), ""},
	{"type does not stick", TEXT("event: a\n\ndata: b\n\n"), "message||b\n"},
	{"empty type is message", TEXT("event:\ndata: b\n\n"), "message||b\n"},
	{"id sticks", TEXT("id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
		"message|7|a\nmessage|7|b\nmessage||c\n"},
	{"id with NUL is ignored", TEXT("id: 7\nid: 8\0\ndata: a\n\n"), "message|7|a\n"},
	{"retry", TEXT("retry: 1500\nretry: 12x\nretry:\nretry: -1\ndata: a\n\n"),
		"retry 1500\nmessage||a\n"},
	{"huge retry", TEXT("retry: 99999999999999999999999\n"), "retry 86400000\n"},
	{"unknown fields", TEXT("foo: bar\nDATA: x\nda: y\n\n"), ""},
	{"unfinished", TEXT("data: a\n"), ""},
	{"colon in value", TEXT("data: a: b\n\n"), "message||a: b\n"},
};

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct buf *out = arg;

	assert_int_equal(strlen(data), n);
	buf_addf(out, "%s|%s|%s\n", type, id, data);
}

static void on_retry(void *arg, msec base)
{
	buf_addf(arg, "retry %lld\n", (long long)base);
}

/* Feed in pieces on heap memory of their exact size, so that reading past them is seen. */
static void feed(struct sse_parser *p, const char *bytes, size_t n)
{
	AUTOFREE char *copy = mem_dup(bytes, n);

	assert_int_equal(sse_feed(p, copy, n, NULL), 0);
}

static void check(size_t row, size_t cut, size_t step)
{
	CLEANUP(buf_done) struct buf got = {0};
	CLEANUP(sse_done)
	struct sse_parser p = {.on_event = on_event, .on_retry = on_retry, .arg = &got};

	feed(&p, table[row].bytes, cut);
	for (size_t at = cut; at < table[row].n; at += step)
		feed(&p, table[row].bytes + at,
			step < table[row].n - at ? step : table[row].n - at);
	if (strcmp(buf_str(&got), table[row].want) != 0)
		fail_msg("%s, cut at %zu, step %zu: got \"%s\"", table[row].what, cut, step,
			buf_str(&got));
}

static void texts_cut_anywhere(void **state)
{
	(void)state;
	for (size_t row = 0; row < ARRAY_LEN(table); row++) {
		for (size_t cut = 0; cut <= table[row].n; cut++)
			check(row, cut, table[row].n + 1);
		check(row, 0, 1);
		check(row, 0, 2);
	}
}

static void endless_events_are_refused(void **state)
{
	static char chunk[64 * 1024];
	CLEANUP(sse_done) struct sse_parser p = {0};
	struct err e = {0};
	size_t fed = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	while (sse_feed(&p, chunk, sizeof(chunk), &e) == 0) {
		fed += sizeof(chunk);
		assert_true(fed <= SSE_EVENT_MAX);
	}
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(fed, SSE_EVENT_MAX);
}

static void endless_data_lines_are_refused(void **state)
{
	static char line[64 * 1024];
	CLEANUP(sse_done) struct sse_parser p = {0};
	int r = 0;
	size_t fed = 0;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "data:", 5);
	line[sizeof(line) - 1] = '\n';
	for (; r == 0 && fed < 2 * SSE_EVENT_MAX; fed += sizeof(line))
		r = sse_feed(&p, line, sizeof(line), NULL);
	assert_int_equal(r, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_cut_anywhere),
		cmocka_unit_test(endless_events_are_refused),
		cmocka_unit_test(endless_data_lines_are_refused),
	};

	return cmocka_run_group_tests_name("sse", tests, NULL, NULL);
}
