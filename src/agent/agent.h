/*
 * DOC: the node agent: joins a fleet, then keeps this machine's WireGuard interfaces equal to its
 * desired state until it is told to stop. Tunnels outlive it: only agent_down, agent_leave and
 * teardown_on_exit take them away.
 */
#ifndef WARREN_AGENT_AGENT_H
#define WARREN_AGENT_AGENT_H

#include "agent/declaration.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>

#define AGENT_STATE_DIR "/var/lib/warren/agent"

struct loop;
struct machine_ops;
struct wg_backend;

/* All may be NULL or 0: the value in brackets is taken then. */
struct agent_options {
	const char *state_dir;  /* identity, keys, cache (AGENT_STATE_DIR) */
	const char *url;        /* join: https://HOST:8444 of the agent listener */
	const char *run_dir;    /* engine's sockets (/var/run/wireguard) */
	const char *engine;     /* userspace engine (wireguard-go) */
	const char *backend;    /* "kernel" or "userspace" (whichever works) */
	const char *hosts_path; /* (/etc/hosts) */
	const char *version;    /* told to the control plane ("0") */
	msec interval;          /* between reconciles (60 s), at least 1 s */
	bool teardown_on_exit;
	struct agent_gateway gateway; /* what this machine says of itself */
	bool again;                   /* join: replace the identity that is there */

	/* Run as three processes (processes.h); this one is confined for the rest of its life. Else
	 * all in this process: for tests and for who embeds an agent. net_argv: the words that make
	 * this program become net_process(3) in a process of its own; NULL = by fork. */
	bool split;
	const char *const *net_argv;

	/* Tests hand in their own machine and stop the agent by the loop. */
	struct wg_backend *wg;
	const struct machine_ops *machine;
	void *machine_ctx;
	void (*started)(void *arg, struct loop *l);
	void *started_arg;
	int (*net)(int fd); /* plays the net process, without net_argv */
};

/* Register this machine with a join token (spec 1, Join). A join that was cut off can be repeated
 * with the same token. ERR_EXISTS when this machine has joined already, unless o->again: then what
 * it was is forgotten once it is let in, and its interfaces stay, for the next run to adopt.
 * *ret_name: what the node is called, which a token for a node decides; the caller's. */
int agent_join(const struct agent_options *o, const char *token, const char *hostname,
	char **ret_name, struct err *e);
/* Run until SIGTERM or SIGINT. */
int agent_run(const struct agent_options *o, struct err *e);
/* Take down all the agent made on this machine; it stays joined. Not while an agent runs. */
int agent_down(const struct agent_options *o, struct err *e);
/* agent_down, tell the control plane (as far as it can be reached), forget the fleet. */
int agent_leave(const struct agent_options *o, struct err *e);

bool agent_is_joined(const char *state_dir);
/* The node's id, or NULL; the caller frees it. */
char *agent_node_id(const char *state_dir);

#endif
