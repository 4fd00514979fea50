/*
 * DOC: WireGuard engines outside the kernel, spoken to over their UAPI socket. An engine that
 * answers is adopted; else one is started in a session of its own, so that it outlives us. Keys
 * travel over the socket only, and every buffer they pass through is wiped.
 *
 *	warren ── RUN_DIR/warren0.sock ──> wireguard-go -f warren0 ── /dev/net/tun
 */
#include "wg/backend.h"

#include "base/mem.h"
#include "base/proc.h"
#include "model/names.h"
#include "wg/device.h"
#include "wg/link.h"
#include "wg/uapi.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SET_TEXT_MAX ((size_t)512 << 10) /* of one set: some 2,000 peers, 0.2 s of the engine */
#define READ_SIZE 65536
#define QUIET_MAX                                                                                  \
	5000            /* ms the engine may be silent in the middle of an exchange; then it hangs \
			 */
#define START_MAX 10000 /* ms until a started engine answers */
#define STOP_MAX 10000  /* ms until an ended one is gone */
#define KILL_MAX 2000   /* ms until one that was killed is gone */
#define WAIT_STEP 10    /* ms between two looks */

struct userspace {
	struct wg_backend base;
	char *run_dir, *engine, *log_dir;
};

static struct userspace *self(struct wg_backend *b)
{
	return CONTAINER_OF(b, struct userspace, base);
}

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int socket_path(struct userspace *u, const char *ifname, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/%s.sock", u->run_dir, ifname) <
			(int)sizeof(ret->sun_path)
		? 0
		: ERR_INVALID;
}

/* Connect to an engine. ERR_NOT_FOUND when nobody listens, be there a stale socket or not. */
static int engine_connect(struct userspace *u, const char *ifname, int *ret_fd, struct err *e)
{
	CLEANUP(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = QUIET_MAX / 1000};
	struct sockaddr_un sun;

	if (fd < 0)
		return err_errno(e, errno, "cannot make a socket");
	if (socket_path(u, ifname, &sun) < 0)
		return err_set(e, ERR_INVALID, "the path of the engine's socket is too long: %s/%s",
			u->run_dir, ifname);
	/* Bounds the wait for a place in the queue of an engine that hangs. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
			return err_set(e, ERR_NOT_FOUND, "no WireGuard engine serves %s", ifname);
		if (errno == EAGAIN) /* nobody has taken a call for as long as the queue holds */
			return err_set(
				e, ERR_TIMEOUT, "the WireGuard engine of %s is silent", ifname);
		return err_errno(e, errno, "cannot reach the WireGuard engine of %s", ifname);
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Send what fits. Returns bytes taken (0 = try later) or -1 when the other end has closed. */
static ssize_t send_some(int fd, const char *p, size_t n)
{
	ssize_t done = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return done;
}

/* Read what is there into the reader. Returns 0 at the end of the stream. */
static int receive_some(int fd, struct uapi_reader *r)
{
	char chunk[READ_SIZE];
	ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	uapi_reader_feed(r, chunk, (size_t)n);
	mem_wipe(chunk, (size_t)n);
	return n > 0;
}

/* One request and its answer. An engine that refuses early answers before it has read all. */
static int exchange(int fd, const char *ifname, const char *text, size_t n,
	struct wg_device *device, struct err *e)
{
	CLEANUP(uapi_reader_done) struct uapi_reader r;

	uapi_reader_init(&r, device);
	while (r.state == UAPI_MORE) {
		struct pollfd p = {.fd = fd, .events = (short)(n > 0 ? POLLIN | POLLOUT : POLLIN)};
		int ready = poll(&p, 1, QUIET_MAX);

		if (ready < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for the engine of %s", ifname);
		if (ready == 0)
			return err_set(
				e, ERR_TIMEOUT, "the WireGuard engine of %s is silent", ifname);
		if (ready > 0 && (p.revents & POLLOUT)) {
			ssize_t done = send_some(fd, text, n);

			text += done > 0 ? done : 0;
			n = done < 0 ? 0 : n - (size_t)done;
		}
		if (ready > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR)) &&
			receive_some(fd, &r) == 0 && r.state == UAPI_MORE)
			return err_set(
				e, ERR_UNAVAILABLE, "the WireGuard engine of %s hung up", ifname);
	}
	if (r.state == UAPI_BAD)
		return err_set(
			e, ERR_CORRUPT, "the WireGuard engine of %s sent %s", ifname, r.problem);
	if (r.errnum == EADDRINUSE)
		return err_field(e, ERR_EXISTS, "listen_port",
			"the UDP port of %s is held by another program or interface", ifname);
	if (r.errnum != 0)
		return err_errno(
			e, (int)r.errnum, "the WireGuard engine of %s refused the change", ifname);
	return 0;
}

static int userspace_change(
	struct wg_backend *b, const char *ifname, const struct wg_change *c, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	size_t next = 0;
	int r = wg_change_check(ifname, c, e);

	if (r == 0)
		r = engine_connect(self(b), ifname, &fd, e);
	if (r < 0)
		return r;
	do {
		CLEANUP(buf_wipe) struct buf text = {0};

		next = uapi_set_text(c, next == 0, next, SET_TEXT_MAX, &text);
		r = exchange(fd, ifname, text.data, text.len, NULL, e);
		if (r == ERR_EXISTS)
			err_field(e, r, "listen_port",
				"UDP port %u is held by another program or interface",
				c->listen_port);
	} while (r == 0 && next < c->n_peers);
	return r;
}

static int userspace_read(
	struct wg_backend *b, const char *ifname, struct wg_device *ret, struct err *e)
{
	static const char get[] = "get=1\n\n";
	CLEANUP(wg_device_done) struct wg_device d = {0};
	CLEANUP(closep) int fd = -1;
	int r = wg_change_check(ifname, NULL, e);

	if (r == 0)
		r = engine_connect(self(b), ifname, &fd, e);
	if (r == 0)
		r = exchange(fd, ifname, get, strlen(get), &d, e);
	if (r < 0)
		return r;
	*ret = d;
	d = (struct wg_device){0};
	return 0;
}

/* Does an engine answer? An empty change costs it nothing. */
static int engine_answers(struct userspace *u, const char *ifname, struct err *e)
{
	return userspace_change(&u->base, ifname, &(struct wg_change){0}, e);
}

/* A socket file nobody listens on, left by an engine that was killed. Other files stay. */
static void remove_stale(struct userspace *u, const char *ifname)
{
	struct sockaddr_un sun;
	struct stat st;

	if (socket_path(u, ifname, &sun) == 0 && lstat(sun.sun_path, &st) == 0 &&
		S_ISSOCK(st.st_mode))
		unlink(sun.sun_path);
}

/* Wait at most ms for the process to end; without a pidfd just that long. */
static bool ended_within(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

static int wait_ready(
	struct userspace *u, const char *ifname, int pidfd, const char *log, struct err *e)
{
	for (int waited = 0; waited < START_MAX; waited += WAIT_STEP) {
		int r = engine_answers(u, ifname, e);

		if (r != ERR_NOT_FOUND)
			return r;
		if (ended_within(pidfd, WAIT_STEP))
			return err_set(e, ERR_SYSTEM, "%s for %s ended at once%s%s", u->engine,
				ifname, log ? "; see " : "", log ? log : "");
	}
	return err_set(e, ERR_TIMEOUT, "%s did not serve %s within %d s", u->engine, ifname,
		START_MAX / 1000);
}

static int engine_start(struct userspace *u, const char *ifname, struct err *e)
{
	/* Foreground: the session is ours to make. Inherited descriptors of another engine's start
	 * must not be taken for this one's. */
	static const char *const env[] = {
		"LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1", "WG_TUN_FD=", "WG_UAPI_FD=", NULL};
	const char *const argv[] = {u->engine, "-f", ifname, NULL};
	AUTOFREE char *log = u->log_dir ? mem_printf("%s/%s.log", u->log_dir, ifname) : NULL;
	CLEANUP(closep) int pidfd = -1;
	pid_t pid;
	int r;

	if (wg_link_exists(ifname))
		return err_set(e, ERR_EXISTS,
			"interface %s exists and no WireGuard engine serves it", ifname);
	if (access("/dev/net/tun", F_OK) < 0)
		return err_set(e, ERR_UNSUPPORTED,
			"this machine has no /dev/net/tun, which a WireGuard engine needs");
	r = proc_spawn_detached(argv, env, log, &pid, e);
	if (r == ERR_UNSUPPORTED)
		return err_set(e, r, "the engine %s is not installed; install package wireguard-go",
			u->engine);
	if (r < 0)
		return r;
	pidfd = pidfd_open(pid, 0);
	r = wait_ready(u, ifname, pidfd, log, e);
	if (r < 0 && pidfd >= 0)
		pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	return r;
}

/* The engine at the other end of a connected socket, or -1 (in another pid namespace). */
static int engine_pidfd(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.pid <= 0 ||
		cred.pid == getpid())
		return -1;
	return pidfd_open(cred.pid, 0);
}

/* Until the engine is gone: its process where we can see it, else its socket. */
static int wait_gone(struct userspace *u, const char *ifname, int pidfd, struct err *e)
{
	bool gone = pidfd >= 0 && ended_within(pidfd, STOP_MAX);

	/* one that hangs hears nothing else */
	if (!gone && pidfd >= 0 && pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0)
		gone = ended_within(pidfd, KILL_MAX);
	for (int waited = 0; pidfd < 0 && !gone && waited < STOP_MAX; waited += WAIT_STEP) {
		CLEANUP(closep) int fd = -1;

		gone = engine_connect(u, ifname, &fd, NULL) == ERR_NOT_FOUND ||
			(poll(NULL, 0, WAIT_STEP) < 0 && errno != EINTR);
	}
	if (!gone)
		return err_set(e, ERR_TIMEOUT, "the WireGuard engine of %s does not end", ifname);
	return 0;
}

/* UAPI has no word for stop. Deleting the link ends the engine; where we cannot (the link is in
 * another namespace) the process is asked to end. */
static int engine_stop(struct userspace *u, const char *ifname, int fd, struct err *e)
{
	CLEANUP(closep) int pidfd = engine_pidfd(fd);
	int r = wg_link_delete(ifname, e);

	if (r < 0 && (pidfd < 0 || pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0))
		return r;
	return wait_gone(u, ifname, pidfd, e);
}

static int userspace_destroy(struct wg_backend *b, const char *ifname, struct err *e)
{
	const struct wg_change no_peers = {.flags = WG_DEVICE_REPLACE_PEERS};
	struct userspace *u = self(b);
	CLEANUP(closep) int fd = -1;
	int r = wg_change_check(ifname, NULL, e);

	if (r == 0)
		r = engine_connect(u, ifname, &fd, e);
	if (r == ERR_NOT_FOUND) {
		remove_stale(u, ifname);
		return 0;
	}
	if (r < 0)
		return r;
	/* Not looked at: an engine that hangs is ended all the same. */
	userspace_change(b, ifname, &no_peers, NULL);
	r = engine_stop(u, ifname, fd, e);
	closep(&fd);
	if (r == 0 && engine_connect(u, ifname, &fd, NULL) == ERR_NOT_FOUND)
		remove_stale(u, ifname);
	return r;
}

/* End an engine that hangs: it hears no request and no signal but one. Its link goes with it. */
static int engine_kill(struct userspace *u, const char *ifname, struct err *e)
{
	CLEANUP(closep) int fd = -1, pidfd = -1;
	int r = engine_connect(u, ifname, &fd, e);

	if (r == ERR_NOT_FOUND)
		return 0;
	if (r < 0)
		return r;
	pidfd = engine_pidfd(fd);
	if (pidfd >= 0 && pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0 &&
		ended_within(pidfd, KILL_MAX))
		return 0;
	return userspace_destroy(&u->base, ifname, e); /* not ours to kill: by its link */
}

static int userspace_create(
	struct wg_backend *b, const char *ifname, bool *ret_adopted, struct err *e)
{
	struct userspace *u = self(b);
	int r = engine_answers(u, ifname, e);

	if (r == 0) {
		*ret_adopted = true;
		return 0;
	}
	if (r == ERR_TIMEOUT) /* its sessions are gone whatever we do */
		r = engine_kill(u, ifname, e);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	remove_stale(u, ifname);
	r = engine_start(u, ifname, e);
	if (r == 0)
		*ret_adopted = false;
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int userspace_list(struct wg_backend *b, struct strs *ret, struct err *e)
{
	struct userspace *u = self(b);
	DIR *dir = opendir(u->run_dir);

	if (dir == NULL && errno == ENOENT)
		return 0;
	if (dir == NULL)
		return err_errno(e, errno, "cannot list %s", u->run_dir);
	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		CLEANUP(closep) int fd = -1;
		char *dot = strrchr(d->d_name, '.');

		if (dot == NULL || strcmp(dot, ".sock") != 0)
			continue;
		*dot = '\0';
		if (ifname_check(d->d_name) == 0 && engine_connect(u, d->d_name, &fd, NULL) == 0)
			strs_push(ret, d->d_name);
	}
	closedir(dir);
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

static struct wg_backend *userspace_free(struct wg_backend *b)
{
	struct userspace *u = b ? self(b) : NULL;

	if (u == NULL)
		return NULL;
	mem_free(u->run_dir);
	mem_free(u->engine);
	mem_free(u->log_dir);
	return mem_free(u);
}

static const struct wg_backend_ops userspace_ops = {
	.name = "userspace",
	.create = userspace_create,
	.destroy = userspace_destroy,
	.change = userspace_change,
	.read = userspace_read,
	.list = userspace_list,
	.free = userspace_free,
};

struct wg_backend *wg_userspace_new(const char *run_dir, const char *engine, const char *log_dir)
{
	struct userspace *u = NEW(struct userspace);

	u->base.ops = &userspace_ops;
	u->run_dir = mem_strdup(run_dir ? run_dir : "/var/run/wireguard");
	u->engine = mem_strdup(engine ? engine : WG_ENGINE);
	u->log_dir = mem_strdup(log_dir);
	return &u->base;
}
