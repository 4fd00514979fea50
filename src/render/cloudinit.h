/*
 * DOC: user data for cloud-init: a machine that becomes a node at its first boot. YAML whose
 * strings are JSON's. It holds the join token: a secret until it was used. Pure.
 */
#ifndef WARREN_RENDER_CLOUDINIT_H
#define WARREN_RENDER_CLOUDINIT_H

#include "base/buf.h"

struct cloud_init {
	const char *name;    /* of the node */
	const char *url;     /* https://HOST:8444, the agent listener */
	const char *token;   /* join token */
	const char *package; /* https URL of the Debian package, or NULL: from the machine's own
				repositories */
};
/* out is to be wiped. */
void render_cloud_init(const struct cloud_init *c, struct buf *out);

#endif
