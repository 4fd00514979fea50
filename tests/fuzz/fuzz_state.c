/* DOC: any bytes as a state: what is taken writes to text that reads and writes the same. */
#include "base/mem.h"
#include "codec/state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(state_done) struct state s = {0}, again = {0};
	CLEANUP(buf_done) struct buf one = {0}, two = {0};

	if (state_read((const char *)data, size, &s, NULL) != 0)
		return 0;
	state_write(&one, &s);
	if (state_read(one.data, one.len, &again, NULL) != 0)
		abort();
	state_write(&two, &again);
	if (one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
		abort();
	return 0;
}
