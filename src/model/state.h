/*
 * DOC: desired state: what one node's machine should have, as a set of items. An item has a kind,
 * a network and a key that is unique within them. A delta is "put these items, drop those keys"
 * from one revision to the next; a full state is the delta from zero. What the machine really has
 * is read into the same shape. So one differ and one apply serve events, full states and drift.
 */
#ifndef WARREN_MODEL_STATE_H
#define WARREN_MODEL_STATE_H

#include "model/names.h"
#include "model/objects.h"

/* In apply order: putting goes down this list, dropping goes up. */
enum item_kind {
	ITEM_INTERFACE, /* key: interface name */
	ITEM_ADDRESS,   /* key: interface/prefix */
	ITEM_SYSCTL,    /* key: sysctl name */
	ITEM_FIREWALL,  /* key: network id; the skeleton: rules and masquerade */
	ITEM_SET,       /* key: set name/prefix: one member of a firewall set */
	ITEM_LIMIT,     /* key: device id, addresses, rate: how fast a device may be */
	ITEM_PEER,      /* key: interface/peer id */
	ITEM_ROUTE,     /* key: destination and metric */
	ITEM_EXIT,      /* key: mark; what carries it takes a table of its own */
	ITEM_HOST,      /* key: host name */
	ITEM_DNS,       /* key: network id; this node answers for the network's domain */
	ITEM_NAME,      /* key: id of the member or device that has the name */
	ITEM_KINDS
};
extern const char *const item_kind_words[]; /* "interface", "address", ... NULL-terminated */

/* direct: node to node. devices: a gateway's, for devices. relay: to one controller, as the way
 * round. hub: a controller's, where the relays of all nodes end. exit: to one exit. */
enum interface_role { IFACE_DIRECT, IFACE_DEVICES, IFACE_RELAY, IFACE_EXIT, IFACE_HUB };
extern const char *const interface_role_words[];

/* A WireGuard interface of this node in one network. */
struct interface_item {
	char name[IFNAME_LEN];
	int role;                     /* enum interface_role */
	struct public_key public_key; /* the identity it must have */
	char *sealed_key; /* base64, the group's private key sealed to this node; NULL = own key */
	uint16_t listen_port; /* 0 = any: this end speaks first */
	uint32_t mtu;         /* 0 = system default */
	uint32_t fwmark;      /* 0 = none */
};

struct address_item {
	char interface[IFNAME_LEN];
	struct addr addr;
	uint8_t len;
};

/* One WireGuard peer. Wire object of spec 1, Peers. */
struct peer_item {
	char interface[IFNAME_LEN];
	id_text id;
	struct public_key public_key;
	struct addr mesh_ip, mesh_ip6;
	char *endpoint;      /* a hint: written when the peer is added or generation changes */
	char *near_endpoint; /* another: in the LAN both may be in (plan/hint.h); NULL = none */
	uint32_t generation; /* of the hints */
	struct prefix_vec allowed_ips;
	struct secret psk; /* zero = none */
	/* While the peer gets a new key: what public_key and psk are once it speaks with that one.
	 * Until then a peer of its own (peer_next_id) has the new key, no prefixes and a PSK nobody
	 * else has: its first message is heard, but nothing it sends can be taken and lost. */
	struct public_key next_public_key;
	struct secret next_psk;
	uint16_t keepalive;
	/* A device that is at another gateway of its group: its session here, if there is one, is
	 * to end, so that nothing is sent by it and draws the device back. */
	bool away;
	/* The peer goes when it has used quota_left bytes since quota_grant became this number; 0 =
	 * there is no quota. */
	uint64_t quota_left, quota_grant;
	msec not_after; /* 0 = never; the agent drops it then, also from cached state */
};

/* Routes to one destination differ by metric; the kernel takes the lowest that is there. */
struct route_item {
	char interface[IFNAME_LEN];
	struct prefix dst;
	uint32_t metric; /* 0 = the system's default */
	/* Set: only there while this peer on that interface is alive, as the agent finds by
	 * watching its handshakes (agent/path.h). "": always. */
	id_text peer;
};

struct sysctl_item {
	char *name; /* "net.ipv4.conf.warren0.forwarding" */
	char *value;
};

/* One compiled allow rule of a network on this node; applied to input and forward. */
struct fw_rule {
	char *from; /* name of a set, or "" = any */
	char *to;
	char *protocol; /* "any", "tcp", "udp", "icmp" */
	struct strs ports;
};
VEC_TYPE(fw_rule_vec, struct fw_rule);

/* Full-tunnel devices in that set leave by that exit: marked when they speak to the outside, and
 * let through by its interface alone (spec 0, How packets choose a path). */
struct fw_exit {
	char *set;
	uint32_t mark;              /* 0 = no exit is there: nothing of theirs goes outside */
	char interface[IFNAME_LEN]; /* "" = this node is the exit */
};
VEC_TYPE(fw_exit_vec, struct fw_exit);

/* The firewall of one network on this node: default drop on its interfaces, both families. */
struct firewall_item {
	struct strs interfaces;       /* overlay interfaces of this network */
	struct strs hubs;             /* those of them whose peers are relayed to one another */
	struct fw_rule_vec input;     /* who may reach this node itself */
	struct fw_rule_vec forward;   /* who may pass through it */
	struct strs sets;             /* names of the sets rules use; members are ITEM_SET */
	struct prefix_vec overlay;    /* the network's pools */
	struct prefix_vec masquerade; /* destinations that see this node's address instead */
	struct fw_exit_vec exits;
	struct prefix_vec inside;        /* what no full tunnel leads to: policy decides about it */
	char exit_interface[IFNAME_LEN]; /* gateways' full tunnels end here and go outside; or "" */
	uint32_t exit_mark;              /* of their flows */
	/* The devices interface, where devices may come from another gateway in the middle of a
	 * flow, or "". */
	char shared[IFNAME_LEN];
};

struct set_item {
	char *set;
	struct prefix prefix; /* ranges are cut into prefixes */
};

/* Of what a device sends, and as much of what is sent to it; shared by its addresses. All of it is
 * key: another rate is another limit. */
struct limit_item {
	id_text device;
	struct addr addr, addr6; /* unset: none of that family */
	uint64_t rate;           /* bits a second */
};

/* The way of marked packets. On a gateway: out by the interface, and nowhere when that is gone. On
 * an exit: replies go back to the gateways by it, whatever else leads there. */
struct exit_item {
	uint32_t mark; /* and number of its routing table; EXIT_MARK and 24 bits */
	char interface[IFNAME_LEN];
	struct prefix_vec inside; /* goes by the main table */
	struct prefix_vec back;   /* an exit's: the gateways. Empty = everything goes this way */
};
#define EXIT_MARK 0x57000000u
#define EXIT_MARK_HERE (EXIT_MARK | 0xffffffu) /* leaves by this node's own routes */

struct host_item {
	char *name;
	struct addr addr, addr6;
};

/* The network's domain on a node that answers for it. */
struct dns_item {
	char *domain;
	struct prefix_vec listen; /* own addresses (host prefixes) it answers on */
	struct strs upstreams;    /* addresses to forward to; empty = as the host does */
};

/* A name in the domain. Two owners with one name are no error here: see dns/zone.h. */
struct name_item {
	id_text id; /* mem_ or a device's */
	char *name; /* label */
	struct addr addr, addr6;
	bool forward; /* what its owner asks about other domains is forwarded */
	bool all;     /* its owner is a gateway: it knows every name */
};

struct item {
	enum item_kind kind;
	id_text network;
	union {
		struct interface_item interface;
		struct address_item address;
		struct peer_item peer;
		struct route_item route;
		struct sysctl_item sysctl;
		struct firewall_item firewall;
		struct set_item set;
		struct limit_item limit;
		struct exit_item exit;
		struct host_item host;
		struct dns_item dns;
		struct name_item name;
	};
};

struct item *item_new(enum item_kind kind, const char *network);
struct item *item_dup(const struct item *i);
struct item *item_key(const struct item *i);                  /* a copy of the key alone */
struct item *item_free(struct item *i);                       /* wipes secrets */
int item_compare(const struct item *a, const struct item *b); /* by kind, network, key */
int item_equal(const struct item *a, const struct item *b);   /* by content; same key assumed */
/* The key as text, for logs and drift reports: "peer warren0/cl_...". */
void item_describe(const struct item *i, struct buf *out);

/* The id of the peer that waits for another's next key. */
#define PEER_NEXT_PREFIX "next_"
void peer_next_id(const char *member, id_text ret);

VEC_TYPE(item_vec, struct item *);      /* sorted by item_compare where a function says so */
void item_vec_done(struct item_vec *v); /* frees the items too */
/* ERR_EXISTS when two items have the same key. Costs one pass when already sorted. */
int item_vec_sort(struct item_vec *v);

/* Desired state. requires[] names features an agent must have to apply parts (model/feature.h). */
struct state {
	id_text node;
	id_text project;
	uint64_t revision;
	struct strs requires;
	struct item_vec items; /* sorted, unique keys */
};

struct delta {
	uint64_t previous; /* 0 = from nothing */
	uint64_t revision;
	struct strs requires; /* of what is put */
	struct item_vec put;  /* sorted */
	struct item_vec drop; /* sorted; only keys matter */
};

/* Add item (taken over) keeping order; an item with the same key is replaced and freed. */
void state_put(struct state *s, struct item *item);
/* Remove the item with the same key; 1 when there was one. */
int state_drop(struct state *s, const struct item *key);
const struct item *state_find(const struct state *s, const struct item *key);
/* Sort items that were pushed in any order. Duplicate keys are a planner bug: aborts. */
void state_sort(struct state *s);
void state_done(struct state *s);
void delta_done(struct delta *d);
int delta_is_empty(const struct delta *d);

/* What turns `from` into `to`; drops carry the key alone; requires is left empty. A `from` of
 * revision 0 is empty. Linear.
 * ret must be empty. */
void state_diff(const struct state *from, const struct state *to, struct delta *ret);
/* The same on bare sorted vectors (parts of a state). */
void item_vec_diff(const struct item_vec *from, const struct item_vec *to, struct delta *ret);
/* And with `to` used up: what is put is moved out of it, the rest freed. */
void item_vec_diff_take(const struct item_vec *from, struct item_vec *to, struct delta *ret);
/* Apply: ERR_STALE when d->previous is neither 0 nor s->revision. previous 0 replaces all. s is
 * untouched on failure. A key both dropped and put is put. requires is added to s's; what nothing
 * needs any more stays there until the next whole state. */
int state_apply(struct state *s, const struct delta *d, struct err *e);

#endif
