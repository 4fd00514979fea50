/* DOC: what an engine answers, in two pieces cut where the first byte says. */
#include "wg/uapi.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wg_device d = {0};
	struct uapi_reader r;
	size_t cut;

	if (n == 0)
		return 0;
	cut = data[0] < n ? data[0] : n - 1;
	uapi_reader_init(&r, data[0] == 255 ? NULL : &d);
	if (uapi_reader_feed(&r, (const char *)data + 1, cut) == UAPI_MORE)
		uapi_reader_feed(&r, (const char *)data + 1 + cut, n - 1 - cut);
	uapi_reader_done(&r);
	wg_device_done(&d);
	return 0;
}
