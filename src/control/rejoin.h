/*
 * DOC: a machine in the place of a node that is known: rebuilt, or its identity lost. The token
 * names the node, which keeps its id, name, addresses, roles and group; what the machine knew
 * before (secret, keys) is worth nothing from that moment on.
 */
#ifndef WARREN_CONTROL_REJOIN_H
#define WARREN_CONTROL_REJOIN_H

#include "control/register.h"

/* In the transaction of a registration by a token that names a node. ERR_UNAUTHORIZED when that is
 * gone. */
int rejoin(struct tx *tx, struct registration *r, const struct token *t, struct err *e);

#endif
