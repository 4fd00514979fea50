/*
 * DOC: the control plane as one object. Threads: HTTP threads run handlers; the store's writer
 * thread runs changes; the hub's thread owns the fleet in memory and every agent stream, and
 * changes the fleet only by applying committed outbox rows; two workers run Argon2id. A changing
 * call goes HTTP thread -> store_write (validate, lease, insert, outbox, audit in one transaction)
 * -> commit -> hub applies and pushes -> hub_run renders the answer -> http_reply.
 */
#ifndef WARREN_CONTROL_CONTROL_H
#define WARREN_CONTROL_CONTROL_H

#include "base/clock.h"
#include "base/err.h"
#include "crypto/secret.h"

#include <stdint.h>

struct store;
struct attempts;
struct cms_signer;
struct failures;
struct hub;
struct janitor;
struct http_server;
struct labels;
struct metrics;
struct signon;
struct settings_live;
struct workers;

struct control_options {
	const char *state_dir; /* 0700; warren.db, master.key, warren.sock */
	/* Panel and REST, default "127.0.0.1:8443"; the agent protocol, default "[::]:8444".
	 * Port 0 is any: struct control then has the one it is. */
	const char *listen, *agent_listen;
	const char *cert_file, *key_file; /* for `listen`; NULL = self-signed, kept in the store */
	/* PEM files of who signs Apple profiles (signing.h); NULL = they are not signed */
	const char *profile_signing_cert, *profile_signing_key;
	/* Host names browsers may use for the panel, separated by commas, besides addresses,
	 * localhost, this machine's name and the host of `listen`. NULL = none. */
	const char *allowed_hosts;
	const struct clock *clock; /* NULL = real */
};

/* Fleet-wide secrets, opened at start. */
struct control_keys {
	struct secret master;       /* state_dir/master.key, 0600; seals everything below */
	struct secret root_seed;    /* signing root: signs pins, is in join tokens */
	struct secret signing_seed; /* signs state heads and events */
	struct public_key root_public, signing_public;
};

struct control {
	struct control_options options;
	const struct clock *clock;
	struct control_keys keys;
	struct store *store;
	struct hub *hub;
	struct workers *workers;   /* for passwords */
	struct workers *callers;   /* for calls to others, which may take their time */
	struct workers *questions; /* about policies */
	struct signon *signon;
	struct janitor *janitor;
	struct metrics *metrics;
	struct settings_live *settings;    /* setting.h */
	struct cms_signer *signer;         /* of profiles; NULL = none */
	struct attempts *attempts;         /* failed logins, counted */
	struct failures *failures;         /* those written down */
	struct labels *labels;             /* DNS labels nodes hold; writer thread only */
	int lock_fd;                       /* state_dir/warren.lock: one server a state folder */
	struct http_server *public_server; /* TLS on options.listen */
	struct http_server *local_server;  /* unix socket state_dir/warren.sock */
	struct http_server *agent_server;  /* TLS on options.agent_listen, own identity */
};

/* Open or create everything and listen. A wrong or corrupt master key is an error naming the file;
 * nothing is regenerated. Returns when all three listeners accept. */
int control_start(const struct control_options *o, struct control **ret, struct err *e);
/* Finish what was acknowledged, close streams and store, wipe keys. Returns NULL. */
struct control *control_stop(struct control *c);
uint16_t control_port(const struct control *c);       /* of the public listener */
uint16_t control_agent_port(const struct control *c); /* of the agent listener */

#endif
