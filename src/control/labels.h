/*
 * DOC: the DNS labels nodes hold in a network, which no device may take (spec 3, DNS; T-9). Asked
 * on the writer thread inside a transaction; kept from one question to the next, because a network
 * of 2,000 nodes should not be read for each new phone.
 */
#ifndef WARREN_CONTROL_LABELS_H
#define WARREN_CONTROL_LABELS_H

#include "store/store.h"

struct labels;
struct labels *labels_new(void);
struct labels *labels_free(struct labels *l);

/* A unique label for a device made from its name, in ret: reserved ones and those of nodes are
 * passed over; "-2" and so on are added. Reserved names are ERR_INVALID naming "name". */
int labels_for_device(struct labels *l, struct tx *tx, const char *network, const char *name,
	const char *device, char ret[static 64], struct err *e);

/* May a node be called name? ERR_INVALID naming field when its label is reserved. */
int labels_node_name(const char *name, const char *field, struct err *e);
/* And in this network? ERR_EXISTS naming field and the holder when a device or another node than
 * `node` has the label: names that are known stay whose they are, so it is the newcomer that takes
 * another ("GW" and "gw" are one name in DNS). Writer thread only. */
int labels_node_fits(struct labels *l, struct tx *tx, const char *network, const char *name,
	const char *node, const char *field, struct err *e);

/* What a change that was just written does to names: this node (NULL: none) has come, joined a
 * network or is called otherwise; a name was taken away. Called by change_store. */
void labels_changed(const struct tx *tx, const char *named, bool taken_away);

#endif
