/* DOC: any JSON as a delta: what is taken writes to text that reads and writes the same. */
#include "base/mem.h"
#include "codec/state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_text(const char *text, size_t n, struct delta *ret)
{
	struct json_doc *d = json_parse(text, n, STATE_MAX, NULL);
	int rc = d ? delta_read(json_root(d), ret, NULL) : -1;

	json_free(d);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(delta_done) struct delta d = {0}, again = {0};
	CLEANUP(buf_done) struct buf one = {0}, two = {0};

	if (read_text((const char *)data, size, &d) != 0)
		return 0;
	delta_write(&one, &d);
	if (read_text(one.data, one.len, &again) != 0)
		abort();
	delta_write(&two, &again);
	if (one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
		abort();
	return 0;
}
