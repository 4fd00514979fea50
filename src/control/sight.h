/*
 * DOC: where nodes are seen: the endpoint of a member's direct interface as controllers and
 * gateways find it in its handshakes, beside what the node says itself. From these come the
 * endpoint that is told to others and what kind of NAT the node is behind. Not thread-safe:
 * telemetry.c holds its lock around it.
 */
#ifndef WARREN_CONTROL_SIGHT_H
#define WARREN_CONTROL_SIGHT_H

#include "base/map.h"
#include "model/objects.h"

#include <stdbool.h>

/*
 * none: it is seen at its own address. easy: at another one, the same for two observers, so that
 * others find it there, too. hard: at a different one by each observer, so that nobody else's
 * guess is right; what cannot be direct goes by way of a controller.
 */
enum nat_type { NAT_UNKNOWN, NAT_NONE, NAT_EASY, NAT_HARD };
extern const char *const nat_type_words[]; /* "unknown", "none", ... NULL-terminated */

#define SIGHT_OBSERVERS 4              /* of one member; the oldest is forgotten */
#define SIGHT_FRESH ((msec)240 * 1000) /* a handshake, and the heartbeats that tell of it */
#define SIGHT_TEXT 64

struct sights {
	struct map members; /* id -> struct sight * */
};
void sights_done(struct sights *s);
void sights_forget(struct sights *s, const char *member);
void sights_forget_observer(struct sights *s, const char *node);

/* observer (a node) had a handshake with the member's direct interface, from there. */
void sights_add(struct sights *s, const char *member, const char *observer, const char *endpoint,
	msec handshake);
/* The node's own address, as the member's direct interface would use it; and the address its calls
 * come from (unset = not known). */
void sights_said(struct sights *s, const char *member, const char *endpoint, struct addr called);

/* Where others should look for it: where it was seen, newest move first. False when it was not. */
bool sights_best(const struct sights *s, const char *member, msec now, char ret[static SIGHT_TEXT]);

enum nat_type sights_nat(const struct sights *s, const char *member, msec now);
/* Is anything between it and the others: also where one observer, or none, cannot tell the kind. */
bool sights_behind_nat(const struct sights *s, const char *member, msec now);

#endif
