/* DOC: see tap.h. A thread for each connection; agents make one for each request. */
#include "bench/tap.h"

#include "base/buf.h"
#include "bench/row.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWERED "errno=0\n\n"

static struct {
	struct sockaddr_un at, real;
	int listener;
	pthread_mutex_t lock;
	pthread_cond_t seen;
	char line[128]; /* "" = nothing is waited for */
	bool removes;
	double when;
} tap = {.lock = PTHREAD_MUTEX_INITIALIZER, .seen = PTHREAD_COND_INITIALIZER};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* The two names change places: the engine ends itself when its socket is missing for a moment. */
static void swap(void)
{
	if (renameat2(AT_FDCWD, tap.real.sun_path, AT_FDCWD, tap.at.sun_path, RENAME_EXCHANGE) < 0)
		perror(tap.at.sun_path);
}

static void leave(void)
{
	swap();
	unlink(tap.real.sun_path);
}

/* Does the request do what is waited for? With the lock. */
static bool is_it(const struct buf *request)
{
	const char *peer = tap.line[0] ? strstr(buf_str(request), tap.line) : NULL, *next, *remove;

	if (peer == NULL)
		return false;
	next = strstr(peer + 1, "\npublic_key=");
	remove = strstr(peer, "\nremove=true\n");
	return (remove != NULL && (next == NULL || remove < next)) == tap.removes;
}

static void answered(const struct buf *request)
{
	pthread_mutex_lock(&tap.lock);
	if (is_it(request)) {
		tap.when = wall_ms();
		tap.line[0] = '\0';
		pthread_cond_signal(&tap.seen);
	}
	pthread_mutex_unlock(&tap.lock);
}

/* Bytes from one to the other; false at the end. */
static bool pass(int from, int to, struct buf *copy)
{
	char chunk[65536];
	ssize_t n = read(from, chunk, sizeof(chunk));

	if (n <= 0)
		return false;
	buf_add(copy, chunk, (size_t)n);
	for (ssize_t done = 0, k; done < n; done += k) {
		k = write(to, chunk + done, (size_t)(n - done));
		if (k <= 0)
			return false;
	}
	return true;
}

static void *serve_one(void *arg)
{
	struct pollfd p[2] = {{.fd = (int)(intptr_t)arg, .events = POLLIN},
		{.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .events = POLLIN}};
	struct buf request = {0}, answer = {0};
	bool open = connect(p[1].fd, (struct sockaddr *)&tap.real, sizeof(tap.real)) == 0;

	while (open && (poll(p, 2, -1) > 0 || errno == EINTR)) {
		if (p[0].revents)
			open = pass(p[0].fd, p[1].fd, &request);
		if (open && p[1].revents)
			open = pass(p[1].fd, p[0].fd, &answer);
		if (answer.len >= strlen(ANSWERED) &&
			strcmp(answer.data + answer.len - strlen(ANSWERED), ANSWERED) == 0) {
			answered(&request);
			buf_reset(&answer);
			buf_reset(&request);
		}
	}
	close(p[0].fd);
	close(p[1].fd);
	buf_wipe(&request);
	buf_wipe(&answer);
	return NULL;
}

static void *serve(void *arg)
{
	for (;;) {
		pthread_t t;
		int fd = accept4(tap.listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			die("accept");
		if (pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd) != 0)
			die("thread");
		pthread_detach(t);
	}
	return NULL;
}

void tap_start(const char *engine)
{
	pthread_t t;

	tap.at.sun_family = tap.real.sun_family = AF_UNIX;
	snprintf(tap.at.sun_path, sizeof(tap.at.sun_path), "%s", engine);
	snprintf(tap.real.sun_path, sizeof(tap.real.sun_path), "%.90s.tapped", engine);
	tap.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(tap.listener, (struct sockaddr *)&tap.real, sizeof(tap.real)) < 0 ||
		chmod(tap.real.sun_path, 0600) < 0 || listen(tap.listener, 64) < 0)
		die(tap.real.sun_path);
	swap();
	atexit(leave);
	if (pthread_create(&t, NULL, serve, NULL) != 0)
		die("thread");
}

const char *tap_engine(void)
{
	return tap.real.sun_path;
}

void tap_await(const char *line, bool removes)
{
	pthread_mutex_lock(&tap.lock);
	snprintf(tap.line, sizeof(tap.line), "%s", line);
	tap.removes = removes;
	tap.when = -1;
	pthread_mutex_unlock(&tap.lock);
}

double tap_when(int patience)
{
	struct timespec until;
	double when;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += patience / 1000;
	pthread_mutex_lock(&tap.lock);
	while (tap.when < 0)
		if (pthread_cond_timedwait(&tap.seen, &tap.lock, &until) != 0)
			break;
	when = tap.when;
	pthread_mutex_unlock(&tap.lock);
	return when;
}
