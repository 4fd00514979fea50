/* DOC: a WireGuard configuration file of somebody's through parser and linter; every finding is
 * printable and names a line that is there. */
#include "base/text.h"
#include "codec/wglint.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wglint l = {.interface = "wg0", .mode = 0644};
	struct wgconf c = {0};
	struct err e = {0};
	unsigned lines = 1;

	if (wgconf_parse((const char *)data, size, &c, &e) < 0) {
		assert(e.code == ERR_INVALID && c.sections.n == 0);
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	VEC_FOREACH (s, &c.sections) {
		assert(s->line <= lines);
		assert(s->name == NULL || text_printable(s->name) > 0);
	}
	wglint_check(&l, &c);
	VEC_FOREACH (f, &l.findings) {
		assert(f->line >= 1 && f->line <= lines);
		assert(text_printable(f->text) > 0 && text_printable(f->advice) >= 0);
	}
	wglint_done(&l);
	wgconf_done(&c);
	return 0;
}
