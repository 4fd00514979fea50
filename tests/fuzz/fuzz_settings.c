/* DOC: settings files: whatever the bytes, the reader answers or refuses and leaks nothing. */
#include "codec/settings.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const known[] = {"url", "project", "state", NULL};
	struct settings s = {0};

	if (settings_parse("f", (const char *)data, size, known, &s, NULL) < 0 && s.values.n > 0)
		__builtin_trap(); /* untouched on failure */
	settings_done(&s);
	return 0;
}
