/* DOC: any bytes as an envelope, a state's head and pins: what is taken signs, writes and checks,
 * and a forged signature never does. */
#include "base/mem.h"
#include "codec/envelope.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct secret seed = {{7}};

static void envelope(const char *p, size_t n, const struct public_key *key)
{
	CLEANUP(envelope_done) struct envelope v = {0}, again = {0};
	CLEANUP(buf_done) struct buf b = {0};

	if (envelope_read(p, n, 0, &v, NULL) != 0)
		return;
	if (envelope_check(&v, key, NULL, NULL) == 0)
		abort();
	if (envelope_sign(&v, &seed, NULL) != 0 || envelope_write(&v, &b) != 0 ||
		envelope_read(b.data, b.len, JSON_MAX * 8, &again, NULL) != 0 ||
		envelope_check(&again, key, NULL, NULL) != 0)
		abort();
}

static void head(const char *p, size_t n, const struct public_key *key)
{
	AUTOFREE char *text = mem_strndup(p, n);
	CLEANUP(state_head_done) struct state_head h = {0}, again = {0};
	CLEANUP(buf_done) struct buf b = {0};

	if (state_head_read(text, &h, NULL) != 0)
		return;
	if (state_head_check(&h, key, NULL) == 0)
		abort();
	state_head_sign(&h, &seed);
	state_head_write(&h, &b);
	if (b.len < 4096 &&
		(state_head_read(b.data, &again, NULL) != 0 ||
			state_head_check(&again, key, NULL) != 0))
		abort();
}

static void pins(const char *p, size_t n, const struct public_key *key)
{
	CLEANUP(pins_done) struct pins v = {0}, again = {0};
	CLEANUP(buf_done) struct buf b = {0};

	if (pins_read(p, n, &v, NULL) != 0)
		return;
	if (pins_check(&v, key, NULL) == 0)
		abort();
	pins_sign(&v, &seed);
	pins_write(&v, &b);
	if (pins_read(b.data, b.len, &again, NULL) != 0 || pins_check(&again, key, NULL) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct public_key key;

	sign_public(&seed, &key);
	envelope((const char *)data, size, &key);
	head((const char *)data, size, &key);
	pins((const char *)data, size, &key);
	return 0;
}
