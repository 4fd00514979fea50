/*
 * DOC: an existing WireGuard server's configuration file as a network, a gateway group and clients:
 * keys, addresses, names and pre-shared keys as they are in the file. Pure; api_import.c stores it.
 * Commands in the file are shown and never run.
 */
#ifndef WARREN_CONTROL_IMPORT_H
#define WARREN_CONTROL_IMPORT_H

#include "codec/wgconf.h"
#include "model/objects.h"

struct imported_client {
	unsigned line;
	char *name; /* unique among the clients */
	struct public_key public_key;
	struct secret psk; /* zero = none */
	struct addr ipv4, ipv6;
};

struct import_note {
	unsigned line;
	char *text;
};

struct import {
	struct network network; /* name, pools, ranges, port, MTU; no id, no project */
	struct secret private_key;
	VEC(struct imported_client) clients;
	VEC(struct import_note) notes; /* what the operator must know: commands, dropped settings */
};

/* name: of the network. skip_subnets: prefixes behind peers are dropped with a note; else they are
 * refused. ERR_INVALID names the line. ret must be {0}; its secrets are wiped by import_done. */
int import_read(const char *text, size_t n, const char *name, bool skip_subnets, struct import *ret,
	struct err *e);
void import_done(struct import *i);

#endif
