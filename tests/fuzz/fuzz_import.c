/* DOC: a server's configuration file as somebody imports it, all the way: what is taken is a
 * network that can be stored and clients that fit into it; what is refused says why, in words. */
#include "base/text.h"
#include "control/import.h"
#include "model/schema.h"
#include "model/validate.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_client(const struct import *i, const struct imported_client *c)
{
	const struct network *n = &i->network;
	bool v4 = addr_is_set(n->ipv4.addr);
	struct addr own = v4 ? c->ipv4 : c->ipv6;

	assert(prefix_has(v4 ? n->ipv4 : n->ipv6, own));
	assert(addr_compare(own, n->device_first) >= 0 && addr_compare(own, n->device_last) <= 0);
	assert(addr_compare(own, n->gateway_addr) != 0);
	assert(!addr_is_set(c->ipv6) || prefix_has(n->ipv6, c->ipv6));
	assert(name_check(c->name, "name", NULL) == 0);
	for (const struct imported_client *o = i->clients.v; o < c; o++) {
		assert(strcmp(o->name, c->name) != 0);
		assert(addr_compare(v4 ? o->ipv4 : o->ipv6, own) != 0);
		assert(!public_key_equal(&o->public_key, &c->public_key));
	}
}

static void take(const char *text, size_t n, bool skip)
{
	CLEANUP(import_done) struct import i = {0};
	struct err e = {0};

	if (import_read(text, n, "imported", skip, &i, &e) < 0) {
		assert(strcmp(e.field, "config") == 0 && text_printable(e.text) > 0);
		assert(i.clients.n == 0 && i.notes.n == 0 && i.network.name == NULL);
		return;
	}
	/* as api_import.c goes on */
	if (network_check(&i.network, NULL, &e) < 0)
		assert(text_printable(e.text) > 0);
	VEC_FOREACH (c, &i.clients)
		check_client(&i, c);
	VEC_FOREACH (note, &i.notes)
		assert(text_printable(note->text) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	take((const char *)data + 1, size - 1, data[0] & 1);
	return 0;
}
