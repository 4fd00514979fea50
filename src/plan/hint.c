/* DOC: see hint.h. */
#include "plan/hint.h"

#include "crypto/hash.h"
#include "model/names.h"

#include <string.h>

const char *hint_near(const struct member *self, const struct member *other)
{
	/* where an endpoint is configured, nobody looks elsewhere */
	if (other->endpoint != NULL || other->near_endpoint == NULL ||
		!addr_is_set(self->calls_from.addr) ||
		prefix_compare(self->calls_from, other->calls_from) != 0)
		return NULL;
	return other->near_endpoint;
}

/* The same host at another port; NULL stays NULL. */
static char *at_port(const char *endpoint, uint16_t port)
{
	CLEANUP(buf_done) struct buf b = {0};
	char host[256];
	uint16_t known;

	if (endpoint == NULL || endpoint_split(endpoint, host, sizeof(host), &known) < 0)
		return NULL;
	endpoint_join(host, port, &b);
	return buf_take(&b);
}

void hint_put(
	const struct member *self, const struct member *other, uint16_t port, struct peer_item *p)
{
	p->endpoint =
		at_port(other->endpoint != NULL ? other->endpoint : other->observed_endpoint, port);
	p->near_endpoint = at_port(hint_near(self, other), port);
	p->generation = hint_generation(p->endpoint, p->near_endpoint);
}

uint32_t hint_generation(const char *endpoint, const char *near_endpoint)
{
	CLEANUP(buf_done) struct buf both = {0};
	uint8_t h[HASH_LEN];

	if (endpoint == NULL && near_endpoint == NULL)
		return 0;
	buf_adds(&both, endpoint != NULL ? endpoint : "");
	if (near_endpoint != NULL)
		buf_addf(&both, " %s", near_endpoint);
	hash_sha256(buf_str(&both), both.len, h);
	return (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
}
