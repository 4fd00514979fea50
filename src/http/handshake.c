/* DOC: see handshake.h. What is read from the connection goes through here, so it is known when a
 * handshake has nothing to read. */
#include "http/handshake.h"

#include "base/mem.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <sys/epoll.h>

/* Those that are to be put aside come first. */
static void set_state(struct http_handshake *h, enum handshake_state state)
{
	if (h->state >= HANDSHAKE_BLOCKED)
		TAILQ_REMOVE(&h->shard->handshakes, h, link);
	h->state = state;
	if (state == HANDSHAKE_BLOCKED)
		TAILQ_INSERT_HEAD(&h->shard->handshakes, h, link);
	else if (state == HANDSHAKE_PARKED)
		TAILQ_INSERT_TAIL(&h->shard->handshakes, h, link);
}

static ssize_t on_pull(gnutls_transport_ptr_t arg, void *to, size_t n)
{
	struct http_handshake *h = arg;
	ssize_t got = recv(h->fd, to, n, 0);

	if (h->state == HANDSHAKE_RUNNING && got < 0 && errno == EAGAIN)
		set_state(h, HANDSHAKE_BLOCKED);
	else if (h->state == HANDSHAKE_BLOCKED && got >= 0)
		set_state(h, HANDSHAKE_RUNNING);
	return got;
}

/* The peer's Finished is the last thing a server waits for. */
static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
	const gnutls_datum_t *message)
{
	gnutls_transport_ptr_t in, out;

	gnutls_transport_get_ptr2(session, &in, &out);
	if (incoming)
		set_state(in, HANDSHAKE_OVER);
	return 0;
}

static void let_go_on(struct http_handshake *h)
{
	if (h->state != HANDSHAKE_PARKED)
		return;
	set_state(h, HANDSHAKE_RUNNING);
	MHD_resume_connection(h->connection);
	h->shard->dirty = true;
}

/* The peer has sent something, or is gone. */
static void on_ready(struct http_watch *w)
{
	let_go_on(CONTAINER_OF(w, struct http_handshake, watch));
}

void http_handshake_begin(struct http_handshake *h, struct http_shard *shard,
	struct MHD_Connection *c, int fd, void *tls_session)
{
	gnutls_session_t session = tls_session;
	gnutls_transport_ptr_t in, out;

	*h = (struct http_handshake){.watch = {on_ready},
		.shard = shard,
		.connection = c,
		.fd = fd,
		.state = HANDSHAKE_RUNNING};
	gnutls_transport_get_ptr2(session, &in, &out);
	gnutls_transport_set_ptr2(session, h, out);
	gnutls_transport_set_pull_function(session, on_pull);
	gnutls_handshake_set_hook_function(
		session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
}

void http_handshake_end(struct http_handshake *h)
{
	set_state(h, HANDSHAKE_OVER);
}

/* One event only: it is asked anew each time. The library closes fd, which ends the watch. */
static bool watch_fd(struct http_handshake *h)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = &h->watch};

	if (epoll_ctl(h->shard->worker->epfd, h->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, h->fd,
		    &ev) < 0)
		return false;
	h->watched = true;
	return true;
}

void http_handshakes_park(struct http_shard *shard)
{
	struct http_handshake *h;

	while ((h = TAILQ_FIRST(&shard->handshakes)) != NULL && h->state == HANDSHAKE_BLOCKED) {
		if (shard->worker->stopping || !watch_fd(h)) {
			set_state(h, HANDSHAKE_RUNNING); /* tried again and again, then */
			continue;
		}
		MHD_suspend_connection(h->connection);
		set_state(h, HANDSHAKE_PARKED);
	}
}

void http_handshakes_cut(struct http_shard *shard)
{
	struct http_handshake *h, *next;

	for (h = TAILQ_FIRST(&shard->handshakes); h != NULL; h = next) {
		next = TAILQ_NEXT(h, link);
		shutdown(h->fd, SHUT_RDWR);
		let_go_on(h);
	}
}
