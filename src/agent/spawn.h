/*
 * DOC: the spawn process: starts programs for apply, which may not. It knows a few programs and
 * the few ways they are called; anything else is refused. Requests come one at a time over a
 * SOCK_SEQPACKET socket with the program's descriptors attached; each has one reply.
 *
 *	RUN    argv [fd 0, 1, 2]        -> started, then ended: wait status
 *	START  argv, env [log]          -> pid; the program is detached and outlives all of us
 *	HOLDER "stream" or "datagram", port, address or "" -> who has it (net_port_holder): looking
 *at other processes takes rights that would make apply master of the machine NET    [its end of a
 *channel]   -> started; the one before is ended
 */
#ifndef WARREN_AGENT_SPAWN_H
#define WARREN_AGENT_SPAWN_H

#include "base/err.h"

#include <stdint.h>

#define SPAWN_TEXT_MAX 4096
#define SPAWN_WORDS_MAX 16
#define SPAWN_FDS_MAX 3

enum spawn_verb { SPAWN_RUN = 1, SPAWN_START, SPAWN_NET, SPAWN_HOLDER };

struct spawn_request {
	uint32_t verb;
	uint32_t n_argv, n_env; /* words of each, ended by zero bytes, in text */
	uint32_t text_n;
	int32_t timeout; /* RUN, ms */
	char text[SPAWN_TEXT_MAX];
};

struct spawn_reply {
	int32_t code;  /* 0 or an error */
	int32_t value; /* wait status or pid */
	char text[200];
};

struct spawn_options {
	const char *engine; /* the userspace engine, as it is called */
	/* what this program is to be started with in the net process, whose channel is descriptor
	 * 3; NULL (tests), or when that fails, net is called in the child */
	const char *const *net_argv;
	int (*net)(int fd);
};

/* The process's life: serve requests on fd until it closes. Single-threaded. Confine first. */
void spawn_serve(int fd, const struct spawn_options *o);

/* Is this a program and a way of calling it that we know? argv and env are NULL-terminated. */
int spawn_check(const struct spawn_options *o, enum spawn_verb verb, const char *const argv[],
	const char *const env[], struct err *e);

#endif
