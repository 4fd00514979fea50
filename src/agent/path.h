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
 *
 * Silent is what is sent and not answered. How long that may take depends on what else is seen: a
 * conversation that breaks off says more than a peer that never spoke; packets of the network that
 * come by a relay say that the other end has moved already. Whoever was wrong once is patient for a
 * while, so that nothing flaps.
 */
#ifndef WARREN_AGENT_PATH_H
#define WARREN_AGENT_PATH_H

#include "agent/machine.h"

/* Data that is not answered for so long means a dead path (spec 0, How packets choose a path):
 * the shortest that applies. The agents see to it that one-way traffic is answered, too: within
 * PATH_OWED and a look. Where the other agent stands still it may be a false alarm: a detour, which
 * WireGuard's own answer ends, for that comes within 10 s. */
#define PATH_UNANSWERED 6000   /* in any case */
#define PATH_UNANSWERED_3 4000 /* sent in PATH_SENDS looks */
#define PATH_BROKEN_OFF 1000   /* likewise, to one that spoke PATH_TALK before */
#define PATH_PASSED_BY 400     /* likewise, to one that spoke; and relays bring packets meanwhile */
#define PATH_SENDS 3
#define PATH_DETOURS 2 /* looks that find packets from relays */
#define PATH_TALK 2000
#define PATH_SPOKE 15000
#define PATH_OWED 300
/* A conversation that stops may have lost its NAT's mapping, and with it the one to the relays, who
 * then speak to nobody until the next keepalive: an empty packet to each shows them the new one. */
#define PATH_HUSH 400
#define PATH_TOUCH 1000 /* between two such */
#define PATH_LATE 16000
#define PATH_STILL 2000 /* after its death: who still speaks here is content with what he gets */
/* Who goes on sending here for so long hears us: unheard he would have turned (PATH_UNANSWERED and
 * a look). A pause of PATH_PAUSE begins it anew. */
#define PATH_CONTENT 8000
#define PATH_PAUSE 2000
#define PATH_PATIENT 600000 /* after a false alarm only PATH_UNANSWERED counts */
/* Dead for so long, and no data came meanwhile: the session is made anew. WireGuard would keep it
 * alive by keepalives for up to three minutes, without a handshake. By then a late answer, which is
 * after 10 s, has come. Two handshakes that cross are both void for 5 s: one end waits longer. */
#define PATH_RENEW 10000
#define PATH_RENEW_SECOND 3000
/* WireGuard uses a session for 180 s; a younger one follows after 120 s where anything is sent. */
#define PATH_SESSION 195000
#define PATH_LOOK 1000     /* between looks; */
#define PATH_LOOK_FLOW 200 /* while packets pass, and PATH_CALM after; */
#define PATH_CALM 3000
#define PATH_LOOK_MAX 3000 /* longer when looking takes long: */
#define PATH_LOOK_SHARE 20 /* at most this part of the time */
#define PATH_TELL 2000     /* between two reports that a peer speaks from elsewhere */

enum path_state { PATH_PROBING, PATH_ALIVE, PATH_DEAD };

/* One peer on one interface. Times are monotonic, 0 = never. */
struct path {
	enum path_state state;
	bool turned; /* the last look changed whether it is alive */
	uint64_t rx, tx;
	uint64_t got, sent;  /* in the last look's time, handshakes left out */
	msec looked_at;      /* the look before */
	msec handshake;      /* wall, as the device gives it */
	msec session_at;     /* the newest handshake was seen */
	msec rx_at, sent_at; /* received; sent what wants an answer, and received nothing since: */
	unsigned sends;      /* looks that found more of it, */
	unsigned detours;    /* looks that found packets from relays */
	msec spoke_at;       /* received more than empty packets */
	bool hushed;         /* and that it stopped was seen */
	msec owed_at;        /* received what wants an answer, and sent nothing since */
	msec patient_until;
	msec dead_handshake; /* the one it had when it died */
	msec silent_at;      /* it died, or was looked at for the first time */
	msec renewed;        /* the handshake of the session that was ended for a new one */
	msec pardoned;       /* the one whose late answer was believed: only once */
	msec content_since, content_at; /* dead, and yet he goes on sending here */
	struct addr addr;
	uint16_t port;
	uint32_t generation; /* of the hints that were tried, */
	uint64_t turn;       /* and whose turn it was (seek.h) */
	uint64_t look;       /* that saw it last */
};

/* A relay that brings packets. */
struct path_bringer {
	id_text network;
	char interface[IFNAME_LEN];
	uint64_t look; /* that found some last */
};

struct paths {
	struct map by_peer; /* interface/peer id -> struct path */
	VEC(struct path_bringer) bringers;
	uint64_t look;
	bool watching, moved;
	bool hush; /* somebody stopped speaking, or a path died: the relays are to be sent something
		    */
	/* monotonic, 0 = never: packets passed; the last look; relays were sent something */
	msec flowed_at, looked_at, touched_at;
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

/* Is it watched at all, so that its hints are tried as it needs them? */
bool paths_watch(const struct paths *p, const char *ifname, const char *peer);

/* How long until the next look; 0 = there is nothing to look at. */
msec paths_wait(const struct paths *p);

struct path_look {
	msec mono, wall; /* wall is for the age of a handshake that is seen for the first time */
	bool detour;     /* relays have brought packets since the last look */
};

/* Pure, for tests: what a path turns to by what the device shows of its peer. True when the peer
 * waits for an answer that nobody has given. */
bool path_step(struct path *s, const struct wg_peer *p, const struct path_look *now);

/* Pure: is a dead path's session to be made anew? Once each. second: this end waits for the other.
 */
bool path_renews(const struct path *s, const struct wg_peer *p, msec mono, bool second);

#endif
