/*
 * DOC: the machine's network around the tunnels: links, addresses and routes by rtnetlink, sysctls
 * by /proc, the firewall by netlink batches and, for its rules, one atomic `nft -f -`. Routes of
 * ours carry protocol number NET_ROUTE_PROTOCOL so that nobody else's are ever touched.
 */
#ifndef WARREN_NET_NET_H
#define WARREN_NET_NET_H

#include "base/err.h"
#include "model/state.h"

#define NET_ROUTE_PROTOCOL 157

struct net; /* one rtnetlink socket */
struct net *net_new(struct err *e);
struct net *net_free(struct net *n);

/* Links. Absent interfaces are ERR_NOT_FOUND (net_link_delete: success). */
struct net_link {
	int index;
	uint32_t mtu;
	bool up;
};
int net_link_get(struct net *n, const char *ifname, struct net_link *ret, struct err *e);
int net_link_set_up(struct net *n, const char *ifname, bool up, struct err *e);
int net_link_set_mtu(struct net *n, const char *ifname, uint32_t mtu, struct err *e);
int net_link_delete(struct net *n, const char *ifname, struct err *e);

/* What changes at the machine. each is called with the name of a link that changed; with taken,
 * when somebody else than n deleted one of its addresses, or a route that is marked as ours; NULL:
 * a rule of ours was taken, or (not taken) the kernel had more to say than there was room for. */
typedef void (*net_watch_fn)(void *arg, const char *ifname, bool taken);
/* A descriptor to poll and to close. */
int net_watch_open(int *ret_fd, struct err *e);
/* Empty it. */
void net_watch_read(const struct net *n, int fd, net_watch_fn each, void *arg);

/* Addresses of one interface, without link-local ones. Adding what is there and deleting what is
 * not succeed. IPv6 addresses are added without duplicate address detection. */
VEC_TYPE(address_vec, struct address_item);
int net_address_list(struct net *n, const char *ifname, struct address_vec *ret, struct err *e);
int net_address_add(struct net *n, const struct address_item *a, struct err *e);
int net_address_delete(struct net *n, const struct address_item *a, struct err *e);

/* Routes of the main table; a metric of 0 is the system's default, also when it is read. list gives
 * ours only (by protocol); overlap looks at all others. */
VEC_TYPE(route_vec, struct route_item);
int net_route_list(struct net *n, struct route_vec *ret, struct err *e);
int net_route_add(struct net *n, const struct route_item *r, struct err *e); /* replaces */
int net_route_delete(struct net *n, const struct route_item *r, struct err *e);
/* All of somebody else's, default routes excepted. */
int net_route_others(struct net *n, struct route_vec *ret, struct err *e);
/* A connected or static route of someone else's that overlaps p (default routes excepted): 1 and
 * its text, else 0. */
int net_route_overlap(struct net *n, struct prefix p, struct buf *ret_text, struct err *e);
/* Source address the default route would use. ERR_NOT_FOUND when there is none. */
int net_default_address(struct net *n, enum family f, struct addr *ret, struct err *e);

/* Ways out of marked packets (exit.c): rules and tables numbered like the mark. put makes or
 * repairs all of one; delete of what is not there succeeds. list gives ours; one that is not whole
 * has interface "". */
VEC_TYPE(exit_vec, struct exit_item);
int net_exit_put(struct net *n, const struct exit_item *x, struct err *e);
int net_exit_delete(struct net *n, uint32_t mark, struct err *e);
int net_exit_list(struct net *n, struct exit_vec *ret, struct err *e);
void net_exit_list_done(struct exit_vec *v);

/* "net.ipv4.ip_forward" <-> /proc/sys/net/ipv4/ip_forward; names are checked. */
int net_sysctl_get(const char *name, struct buf *out, struct err *e);
int net_sysctl_set(const char *name, const char *value, struct err *e);

/* Firewall. Text of the whole table for a network's firewall item, its set members and limits:
 * pure, golden tested; begins with "add table; delete table" so that loading it replaces the old
 * one whole. */
void net_firewall_text(const char *network, const struct firewall_item *f,
	const struct item_vec *set_items, struct buf *out);
/* Make the network's table be so, whatever it was. items are its members and limits (ITEM_SET,
 * ITEM_LIMIT). Rules change in one transaction of nft; while they stay, and nobody else touched
 * them, only what differs in the sets is changed, by netlink. On failure the old rules stay. */
int net_firewall_load(struct net *n, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e);
/* Only members and limits that come and go, in one netlink transaction. all: as for load,
 * afterwards; needed when a range or a limit comes or goes. After an error nothing was changed;
 * load then (also ERR_STALE: the first or last limit of a network changes its rules). */
int net_firewall_members(struct net *n, const char *network, const struct item_vec *all,
	const struct item_vec *put, const struct item_vec *drop, struct err *e);
/* Is the table what net_firewall_load would make? 1 or 0. Compares with the kernel, once after each
 * change of nftables by anybody; a table that this process did not load is never intact.
 * ERR_NOT_FOUND when there is none. */
int net_firewall_intact(struct net *n, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e);
/* A digest of all that is in the table, for comparisons. ERR_NOT_FOUND when it is not there. */
int net_firewall_digest(struct net *n, const char *network, char ret[static 65], struct err *e);
/* Is there a table at all? 1 or 0; one small request. */
int net_firewall_there(struct net *n, const char *network, struct err *e);
int net_firewall_delete(struct net *n, const char *network, struct err *e); /* absent is success */

/* End the flows of the network that its firewall (would) refuse if they began now. own: this node's
 * addresses in the network; flows it began itself are left alone. Returns how many were ended.
 * ERR_UNSUPPORTED when the kernel cannot be asked. */
int net_flows_prune(const char *network, const struct firewall_item *f,
	const struct item_vec *set_items, const struct prefix_vec *own, struct err *e);

/* The marked block of /etc/hosts (path is a setting): replaced atomically, removed when empty. */
int net_hosts_write(const char *path, const struct item_vec *hosts, struct err *e);

/* Append "NAME (process PID)" of a process that has the port at that address, or at all of them (at
 * unset: anywhere); for stream, of one that listens. ERR_NOT_FOUND when none is seen (a holder in
 * the kernel, in another network namespace's view, or not ours to look at). */
int net_port_holder(bool stream, uint16_t port, struct addr at, struct buf *ret);
/* For a process that may not look at others: whom to ask instead. NULL = look ourselves again. */
void net_ask_port_holder(
	int (*ask)(void *arg, bool stream, uint16_t port, struct addr at, struct buf *ret),
	void *arg);

#endif
