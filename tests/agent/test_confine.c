/*
 * DOC: what each process of the agent can no longer do, tried in children that are confined for
 * good; and what the spawn process starts and what it refuses.
 */
#include "agent/confine.h"
#include "agent/processes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netdb.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char *dir; /* 0700, with a file "secret" of 0600 */

static char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static int setup(void **state)
{
	char name[] = "/tmp/warren-confine-XXXXXX";
	AUTOFREE char *path = NULL;

	log_init("test", LOG_ERROR);
	assert_non_null(mkdtemp(name));
	dir = mem_strdup(name);
	path = in_dir("secret");
	return file_write(path, "key\n", 4, 0600, NULL);
}

static int teardown(void **state)
{
	AUTOFREE char *clean = mem_printf("rm -rf %s", dir);

	assert_int_equal(system(clean), 0);
	dir = mem_free(dir);
	return 0;
}

/* Run fn in a child; its exit status, or -SIGNAL. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(300);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* The number of the first line that does not hold; 0 = all do. */
#define MUST(cond)                                 \
	do {                                       \
		if (!(cond))                       \
			return __LINE__ % 250 + 1; \
	} while (0)

/* A line of /proc/self/status, as hexadecimal; read before files are out of reach. */
static unsigned long long status_of(pid_t pid, const char *name)
{
	AUTOFREE char *path = mem_printf("/proc/%d/status", (int)pid);
	CLEANUP(buf_done) struct buf text = {0};
	char *at;

	if (file_read(path, 1 << 20, &text, NULL) < 0)
		return ~0ull;
	at = strstr(text.data, name);
	return at == NULL ? ~0ull : strtoull(at + strlen(name) + 1, NULL, 16);
}

static bool refused(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/* --- net
 * -------------------------------------------------------------------------------------------- */

static int as_net(void)
{
	struct err e = {0};

	confine_net_user();
	if (confine_net(&e) < 0) {
		fprintf(stderr, "# %s\n", e.text);
		_exit(251);
	}
	return 0;
}

static int net_reads_nothing_of_ours(void)
{
	AUTOFREE char *secret = in_dir("secret"), *new = in_dir("new");

	as_net();
	MUST(refused(open(secret, O_RDONLY)));
	MUST(refused(open(new, O_WRONLY | O_CREAT, 0600)));
	MUST(refused(open("/tmp/warren-net-was-here", O_WRONLY | O_CREAT, 0600)));
	MUST(refused(open(dir, O_RDONLY | O_DIRECTORY)));
	MUST(refused(open("/proc/1/environ", O_RDONLY)));
	MUST(unlink(secret) < 0);
	MUST(chmod(secret, 0644) < 0);
	return 0;
}

static int net_changes_no_network(void)
{
	as_net();
	MUST(refused(socket(AF_NETLINK, SOCK_RAW, 0)));
	MUST(refused(socket(AF_UNIX, SOCK_STREAM, 0))); /* an engine listens there */
	MUST(refused(socket(AF_PACKET, SOCK_RAW, 0)));
	MUST(refused(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)));
	return 0;
}

static int net_has_a_network(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(1)};
	struct addrinfo *list = NULL;
	int fd;

	as_net();
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0);
	MUST(connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == ECONNREFUSED);
	MUST(getaddrinfo("127.0.0.1", NULL, NULL, &list) == 0);
	freeaddrinfo(list);
	list = NULL;
	MUST(geteuid() == 0 || getaddrinfo("localhost", NULL, NULL, &list) == 0);
	if (list != NULL)
		freeaddrinfo(list);
	return 0;
}

/* A DNS socket that was handed over is good for answers, right or wrong, from that address and port
 * and no other; and no other socket can be made like it. */
static int net_lies_about_names_at_most(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET}, to = in;
	socklen_t len = sizeof(in), to_len = sizeof(to);
	int handed = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd, one = 1;
	int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[8];

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(handed, (struct sockaddr *)&in, sizeof(in)) == 0);
	MUST(getsockname(handed, (struct sockaddr *)&in, &len) == 0);
	MUST(connect(client, (struct sockaddr *)&in, len) == 0);
	MUST(send(client, "?", 1, 0) == 1);
	as_net();
	MUST(recvfrom(handed, text, sizeof(text), 0, (struct sockaddr *)&to, &to_len) == 1);
	MUST(sendto(handed, "lie", 3, 0, (struct sockaddr *)&to, to_len) == 3);
	MUST(recv(client, text, sizeof(text), 0) == 3);
	in.sin_port = htons(53);
	MUST(bind(handed, (struct sockaddr *)&in, sizeof(in)) < 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0);
	in.sin_port = 0;
	MUST(bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0 && listen(fd, 1) < 0);
	/* nobody else's addresses, and not the marks that choose ways round the firewall */
	MUST(setsockopt(handed, SOL_IP, IP_TRANSPARENT, &one, sizeof(one)) < 0);
	MUST(setsockopt(handed, SOL_SOCKET, SO_MARK, &one, sizeof(one)) < 0);
	return 0;
}

static int net_has_no_rights(void)
{
	int fd;

	/* through a descriptor that was open before */
	fd = open("/proc/self/status", O_RDONLY);
	MUST(fd >= 0);
	as_net();
	{
		char text[8192];
		ssize_t n = read(fd, text, sizeof(text) - 1);

		MUST(n > 0);
		text[n] = '\0';
		MUST(strstr(text, "CapPrm:\t0000000000000000\n") != NULL);
		MUST(strstr(text, "CapEff:\t0000000000000000\n") != NULL);
		MUST(strstr(text, "CapBnd:\t0000000000000000\n") != NULL || getuid() != 65534);
		MUST(strstr(text, "NoNewPrivs:\t1\n") != NULL);
		MUST(strstr(text, "Seccomp:\t2\n") != NULL);
	}
	MUST(fork() < 0);
	MUST(kill(getppid(), 0) < 0);
	return 0;
}

static int net_runs_a_program(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	as_net();
	execv("/bin/true", argv);
	return 0;
}

static void net_is_confined(void **state)
{
	assert_int_equal(in_child(net_reads_nothing_of_ours), 0);
	assert_int_equal(in_child(net_changes_no_network), 0);
	assert_int_equal(in_child(net_has_a_network), 0);
	assert_int_equal(in_child(net_lies_about_names_at_most), 0);
	assert_int_equal(in_child(net_has_no_rights), 0);
	assert_int_equal(in_child(net_runs_a_program), -SIGSYS);
	assert_int_not_equal(access("/tmp/warren-net-was-here", F_OK), 0);
}

/* --- apply
 * ------------------------------------------------------------------------------------------ */

static int as_apply(void)
{
	struct err e = {0};

	if (confine_apply(dir, &e) < 0) {
		fprintf(stderr, "# %s\n", e.text);
		_exit(251);
	}
	return 0;
}

static int apply_keeps_files(void)
{
	AUTOFREE char *secret = in_dir("secret"), *sub = in_dir("sub");
	CLEANUP(buf_done) struct buf text = {0};

	as_apply();
	MUST(file_read(secret, 100, &text, NULL) == 0);
	MUST(file_write(secret, "new\n", 4, 0600, NULL) == 0);
	MUST(file_mkdirs(sub, 0700, NULL) == 0);
	MUST(rmdir(sub) == 0);
	return 0;
}

static int apply_has_network_rights_only(void)
{
	unsigned long long network =
		1ull << 12 /* NET_ADMIN */ | 1ull << 13 /* NET_RAW */ | 1ull << 10 /* BIND */;

	as_apply();
	MUST((status_of(getpid(), "CapPrm:") & ~network) == 0);
	MUST((status_of(getpid(), "CapBnd:") & ~network) == 0 || geteuid() != 0);
	MUST(status_of(getpid(), "NoNewPrivs:") == 1);
	MUST(status_of(getpid(), "Seccomp:") == 2);
	MUST(!refused(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)));
	MUST(refused(socket(AF_PACKET, SOCK_RAW, 0)));
	return 0;
}

static int apply_runs_a_program(void)
{
	char *const argv[] = {(char *)(uintptr_t) "true", NULL};

	as_apply();
	execv("/bin/true", argv);
	return 0;
}

static int apply_mounts(void)
{
	as_apply();
	syscall(165 /* mount */, "x", "/", "tmpfs", 0, NULL);
	return 0;
}

static void apply_is_confined(void **state)
{
	assert_int_equal(in_child(apply_keeps_files), 0);
	assert_int_equal(in_child(apply_has_network_rights_only), 0);
	assert_int_equal(in_child(apply_runs_a_program), -SIGSYS);
#ifdef __x86_64__
	assert_int_equal(in_child(apply_mounts), -SIGSYS);
#endif
}

/* --- spawn
 * ------------------------------------------------------------------------------------------ */

static const char *const env[] = {
	"LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1", "WG_TUN_FD=", "WG_UAPI_FD=", NULL};

static void knows_a_few_calls(void **state)
{
	const struct {
		enum spawn_verb verb;
		const char *argv[8];
		const char *const *env;
		bool fine;
	} calls[] = {
		{SPAWN_RUN, {"nft", "-f", "-"}, NULL, true},
		{SPAWN_START, {"engine", "-f", "warren0"}, env, true},
		{SPAWN_RUN, {"resolvectl", "dns", "warren0", "172.30.0.1"}, NULL, true},
		{SPAWN_RUN, {"resolvectl", "dns", "warren0", "172.30.0.1", "fd00::1"}, NULL, true},
		{SPAWN_RUN, {"resolvectl", "domain", "warren0", "~vpn.example"}, NULL, true},
		{SPAWN_RUN, {"resolvectl", "revert", "warren0"}, NULL, true},
		{SPAWN_RUN, {"resolvectl", "dns", "warren0"}, NULL, false},
		{SPAWN_RUN, {"resolvectl", "dns", "warren0", "172.30.0.1", "--help"}, NULL, false},
		{SPAWN_RUN, {"resolvectl", "revert", "--help"}, NULL, false},
		{SPAWN_RUN, {"resolvectl", "domain", "warren0", "~."}, NULL, false},
		{SPAWN_RUN, {"resolvectl", "domain", "warren0", "vpn.example"}, NULL, false},
		{SPAWN_RUN, {"nft", "-f", "/etc/passwd"}, NULL, false},
		{SPAWN_RUN, {"nft", "-f", "-", "-D", "x=y"}, NULL, false},
		{SPAWN_RUN, {"nft", "-f"}, NULL, false},
		{SPAWN_RUN, {"nft"}, NULL, false},
		{SPAWN_RUN, {NULL}, NULL, false},
		{SPAWN_RUN, {"/tmp/nft", "-f", "-"}, NULL, false},
		{SPAWN_RUN, {"sh", "-c", "id"}, NULL, false},
		{SPAWN_RUN, {"nft", "list", "ruleset"}, NULL, false},
		{SPAWN_START, {"nft", "-f", "-"}, NULL, false},
		{SPAWN_RUN, {"engine", "-f", "warren0"}, env, false},
		{SPAWN_START, {"other", "-f", "warren0"}, env, false},
		{SPAWN_START, {"engine", "-f", "../x"}, env, false},
		{SPAWN_START, {"engine", "-f", "--version"}, env, false},
		{SPAWN_START, {"engine", "-f", "a-name-that-is-too-long"}, env, false},
		{SPAWN_START, {"engine", "-f", "warren0"}, (const char *[]){"LD_PRELOAD=x", NULL},
			false},
		{SPAWN_START, {"engine", "-f", "warren0"},
			(const char *[]){"LOG_LEVEL=error", "WG_PROCESS_FOREGROUND=1",
				"WG_TUN_FD=", "WG_UAPI_FD=", "PATH=/tmp", NULL},
			false},
	};
	const struct spawn_options o = {.engine = "engine"};
	const char *const none[] = {NULL};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		struct err e = {0};
		int rc = spawn_check(&o, calls[i].verb, calls[i].argv,
			calls[i].env == NULL ? none : calls[i].env, &e);

		if (rc != (calls[i].fine ? 0 : ERR_DENIED))
			fail_msg("call %zu (%s): %d", i, calls[i].argv[0], rc);
	}
}

static int no_net(int fd)
{
	return 0;
}

/* In a child, as it is confined: programs by way of a real spawn process. */
static int programs_start_by_spawn(void)
{
	AUTOFREE char *script = in_dir("engine"), *log = in_dir("log");
	const struct spawn_options o = {.engine = script, .net = no_net};
	const char *const argv[] = {script, "-f", "warren0", NULL};
	const char *const other[] = {"id", NULL}, *const nft[] = {"nft", "-f", "-", NULL};
	struct processes p = {0};
	CLEANUP(buf_done) struct buf text = {0};
	struct err e = {0};
	pid_t pid = 0;
	int fd = -1;

	/* says what it has, and stays a while */
	MUST(file_write(script,
		     "#!/bin/sh\necho \"$@\" $LOG_LEVEL\ngrep ^Cap /proc/self/status\necho end\n"
		     "exec sleep 60\n",
		     strlen("#!/bin/sh\necho \"$@\" $LOG_LEVEL\ngrep ^Cap /proc/self/status\necho "
			    "end\nexec sleep 60\n"),
		     0700, &e) == 0);
	MUST(processes_start(&p, &o, dir, &e) == 0);
	MUST(proc_run(other, NULL, 0, NULL, NULL, 5000, &e) == ERR_DENIED);
	MUST(proc_spawn_detached(other, env, log, &pid, &e) == ERR_DENIED);
	/* nft itself says what it thinks of this; where it is not installed, so does spawn */
	e = (struct err){0};
	MUST(proc_run(nft, "nonsense\n", 9, NULL, NULL, 30000, &e) < 0);
	MUST(e.code == ERR_UNSUPPORTED || strstr(e.text, "nft ended with status 1") != NULL);
	MUST(proc_spawn_detached(argv, env, log, &pid, &e) == 0);
	MUST(pid > 0);
	while (text.len == 0 || strstr(text.data, "end\n") == NULL) { /* alarm() is the limit */
		usleep(10 * 1000);
		buf_reset(&text);
		MUST(file_read(log, 100000, &text, &e) == 0);
	}
	MUST(strncmp(text.data, "-f warren0 error\n", 17) == 0);
	MUST(geteuid() != 0 || strstr(text.data, "CapPrm:\t0000000000003400\n") != NULL);
	MUST(geteuid() != 0 || strstr(text.data, "CapBnd:\t0000000000003400\n") != NULL);
	MUST(processes_start_net(&p, &fd, &e) == 0);
	{
		char c;

		MUST(recv(fd, &c, 1, 0) == 0); /* it has ended at once */
	}
	close(fd);
	processes_stop(&p);
	MUST(kill(pid, 0) == 0); /* outlives spawn */
	kill(pid, SIGKILL);
	return 0;
}

static void spawn_starts_what_it_knows(void **state)
{
	assert_int_equal(in_child(programs_start_by_spawn), 0);
}

/* Does a child come up with these flags of clone, as programs of spawn are confined? */
static bool clones(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid > 0;
}

static int programs_stay_in_our_namespaces(void)
{
	struct clone_args user = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	struct err e = {0};
	long pid;

	MUST(confine_spawn(&e) == 0);
	MUST(clones(0));
	MUST(!clones(CLONE_NEWUSER));
	MUST(errno == EPERM);
	MUST(!clones(CLONE_NEWUSER | CLONE_NEWNET));
	MUST(!clones(CLONE_NEWPID));
	pid = syscall(SYS_clone3, &user, sizeof(user));
	if (pid == 0)
		_exit(0);
	MUST(pid < 0 && errno == ENOSYS);
	MUST(unshare(CLONE_NEWUSER) < 0);
	return 0;
}

static void no_program_makes_namespaces(void **state)
{
	assert_int_equal(in_child(programs_stay_in_our_namespaces), 0);
}

/* One descriptor more than a request has: none is kept, none is written past the others. */
static int too_many_descriptors(void)
{
	const struct spawn_options o = {.engine = "engine", .net = no_net};
	struct spawn_request rq = {.verb = SPAWN_RUN};
	struct spawn_reply r;
	union {
		char bytes[CMSG_SPACE(sizeof(int) * (SPAWN_FDS_MAX + 1))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec part = {&rq, offsetof(struct spawn_request, text)};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int ends[2], pipes[2], fds[SPAWN_FDS_MAX + 1];
	pid_t pid;
	char byte;

	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	MUST(pipe(pipes) == 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		close(pipes[1]);
		spawn_serve(ends[1], &o);
		_exit(0);
	}
	close(ends[1]);
	for (size_t i = 0; i <= SPAWN_FDS_MAX; i++)
		fds[i] = pipes[1];
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	MUST(sendmsg(ends[0], &m, 0) > 0);
	MUST(recv(ends[0], &r, sizeof(r), 0) == sizeof(r));
	MUST(r.code == ERR_INVALID && strstr(r.text, "too many descriptors") != NULL);
	close(pipes[1]);
	MUST(read(pipes[0], &byte, 1) == 0); /* all of them are closed */
	close(ends[0]);
	MUST(waitpid(pid, NULL, 0) == pid);
	return 0;
}

static void spawn_takes_no_more_than_it_has_room_for(void **state)
{
	assert_int_equal(in_child(too_many_descriptors), 0);
}

static int spawn_dies(void)
{
	const struct spawn_options o = {.engine = "engine", .net = no_net};
	const char *const nft[] = {"nft", "-f", "-", NULL};
	struct processes p = {0};
	struct err e = {0};

	MUST(processes_start(&p, &o, dir, &e) == 0);
	kill(p.spawn, SIGKILL);
	MUST(proc_run(nft, "x", 1, NULL, NULL, 5000, &e) == ERR_UNAVAILABLE);
	MUST(strstr(e.text, "spawn") != NULL);
	MUST(proc_run(nft, "x", 1, NULL, NULL, 5000, &e) == ERR_UNAVAILABLE);
	processes_stop(&p);
	return 0;
}

static void a_lost_spawn_is_an_error(void **state)
{
	assert_int_equal(in_child(spawn_dies), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(net_is_confined),
		T(apply_is_confined),
		T(knows_a_few_calls),
		T(spawn_starts_what_it_knows),
		T(a_lost_spawn_is_an_error),
		T(no_program_makes_namespaces),
		T(spawn_takes_no_more_than_it_has_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
