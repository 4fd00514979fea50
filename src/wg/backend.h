/*
 * DOC: WireGuard devices behind one table of operations, with three implementations: kernel
 * (generic netlink), userspace (UAPI socket; starts and adopts wireguard-go) and memory (tests,
 * fails on demand). Peer changes go in batches: 50,000 peers are not 50,000 round trips. Adding
 * what exists and removing what is absent succeed. One conformance suite runs over all backends.
 */
#ifndef WARREN_WG_BACKEND_H
#define WARREN_WG_BACKEND_H

#include "base/err.h"
#include "base/clock.h"
#include "model/prefix.h"
#include "crypto/secret.h"

#include <stdbool.h>

/* What a peer is (configured) and does (observed), as read from a device. */
struct wg_peer {
	struct public_key public_key;
	struct secret psk;         /* zero = none */
	struct addr endpoint_addr; /* unset = none known */
	uint16_t endpoint_port;
	uint16_t keepalive; /* seconds, 0 = off */
	struct prefix_vec allowed_ips;
	msec last_handshake; /* wall time; 0 = never */
	uint64_t rx, tx;     /* bytes since the peer was added */
};
VEC_TYPE(wg_peer_vec, struct wg_peer);

struct wg_device {
	struct public_key public_key; /* zero when it has no private key */
	uint16_t listen_port;
	uint32_t fwmark;
	struct wg_peer_vec peers;
};
void wg_device_done(struct wg_device *d);

/* One change of a peer. Fields are applied only when their flag is set. */
enum {
	WG_PEER_REMOVE = 1,       /* the peer goes; nothing else counts */
	WG_PEER_PSK = 2,          /* psk; all-zero clears */
	WG_PEER_ENDPOINT = 4,     /* endpoint */
	WG_PEER_KEEPALIVE = 8,    /* keepalive; 0 clears */
	WG_PEER_ALLOWED_IPS = 16, /* replaces the whole set */
	WG_PEER_UPDATE_ONLY = 32, /* do nothing when the peer does not exist */
};
struct wg_peer_op {
	unsigned flags;
	struct public_key public_key;
	struct secret psk;
	struct addr endpoint_addr;
	uint16_t endpoint_port;
	uint16_t keepalive;
	const struct prefix_vec *allowed_ips; /* borrowed */
};

/* Change of a device: what is set by flag, then peers in order. */
enum {
	WG_DEVICE_PRIVATE_KEY = 1,
	WG_DEVICE_LISTEN_PORT = 2,
	WG_DEVICE_FWMARK = 4,
	WG_DEVICE_REPLACE_PEERS = 8,
};
struct wg_change {
	unsigned flags;
	const struct secret *private_key; /* borrowed */
	uint16_t listen_port;
	uint32_t fwmark;
	const struct wg_peer_op *peers; /* borrowed */
	size_t n_peers;
};

struct wg_backend; /* opaque instance */

/* What the kernel and the engines give a new link. */
#define WG_MTU_DEFAULT 1420

struct wg_backend_ops {
	const char *name; /* "kernel", "userspace", "memory" */
	/* Make the interface (down, no peers), or adopt an existing one with its peers. Sets
	 * *ret_adopted. ERR_UNSUPPORTED names the package when module or engine is missing. */
	int (*create)(struct wg_backend *b, const char *ifname, bool *ret_adopted, struct err *e);
	/* Remove peers, then the interface; absent is success. Userspace: the engine ends. */
	int (*destroy)(struct wg_backend *b, const char *ifname, struct err *e);
	/* Apply one change as few messages as possible; stops at the first refusal. */
	int (*change)(
		struct wg_backend *b, const char *ifname, const struct wg_change *c, struct err *e);
	/* Read everything. ERR_NOT_FOUND when there is no such interface. ret must be {0}. */
	int (*read)(struct wg_backend *b, const char *ifname, struct wg_device *ret, struct err *e);
	/* Names of interfaces this backend could adopt. */
	int (*list)(struct wg_backend *b, struct strs *ret, struct err *e);
	struct wg_backend *(*free)(struct wg_backend *b);
};

struct wg_backend {
	const struct wg_backend_ops *ops;
};

#define WG_ENGINE "wireguard-go"

/* run_dir: where the engine's sockets are, default /var/run/wireguard. engine: program to start,
 * default WG_ENGINE; log_dir: where its output goes, or NULL. */
struct wg_backend *wg_userspace_new(const char *run_dir, const char *engine, const char *log_dir);

/* Deterministic, no root. fail_at(n): the n-th call from now (1 = next) fails once with
 * ERR_SYSTEM; 0 = never. */
struct wg_backend *wg_memory_new(void);
void wg_memory_fail_at(struct wg_backend *b, unsigned nth);
/* Let time pass as a peer would see it: a handshake and bytes. */
void wg_memory_observe(struct wg_backend *b, const char *ifname, const struct public_key *peer,
	msec handshake, uint64_t rx, uint64_t tx);

/* Generic netlink; ERR_UNSUPPORTED when this kernel has no WireGuard. */
int wg_kernel_new(struct wg_backend **ret, struct err *e);

#endif
