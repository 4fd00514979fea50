/* DOC: starting and stopping the server, and the loop that accepts connections; see server.h. */
#include "http/server.h"

#include "http/worker.h"

#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_THREADS 2
#define PAUSE_MS 100
/* A peer that acknowledges nothing for this long is gone. */
#define UNACKNOWLEDGED_MS 60000

static void tune(int fd, const struct sockaddr_storage *addr)
{
	unsigned ms = UNACKNOWLEDGED_MS;

	if (addr->ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

/* Returns false when accepting must pause: no descriptors or memory, or none waiting. */
static bool accept_one(struct http_server *s, unsigned *turn)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);
	struct http_worker *w;
	int fd = accept4(
		s->listener.fd, (struct sockaddr *)&addr, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	if (atomic_load(&s->connections) >= HTTP_CONNECTIONS_MAX) {
		close(fd);
		return true;
	}
	tune(fd, &addr);
	w = &s->workers[*turn % s->n_workers];
	http_worker_add(&w->shards[*turn / s->n_workers % w->n_shards], fd, &addr,
		len < sizeof(sa_family_t) ? (socklen_t)sizeof(sa_family_t) : len);
	++*turn;
	return true;
}

static void *accept_main(void *arg)
{
	struct http_server *s = arg;
	struct pollfd fds[2] = {
		{.fd = s->stopfd, .events = POLLIN}, {.fd = s->listener.fd, .events = POLLIN}};
	unsigned turn = 0;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			return NULL;
		if (accept_one(s, &turn) || errno == EAGAIN)
			continue;
		/* Out of descriptors: asking again at once would spin. */
		if (poll(fds, 1, PAUSE_MS) > 0)
			return NULL;
	}
}

/* Thousands of streams need thousands of descriptors; the soft limit is often 1024. */
static void raise_descriptor_limit(void)
{
	struct rlimit lim;
	rlim_t want = HTTP_CONNECTIONS_MAX + 1024;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur >= want)
		return;
	lim.rlim_cur = lim.rlim_max < want ? lim.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &lim);
}

static int start_workers(struct http_server *s, struct err *e)
{
	unsigned want = s->o.threads > 0 ? s->o.threads : DEFAULT_THREADS;
	int r = 0;

	if (want > HTTP_THREADS_MAX)
		want = HTTP_THREADS_MAX;
	while (r == 0 && s->n_workers < want) {
		/* Counted before, so that a half-started one is cleaned up. */
		struct http_worker *w = &s->workers[s->n_workers++];

		r = http_worker_start(w, s, HTTP_SHARDS / want, e);
	}
	return r;
}

static int start_acceptor(struct http_server *s, struct err *e)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->acceptor, NULL, accept_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		return err_errno(e, r, "cannot start a thread");
	pthread_setname_np(s->acceptor, "http-accept");
	s->accepting = true;
	return 0;
}

int http_server_start(const struct http_options *o, struct http_server **ret, struct err *e)
{
	struct http_server *s = NEW(struct http_server);
	int r;

	s->o = *o;
	s->listener.fd = -1;
	s->is_tls = o->cert_pem != NULL && o->key_pem != NULL;
	atomic_store(&s->refs, 1);
	s->stopfd = eventfd(0, EFD_CLOEXEC);
	raise_descriptor_limit();
	if ((o->cert_pem == NULL) != (o->key_pem == NULL))
		r = err_set(e, ERR_INVALID, "a certificate and a key belong together");
	else if (s->stopfd < 0)
		r = err_errno(e, errno, "cannot start the HTTP server");
	else
		r = http_listen(o->listen, &s->listener, e);
	s->is_unix = s->listener.unix_path != NULL;
	if (r == 0 && o->bound != NULL)
		o->bound(o->ctx, s->listener.port);
	s->o.listen = NULL; /* the caller's, for the start alone */
	if (r == 0)
		r = start_workers(s, e);
	if (r == 0)
		r = start_acceptor(s, e);
	if (r < 0) {
		http_server_stop(s);
		return r;
	}
	*ret = s;
	return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->listener.port;
}

unsigned http_server_streams(const struct http_server *s)
{
	return atomic_load(&s->streams);
}

void http_server_unref(struct http_server *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < s->n_workers; i++)
		pthread_mutex_destroy(&s->workers[i].lock);
	mem_free(s);
}

struct http_server *http_server_stop(struct http_server *s)
{
	uint64_t one = 1;

	if (s == NULL)
		return NULL;
	if (s->accepting && write(s->stopfd, &one, sizeof(one)) == sizeof(one))
		pthread_join(s->acceptor, NULL);
	http_listener_done(&s->listener);
	for (unsigned i = 0; i < s->n_workers; i++)
		http_worker_stop(&s->workers[i]);
	for (unsigned i = 0; i < s->n_workers; i++)
		http_worker_join(&s->workers[i]);
	if (s->stopfd >= 0)
		close(s->stopfd);
	/* Requests that handlers still hold keep the rest until they are replied to. */
	http_server_unref(s);
	return NULL;
}
