/* DOC: child programs: what goes in and out, how failure reads, deadlines, and detachment. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <poll.h>
#include <unistd.h>
#include <cmocka.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LONG 20000 /* ms; far above what any of these needs */

static void output_and_input(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	CLEANUP(buf_done) struct buf errout = {0};
	struct err e = {0};

	assert_int_equal(proc_run(ARGV("cat"), "a\0b", 3, &out, &errout, LONG, &e), 0);
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.data, "a\0b", 3);
	assert_int_equal(errout.len, 0);
	buf_reset(&out);
	/* programs that open their standard input by name */
	assert_int_equal(proc_run(ARGV("cat", "/dev/stdin"), "xyz", 3, &out, NULL, LONG, &e), 0);
	assert_string_equal(buf_str(&out), "xyz");
	buf_reset(&out);
	assert_int_equal(proc_run(ARGV("cat"), NULL, 0, &out, NULL, LONG, &e), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(proc_run(ARGV("cat"), "unread", 6, NULL, NULL, LONG, &e), 0);
}

static void nobody_reads_the_input(void **state)
{
	AUTOFREE char *big = mem_zalloc((size_t)4 << 20);

	assert_int_equal(proc_run(ARGV("true"), big, (size_t)4 << 20, NULL, NULL, LONG, NULL), 0);
}

static void output_is_cut(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct err e = {0};

	assert_int_equal(proc_run(ARGV("head", "-c", "20000000", "/dev/zero"), NULL, 0, &out, NULL,
				 LONG, &e),
		0);
	assert_int_equal(out.len, 16 << 20);
}

static void failure_names_the_cause(void **state)
{
	CLEANUP(buf_done) struct buf errout = {0};
	struct err e = {0};

	buf_adds(&errout, "earlier\n");
	assert_int_equal(proc_run(ARGV("sh", "-c", "echo 'bad\tthing' >&2; echo more >&2; exit 3"),
				 NULL, 0, NULL, &errout, LONG, &e),
		ERR_SYSTEM);
	assert_string_equal(e.text, "sh ended with status 3: bad?thing");
	assert_string_equal(buf_str(&errout), "earlier\nbad\tthing\nmore\n");
	assert_int_equal(proc_run(ARGV("sh", "-c", "kill -9 $$"), NULL, 0, NULL, NULL, LONG, &e),
		ERR_SYSTEM);
	assert_string_equal(e.text, "sh was ended by signal 9");
	assert_int_equal(proc_run(ARGV("warren-no-such-program"), NULL, 0, NULL, NULL, LONG, &e),
		ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "warren-no-such-program"));
}

static void deadline_ends_it_and_its_children(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct err e = {0};
	msec start = clock_mono(&clock_real);

	/* long enough for a shell to come up and speak on a busy machine */
	assert_int_equal(proc_run(ARGV("sh", "-c", "echo begun; sleep 60 & sleep 60"), NULL, 0,
				 &out, NULL, 2000, &e),
		ERR_TIMEOUT);
	assert_true(clock_mono(&clock_real) - start < 50000);
	assert_string_equal(buf_str(&out), "begun\n");
	/* endless output does not hide the deadline */
	assert_int_equal(
		proc_run(ARGV("cat", "/dev/zero"), NULL, 0, NULL, NULL, 100, &e), ERR_TIMEOUT);
}

static void grandchild_with_our_pipe_does_not_hold_us(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	msec start = clock_mono(&clock_real);

	assert_int_equal(
		proc_run(ARGV("sh", "-c", "sleep 30 & echo done"), NULL, 0, &out, NULL, LONG, NULL),
		0);
	assert_true(clock_mono(&clock_real) - start < LONG);
	assert_string_equal(buf_str(&out), "done\n");
}

static void signals_are_fresh(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	sigset_t set, was;

	/* Bits 31 and 32 are libc's own two signals, which posix_spawn ignores for the child. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &was);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(proc_run(ARGV("sh", "-c",
					  "grep -E 'SigBlk|SigIgn' /proc/self/status | "
					  "grep -v '[08]0000000$'; true"),
				 NULL, 0, &out, NULL, LONG, NULL),
		0);
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	assert_string_equal(buf_str(&out), "");
}

static void detached_lives_in_its_own_session(void **state)
{
	char log[] = "/tmp/test_proc.XXXXXX";
	CLEANUP(buf_done) struct buf text = {0};
	struct err e = {0};
	pid_t pid = 0, other;
	struct pollfd p;

	close(mkstemp(log));
	setenv("WARREN_TEST_A", "old", 1);
	setenv("WARREN_TEST_B", "kept", 1);
	assert_int_equal(
		proc_spawn_detached(
			ARGV("sh", "-c", "echo $WARREN_TEST_A $WARREN_TEST_B $PWD; exec sleep 60"),
			ARGV("WARREN_TEST_A=new"), log, &pid, &e),
		0);
	assert_int_not_equal(getsid(pid), getsid(0));
	assert_int_not_equal(getpgid(pid), getpgid(0));
	p = (struct pollfd){.fd = pidfd_open(pid, 0), .events = POLLIN};
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0); /* alive */
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(poll(&p, 1, LONG), 1); /* and it is not ours to reap */
	close(p.fd);
	/* a second one appends; wait for its end to read a finished log */
	assert_int_equal(proc_spawn_detached(ARGV("echo", "second"), NULL, log, &other, &e), 0);
	for (p = (struct pollfd){.fd = pidfd_open(other, 0), .events = POLLIN}; p.fd >= 0;
		p.fd = -1) {
		poll(&p, 1, LONG);
		close(p.fd);
	}
	assert_int_equal(file_read(log, 1000, &text, &e), 0);
	assert_non_null(strstr(buf_str(&text), "second\n"));
	unlink(log);
}

static void detached_failure_is_typed(void **state)
{
	struct err e = {0};
	pid_t pid = 77;

	assert_int_equal(proc_spawn_detached(ARGV("warren-no-such-program"), NULL, NULL, &pid, &e),
		ERR_UNSUPPORTED);
	assert_int_equal(proc_spawn_detached(ARGV("true"), NULL, "/no/such/folder/log", &pid, &e),
		ERR_SYSTEM);
	assert_int_equal(pid, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_input),
		cmocka_unit_test(nobody_reads_the_input),
		cmocka_unit_test(output_is_cut),
		cmocka_unit_test(failure_names_the_cause),
		cmocka_unit_test(deadline_ends_it_and_its_children),
		cmocka_unit_test(grandchild_with_our_pipe_does_not_hold_us),
		cmocka_unit_test(signals_are_fresh),
		cmocka_unit_test(detached_lives_in_its_own_session),
		cmocka_unit_test(detached_failure_is_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
