/*
 * DOC: handshakes that cross. When a key is changed both ends may begin one at the same moment.
 * Each then answers the other's, both are void, and neither engine begins again for 5 s (it counts
 * an answer as an attempt); with traffic both ways they do so at the same moment again. So the end
 * with the greater key looks whether each peer of a new key has a session, and puts those in anew
 * that have none: that makes its engine begin at once, and the other end can only answer.
 *
 * Or an engine that handles both messages at once (wireguard-go does, on several threads) has a
 * session whose own half it has lost: it sends and hears nothing, and would look after that in
 * 15 s. So both ends send an empty packet as soon as they see the session, and who hears nothing by
 * it puts the peer in anew, once.
 */
#ifndef WARREN_AGENT_CROSS_H
#define WARREN_AGENT_CROSS_H

#include "model/state.h"

struct machine;

#define CROSS_LOOK 500 /* ms from a change to the first look, and between two */
/* Looks that find no session before a peer is put in anew: the other end may only be slow to
 * follow, and what its engine keeps for it until then would be lost. */
#define CROSS_PATIENCE 2
#define CROSS_LOOKS \
	4 /* whoever has no session by then is away, whose session is silent is not heard */
#define CROSS_LOOKS_MET (3 * CROSS_LOOKS) /* there is nothing to be done for the silent one */

/* A peer between whose key and ours there was no session yet, or none that was heard. */
struct cross {
	char interface[IFNAME_LEN];
	struct public_key key;
	msec since;     /* wall */
	unsigned looks; /* in vain */
	bool met, renewed;
	uint64_t rx; /* when it was met */
};
VEC_TYPE(crosses, struct cross);

/* The peer has a new key since then (wall), or this interface has: all of target's peers on it. */
void cross_note(struct machine *m, const char *ifname, const struct public_key *key, msec since);
void cross_note_all(
	struct machine *m, const char *ifname, const struct item_vec *target, msec since);

/* Look at the devices of those noted. desired: what is in force. True when some are left. */
bool cross_look(struct machine *m, const struct item_vec *desired);

#endif
