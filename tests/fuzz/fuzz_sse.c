/*
 * DOC: fuzz target for the SSE parser. The same bytes, whole and in pieces whose sizes the input
 * chooses, must give the same events.
 */
#include "http/sse.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct buf *out = arg;

	buf_addf(out, "E%s\x01%s\x01%zu\x01", type, id, n);
	buf_add(out, data, n);
}

static void on_retry(void *arg, msec base)
{
	if (base < 0)
		abort();
	buf_addf(arg, "R%lld", (long long)base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf whole = {0}, pieces = {0};
	CLEANUP(sse_done)
	struct sse_parser a = {.on_event = on_event, .on_retry = on_retry, .arg = &whole};
	CLEANUP(sse_done)
	struct sse_parser b = {.on_event = on_event, .on_retry = on_retry, .arg = &pieces};
	size_t step = size > 0 ? 1 + data[0] % 7 : 1;

	sse_feed(&a, (const char *)data, size, NULL);
	for (size_t at = 0; at < size; at += step) {
		size_t n = step < size - at ? step : size - at;
		AUTOFREE char *copy = mem_dup(data + at, n);

		sse_feed(&b, copy, n, NULL);
	}
	if (whole.len != pieces.len ||
		(whole.len > 0 && memcmp(whole.data, pieces.data, whole.len) != 0))
		abort();
	return 0;
}
