/*
 * DOC: looking for peers that are not heard. Each hint of a plan is tried; where there are two (an
 * endpoint that everybody sees and one in a LAN that both ends may be in), by turns, which follow
 * the clock, so that both ends try the same: a NAT lets in only who was spoken to. And a session
 * that has died is made anew, for an engine that still believes in it would send nothing but
 * keepalives by it, for up to three minutes.
 */
#ifndef WARREN_AGENT_SEEK_H
#define WARREN_AGENT_SEEK_H

#include "agent/path.h"

#define SEEK_TURN 10000      /* of two hints: time for two handshakes; */
#define SEEK_TURN_LONG 60000 /* once SEEK_LONG has passed in vain */
#define SEEK_LONG 300000
#define SEEK_ANEW_MAX                                                                 \
	32 /* sessions of an interface in one look: a kernel takes its time to remove \
	    */

/* The hint to write where nothing is known yet. ERR_UNAVAILABLE: a name without an answer yet;
 * ERR_NOT_FOUND: there is none. */
int seek_first(
	struct resolver *r, const struct peer_item *p, struct addr *ret_addr, uint16_t *ret_port);
/* The one after that which the peer has now. */
int seek_next(struct resolver *r, const struct peer_item *p, const struct wg_peer *now,
	struct addr *ret_addr, uint16_t *ret_port);
bool seek_has_hint(const struct peer_item *p);

/* A silent path has a hint to try, that of a new plan or of a new turn: it is put into op. */
bool seek_hint(struct resolver *r, const struct peer_item *want, struct path *s,
	const struct wg_peer *p, const struct path_look *now, struct wg_peer_op *op);

VEC_TYPE(seek_ops, struct wg_peer_op); /* allowed_ips borrowed of desired items */

/* Take the peer out and put it in again, at op's endpoint, else where it is now. */
void seek_anew(const struct peer_item *want, const struct wg_peer *p, const struct wg_peer_op *op,
	struct seek_ops *ret);
void seek_ops_done(struct seek_ops *ops); /* wipes secrets */

/* Send each an empty packet, or begin a handshake where there is no session. ops: keepalives as
 * planned, and endpoints that are to be tried. */
void seek_knock(struct machine *m, const char *ifname, struct wg_peer_op *ops, size_t n);
/* Carry out what seek_anew gathered. */
void seek_renew(struct machine *m, const char *ifname, const struct seek_ops *ops);

#endif
