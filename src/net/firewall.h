/* DOC: a network's table, compiled from items; for the files of this room. See firewall.c. */
#ifndef WARREN_NET_FIREWALL_H
#define WARREN_NET_FIREWALL_H

#include "model/state.h"
#include "net/nfcontent.h"

enum { FIREWALL_NAT = 1, FIREWALL_EXIT = 2, FIREWALL_RELAY = 4 };

struct firewall {
	char table[NFT_NAME_LEN];
	struct buf skeleton; /* nft text: sets, chains, rules, interfaces; no content */
	unsigned chains;     /* those it has that others lack: FIREWALL_ bits */
	bool limited;        /* with maps and rules for limits */
	struct nf_content content;
};
/* items: members and limits; those of other networks are passed over. Call firewall_done. */
void firewall_make(const char *network, const struct firewall_item *f, const struct item_vec *items,
	struct firewall *ret);
void firewall_done(struct firewall *fw);

/* One transaction of nft that makes the kernel's table like this: out of nothing, or out of what
 * has `old` in its sets and a skeleton of ours (had: its chains), keeping sets as they are.
 * ERR_STALE when that cannot be done in place. */
int firewall_text(
	const struct firewall *fw, const struct nf_content *old, unsigned had, struct buf *out);

/* Is this one of the sets whose elements are content? (The others belong to the skeleton.) */
bool firewall_is_content(const char *set);

/* Is any device of the network limited? */
bool firewall_limited(const char *network, const struct item_vec *items);
/* The single addresses and the limits among items, as content, not sorted. */
void firewall_singles(const char *network, const struct item_vec *items, struct nf_content *ret);
/* All ranges of one set and family among items. */
void firewall_ranges(const char *network, const char *set, enum family f,
	const struct item_vec *items, struct nf_elem_vec *ret);

#endif
