/* DOC: bodies of registrations: what is accepted is complete and well-formed. */
#include "control/register.h"
#include "crypto/key.h"
#include "model/names.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct registration r = {0};
	struct err e = {0};
	char *token = NULL;

	if (registration_read((const char *)data, size, &r, &token, &e) < 0) {
		if (e.code == 0 || token != NULL || r.hostname != NULL)
			abort();
		return 0;
	}
	if (token == NULL || public_key_is_zero(&r.public_key) ||
		name_check(r.hostname, "hostname", &e) < 0)
		abort();
	mem_free(token);
	registration_done(&r);
	return 0;
}
