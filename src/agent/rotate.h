/*
 * DOC: a peer that gets a new key (spec 0, Keys). Its item names the next one, and a peer of its
 * own waits for that with no prefixes and a PSK nobody else has (model/state.h). As soon as the
 * next key is heard, desired state itself is changed, by ourselves: the peer has the next key, the
 * waiting one goes. Not before nothing more comes from the old one, though: what it sent last may
 * still be under way, overtaken by the first message of the next. To the machine that is one batch:
 * the old key out, the new one in with the prefixes, and we speak first. What the other end sends
 * meanwhile waits in its queue, for until then no session comes about; so nothing is lost. The
 * control plane says the same a moment later.
 */
#ifndef WARREN_AGENT_ROTATE_H
#define WARREN_AGENT_ROTATE_H

#include "agent/core.h"

/* A peer whose next key was heard: what its old one had sent by then, in bytes. */
struct rotate_heard {
	uint64_t rx;
	unsigned looks;
};
#define ROTATE_LAST 8 /* looks, at most, until the old key has fallen silent */

/* Is any peer about to get a new key? */
bool rotate_pending(const struct core *c);

/* Look at the devices of such peers and move those whose next key is heard and whose old one has
 * fallen silent since the look before. Returns how many. */
size_t rotate_look(struct core *c);

/* What has moved stays moved: puts (sorted) are what the control plane still says of peers that
 * `now` has with their next key already. */
void rotate_keep(const struct state *now, struct item_vec *puts);

#endif
