/* DOC: any bytes to json_parse and the scanner: no crash, and what both take means the same. */
#include "base/mem.h"
#include "codec/json.h"
#include "codec/scan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(void *ctx, const char *key, const struct json *v)
{
	json_quote(ctx, key);
	json_text(v, ctx);
	json_get(v, "a.b");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf compact = {0}, one = {0}, two = {0};
	struct json_doc *d = json_parse((const char *)data, size, JSON_MAX, NULL), *again;
	struct slice text = {(const char *)data, size};
	int rc = scan_compact(text, &compact);

	if (!d)
		return 0;
	/* jansson took it, so the scanner must, and compacting must not change what it says */
	if (rc != 0)
		abort();
	again = json_parse(compact.data, compact.len, JSON_MAX * 6, NULL);
	if (!again)
		abort();
	json_each(json_root(d), visit, &one);
	json_each(json_root(again), visit, &two);
	json_text(json_root(d), &one);
	json_text(json_root(again), &two);
	if (one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
		abort();
	json_free(again);
	json_free(d);
	return 0;
}
