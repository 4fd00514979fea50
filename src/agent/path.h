/*
 * DOC: which paths are alive. A route that names a peer (struct route_item) is there only while
 * that peer is heard: its direct path, or a relay. Peers are never touched for it, since both ends'
 * AllowedIPs take packets from either path; so the two ends may turn at different times and lose
 * nothing. Each look reads the devices that carry such routes, and no others.
 *
 *	           heard                silent
 *	PROBING ──────────► ALIVE ──────────────► DEAD
 *	                      ▲   a new handshake   │
 *	                      └─────────────────────┘
 *	                        or one late answer
 */
#ifndef WARREN_AGENT_PATH_H
#define WARREN_AGENT_PATH_H

#include "agent/machine.h"

/* Data that is not answered for so long means a dead path. WireGuard answers within 10 s by itself
 * when its side has nothing to say; agents see to it within two looks, so that a failure costs no
 * more than it must. Where the other agent stands still this may be a false alarm: a detour, which
 * WireGuard's own answer ends when it comes in time. */
#define PATH_UNANSWERED 6000
#define PATH_LATE 16000
/* WireGuard uses a session for 180 s; a younger one follows after 120 s where anything is sent. */
#define PATH_SESSION 195000
#define PATH_LOOK 1000     /* between looks, */
#define PATH_LOOK_MAX 3000 /* longer when looking takes long: */
#define PATH_LOOK_SHARE 20 /* at most this part of the time */
#define PATH_TELL 2000     /* between two reports that a peer speaks from elsewhere */

enum path_state { PATH_PROBING, PATH_ALIVE, PATH_DEAD };

/* One peer on one interface. Times are monotonic, 0 = never. */
struct path {
	enum path_state state;
	bool turned; /* the last look changed whether it is alive */
	uint64_t rx, tx;
	msec handshake;      /* wall, as the device gives it */
	msec session_at;     /* the newest handshake was seen */
	msec rx_at, sent_at; /* received; sent what wants an answer, and received nothing since */
	msec owed_at;        /* received what wants an answer, and sent nothing since */
	msec dead_handshake; /* the one it had when it died */
	msec pardoned;       /* the one whose late answer was believed: only once */
	struct addr addr;
	uint16_t port;
	uint32_t generation; /* of the endpoint that was tried */
	uint64_t look;       /* that saw it last */
};

struct paths {
	struct map by_peer; /* interface/peer id -> struct path */
	uint64_t look;
	bool watching, moved;
	msec took;    /* the last look */
	msec told_at; /* monotonic */
};
void paths_done(struct paths *p);

/* What a look found; bits. */
enum {
	PATHS_TURNED = 1, /* a path came alive or died */
	/* A peer speaks from elsewhere, and this node is one whose word on that counts (a
	 * controller or gateway): say it soon. */
	PATHS_MOVED = 2,
};

/* Look at the devices. desired: sorted, complete. */
int paths_look(struct paths *p, struct machine *m, const struct item_vec *desired);

/* Does the route hold now? One that names no peer always does. */
bool paths_alive(const struct paths *p, const struct route_item *r);
/* Is the peer known yet? */
bool paths_known(const struct paths *p, const struct route_item *r);

/* Is this peer alive? p NULL: nobody watches. */
bool paths_heard(const struct paths *p, const char *ifname, const char *peer);

/* How long until the next look; 0 = there is nothing to look at. */
msec paths_wait(const struct paths *p);

/* Pure, for tests: what a path turns to by what the device shows of its peer at `mono`. wall is for
 * the age of a handshake that is seen for the first time. True when the peer waits for an answer
 * that nobody has given. */
bool path_step(struct path *s, const struct wg_peer *p, msec mono, msec wall);

#endif
