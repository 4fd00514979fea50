/*
 * DOC: the userspace backend against engines that misbehave, played by a child process on a
 * socket in a folder of our own. Needs neither root nor an engine.
 */
#include "wg/backend.h"

#include "base/text.h"
#include "crypto/key.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[] = "/tmp/test_userspace.XXXXXX";

static int listen_at(const char *ifname)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s.sock", dir, ifname);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void unlink_socket(const char *ifname)
{
	AUTOFREE char *path = mem_printf("%s/%s.sock", dir, ifname);

	unlink(path);
}

/* Take connections; on each read once (when read_first), say text, close. */
static pid_t play(int fd, const char *text, int read_first)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		char request[4096];
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			_exit(1);
		if (read_first && read(c, request, sizeof(request)) < 0)
			_exit(1);
		if (write(c, text, strlen(text)) < 0)
			_exit(1);
		close(c);
	}
}

static void stop(pid_t pid, const char *ifname)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink_socket(ifname);
}

static const struct {
	const char *answer;
	int read, change;
	const char *says;
} engines[] = {
	{"", ERR_UNAVAILABLE, ERR_UNAVAILABLE, "hung up"},
	{"errno=0\n", ERR_UNAVAILABLE, ERR_UNAVAILABLE, "hung up"},
	{"errno=13\n\n", ERR_SYSTEM, ERR_SYSTEM, "Permission denied"},
	{"listen_port=x\nerrno=0\n\n", ERR_CORRUPT, ERR_CORRUPT, "listen_port"},
	{"HTTP/1.1 400 Bad Request\r\n\r\n", ERR_CORRUPT, ERR_CORRUPT, "key=value"},
	{"errno=98\n\n", ERR_EXISTS, ERR_EXISTS, "held by another program"},
	{"errno=0\n\nerrno=0\n\n", ERR_CORRUPT, ERR_CORRUPT, "after the end"},
};

static void engines_that_misbehave(void **state)
{
	struct wg_backend *b = wg_userspace_new(dir, "no-such-engine", NULL);

	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		pid_t pid = play(listen_at("x0"), engines[i].answer, 1);
		struct wg_device d = {0};
		struct err e = {0};

		assert_int_equal(b->ops->read(b, "x0", &d, &e), engines[i].read);
		assert_non_null(strstr(e.text, engines[i].says));
		assert_int_equal(d.peers.n, 0);
		assert_int_equal(
			b->ops->change(b, "x0", &(struct wg_change){0}, &e), engines[i].change);
		stop(pid, "x0");
	}
	b->ops->free(b);
}

/* It refuses at once and reads nothing more of a change too large for the socket. */
static void early_refusal_is_heard(void **state)
{
	struct wg_backend *b = wg_userspace_new(dir, "no-such-engine", NULL);
	pid_t pid = play(listen_at("x1"), "errno=22\n\n", 1);
	size_t n = 20000;
	struct wg_peer_op *ops = mem_zalloc(n * sizeof(*ops));
	struct wg_change c = {.peers = ops, .n_peers = n};
	struct err e = {0};
	int r;

	for (size_t i = 0; i < n; i++)
		memcpy(ops[i].public_key.bytes, &(size_t){i + 1}, sizeof(size_t));
	r = b->ops->change(b, "x1", &c, &e);
	/* The end of the socket may overtake the word; never success. */
	assert_true(r == ERR_SYSTEM || r == ERR_UNAVAILABLE);
	stop(pid, "x1");
	mem_free(ops);
	b->ops->free(b);
}

static void stale_sockets_are_nobody(void **state)
{
	struct wg_backend *b = wg_userspace_new(dir, "no-such-engine", NULL);
	CLEANUP(strs_done) struct strs names = {0};
	AUTOFREE char *path = mem_printf("%s/x2.sock", dir);
	AUTOFREE char *odd = mem_printf("%s/x3.sock", dir);
	struct wg_device d = {0};
	struct err e = {0};
	bool adopted;
	FILE *f = fopen(odd, "w");
	int r;

	close(listen_at("x2"));
	fclose(f);
	assert_int_equal(b->ops->read(b, "x2", &d, &e), ERR_NOT_FOUND);
	assert_int_equal(b->ops->list(b, &names, &e), 0);
	assert_int_equal(names.n, 0);
	/* the missing engine is named, or the missing device where there is none */
	r = b->ops->create(b, "x2", &adopted, &e);
	assert_int_equal(r, ERR_UNSUPPORTED);
	assert_true(
		strstr(e.text, "wireguard-go") != NULL || strstr(e.text, "/dev/net/tun") != NULL);
	assert_int_equal(access(path, F_OK), -1);
	/* a file that is not a socket is not ours to remove */
	assert_int_equal(b->ops->destroy(b, "x3", &e), 0);
	assert_int_equal(access(odd, F_OK), 0);
	unlink(odd);
	b->ops->free(b);
}

static void somebody_elses_interface_is_refused(void **state)
{
	struct wg_backend *b = wg_userspace_new(dir, "no-such-engine", NULL);
	struct err e = {0};
	bool adopted;

	assert_int_equal(b->ops->create(b, "lo", &adopted, &e), ERR_EXISTS);
	b->ops->free(b);
}

static void an_engine_that_ends_at_once(void **state)
{
	struct wg_backend *b = wg_userspace_new(dir, "false", dir);
	AUTOFREE char *log = mem_printf("%s/x4.log", dir);
	struct err e = {0};
	bool adopted;

	if (access("/dev/net/tun", F_OK) < 0) {
		print_message("# there is no /dev/net/tun\n");
		skip();
	}
	assert_int_equal(b->ops->create(b, "x4", &adopted, &e), ERR_SYSTEM);
	assert_non_null(strstr(e.text, "ended at once"));
	assert_non_null(strstr(e.text, log));
	unlink(log);
	b->ops->free(b);
}

static void adopts_and_lists_what_answers(void **state)
{
	struct wg_backend *b = wg_userspace_new(dir, "no-such-engine", NULL);
	pid_t pid = play(listen_at("x5"), "errno=0\n\n", 1);
	CLEANUP(strs_done) struct strs names = {0};
	struct err e = {0};
	bool adopted = false;

	assert_int_equal(b->ops->create(b, "x5", &adopted, &e), 0);
	assert_true(adopted);
	assert_int_equal(b->ops->list(b, &names, &e), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "x5");
	stop(pid, "x5");
	b->ops->free(b);
}

static int make_dir(void **state)
{
	crypto_init();
	return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engines_that_misbehave),
		cmocka_unit_test(early_refusal_is_heard),
		cmocka_unit_test(stale_sockets_are_nobody),
		cmocka_unit_test(somebody_elses_interface_is_refused),
		cmocka_unit_test(an_engine_that_ends_at_once),
		cmocka_unit_test(adopts_and_lists_what_answers),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
