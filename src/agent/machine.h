/*
 * DOC: the machine as the agent sees it: a WireGuard backend, a table of operations on the network
 * around it (tests hand in their own), and the ledger of what is ours. Reading gives back only
 * where the machine and what is wanted part: items that are there and differ or should not be
 * (have), items that are wanted and not there like that (want). item_vec_diff of the two is the
 * drift; on a machine that is as it should be both are empty and nothing was allocated per peer.
 */
#ifndef WARREN_AGENT_MACHINE_H
#define WARREN_AGENT_MACHINE_H

#include "agent/cross.h"
#include "agent/keyring.h"
#include "agent/ledger.h"
#include "agent/resolve.h"
#include "agent/roam.h"
#include "base/map.h"
#include "net/net.h"
#include "wg/backend.h"

/* As in net/net.h, with a context in front. hosts_write with no items removes the block. */
struct machine_ops {
	int (*link_get)(void *ctx, const char *ifname, struct net_link *ret, struct err *e);
	int (*link_set_up)(void *ctx, const char *ifname, bool up, struct err *e);
	int (*link_set_mtu)(void *ctx, const char *ifname, uint32_t mtu, struct err *e);
	int (*address_list)(void *ctx, const char *ifname, struct address_vec *ret, struct err *e);
	int (*address_add)(void *ctx, const struct address_item *a, struct err *e);
	int (*address_delete)(void *ctx, const struct address_item *a, struct err *e);
	int (*route_list)(void *ctx, struct route_vec *ret, struct err *e);
	int (*route_others)(void *ctx, struct route_vec *ret, struct err *e);
	int (*route_add)(void *ctx, const struct route_item *r, struct err *e);
	int (*route_delete)(void *ctx, const struct route_item *r, struct err *e);
	int (*exit_list)(void *ctx, struct exit_vec *ret, struct err *e);
	int (*exit_put)(void *ctx, const struct exit_item *x, struct err *e);
	int (*exit_delete)(void *ctx, uint32_t mark, struct err *e);
	int (*default_address)(void *ctx, enum family f, struct addr *ret, struct err *e);
	int (*sysctl_get)(void *ctx, const char *name, struct buf *out, struct err *e);
	int (*sysctl_set)(void *ctx, const char *name, const char *value, struct err *e);
	int (*firewall_load)(void *ctx, const char *network, const struct firewall_item *f,
		const struct item_vec *sets, struct err *e);
	int (*firewall_members)(void *ctx, const char *network, const struct item_vec *all,
		const struct item_vec *put, const struct item_vec *drop, struct err *e);
	int (*firewall_intact)(void *ctx, const char *network, const struct firewall_item *f,
		const struct item_vec *items, struct err *e);
	int (*firewall_there)(void *ctx, const char *network, struct err *e);
	int (*firewall_delete)(void *ctx, const char *network, struct err *e);
	int (*flows_prune)(void *ctx, const char *network, const struct firewall_item *f,
		const struct item_vec *sets, const struct prefix_vec *own, struct err *e);
	int (*hosts_write)(void *ctx, const struct item_vec *hosts, struct err *e);
	/* A text that changes whenever somebody writes the hosts file. */
	int (*hosts_stamp)(void *ctx, struct buf *out, struct err *e);
};

struct paths;

/* What we know of a network's firewall since this process loaded it. */
struct machine_firewall {
	bool loaded; /* our last load or change of members succeeded */
};

/* What a peer of ours last looked like; kept to tell its link state. Key: interface/public key. */
struct machine_seen {
	uint64_t rx;
	msec rx_at;       /* monotonic time of the last growth of rx; 0 = never seen to grow */
	struct addr addr; /* where it spoke from; unset = not known */
	uint16_t port;
};

struct machine {
	struct wg_backend *wg;
	const struct machine_ops *ops;
	void *ctx;
	const struct clock *clock;
	const struct identity *identity;
	struct ledger ledger;
	struct resolver *resolver;
	struct map firewalls;      /* network -> struct machine_firewall */
	struct map seen;           /* interface/key -> struct machine_seen */
	struct roam roam;          /* endpoints of peers that were taken out */
	struct crosses crosses;    /* peers of a new key, without a session yet */
	const struct paths *paths; /* which are alive; NULL = nobody watches */
	size_t n_peers;            /* on all devices: as last read, and changed since */
	bool hosts_known, hosts_dirty;
	bool flows_unseen; /* the kernel does not show its flows: that was said once */
	char *hosts_stamp;
	/* Interfaces whose engine did not answer. Nobody waits for it again before machine_read has
	 * given them up; on_hung asks for that. */
	struct strs hung;
	void (*on_hung)(void *arg);
	void *hung_arg;
	/* Tell the control plane our public key of a network. */
	void (*announce)(void *arg, const char *network, const struct public_key *key);
	void *announce_arg;
};

/* wg, ops and the rest stay the caller's. */
int machine_init(struct machine *m, struct wg_backend *wg, const struct machine_ops *ops, void *ctx,
	const struct clock *clock, const struct identity *identity, struct resolver *resolver,
	struct err *e);
void machine_done(struct machine *m);

/* The device as it is; as struct wg_backend_ops has it. ERR_TIMEOUT, at once from the second time
 * on, when its engine hangs. */
int machine_device(struct machine *m, const char *ifname, struct wg_device *ret, struct err *e);

struct machine_firewall *machine_firewall(struct machine *m, const char *network);

/* Look at the machine. wanted is sorted. Both results are sorted; have owns its items, want
 * borrows from wanted. Call machine_reading_done on it. */
struct machine_reading {
	struct item_vec have, want;
};
int machine_read(struct machine *m, const struct item_vec *wanted, struct machine_reading *ret,
	struct err *e);
void machine_reading_done(struct machine_reading *r);

/* Write the hosts block when it is due. wanted is sorted. Sets *ret_drift when somebody else had
 * changed the block. */
int machine_hosts_flush(
	struct machine *m, const struct item_vec *wanted, bool *ret_drift, struct err *e);

/* What was last seen of a peer, or NULL. */
const struct machine_seen *machine_peer_seen(
	const struct machine *m, const char *ifname, const struct public_key *key);

/* Is the peer's link up (spec 0, Three states)? Also takes note of its counters. */
bool machine_peer_online(struct machine *m, const char *ifname, const struct wg_peer *p);

/* Operations over net/net.h. ctx is from machine_net_new. hosts_path NULL = /etc/hosts. */
extern const struct machine_ops machine_net_ops;
struct machine_net;
struct machine_net *machine_net_new(const char *hosts_path, struct err *e);
struct machine_net *machine_net_free(struct machine_net *n);
/* net_watch_read for what these operations do. */
void machine_net_watch_read(struct machine_net *n, int fd, net_watch_fn each, void *arg);

#endif
