/*
 * DOC: messages between the agent's processes, over a stream socket on the loop. What the other end
 * may send is decided before room is made for it, a turn of the loop reads a bounded amount, and a
 * queue that is not emptied ends the channel: nobody can fill our memory or hold us up.
 */
#ifndef WARREN_AGENT_CHANNEL_H
#define WARREN_AGENT_CHANNEL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CHANNEL_QUEUE_MAX (160u * 1024 * 1024) /* bytes waiting to be taken by the other end */
#define CHANNEL_FDS_MAX 2                      /* descriptors that come with one message */

struct loop;
struct channel;

struct channel_message {
	uint32_t type, id;
	const char *data; /* borrowed; a zero byte follows */
	size_t n;
};

struct channel_handlers {
	/* The greatest payload that a message of this type may have now; negative: none is
	 * expected, which ends the channel. */
	int64_t (*limit)(void *arg, uint32_t type, uint32_t id);
	/* A whole message. Below 0, with e: it makes no sense, which ends the channel. */
	int (*message)(void *arg, const struct channel_message *m, struct err *e);
	/* Once, on the loop: the other end is gone (ERR_GONE), or what it sent made no sense. */
	void (*ended)(void *arg, const struct err *e);
	void *arg;
	bool takes_fds; /* descriptors may come with messages; else the kernel throws them away */
};

/* fd is the channel's from here on; it is made non-blocking. NULL when it cannot be watched. */
struct channel *channel_new(struct loop *l, int fd, const struct channel_handlers *h);
/* May be called from a handler; ended does not come. */
struct channel *channel_free(struct channel *c);

/* Send one message, now or when the other end takes it; the payload (NULL = empty) is copied. A
 * queue that is full ends the channel. */
void channel_send(struct channel *c, uint32_t type, uint32_t id, const struct buf *payload);
/* With copies of descriptors, at most CHANNEL_FDS_MAX. */
void channel_send_fds(struct channel *c, uint32_t type, uint32_t id, const struct buf *payload,
	const int fds[], size_t n_fds);
/* Inside the handler of a message that was sent with descriptors: the next of them, the caller's to
 * close; -1 when there is none. All have to be taken. */
int channel_take_fd(struct channel *c);
/* Bytes the other end has not taken yet. */
size_t channel_queued(const struct channel *c);

#endif
