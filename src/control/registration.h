/*
 * DOC: a registration (spec 1, Agent protocol): what a machine that joins asks for and what it is
 * told. What is done about it is in register.h.
 */
#ifndef WARREN_CONTROL_REGISTRATION_H
#define WARREN_CONTROL_REGISTRATION_H

#include "base/buf.h"
#include "control/control.h"
#include "model/objects.h"

#define REGISTRATION_BODY_MAX (64u * 1024)

struct registration {
	const struct control_keys *keys;
	struct labels *labels;
	/* What is asked for. */
	char token_hash[65];
	struct public_key public_key;
	char *hostname, *version;
	struct addr peer; /* where it comes from; unset = of no use to others */
	/* What it got. */
	id_text node, project;
	char *name;                    /* of the node */
	struct addr mesh_ip, mesh_ip6; /* in the first network */
	char *sealed_secret;           /* base64 */
	VEC(struct registered_network {
		id_text id;
		char *name;
		unsigned roles;
	})
	networks;
};

/* Read the body; *ret_token gets the token in it. Unknown fields are refused. */
int registration_read(
	const char *text, size_t n, struct registration *ret, char **ret_token, struct err *e);
/* The answer, as JSON. */
void registration_write(const struct registration *r, struct buf *out);
void registration_done(struct registration *r);

#endif
