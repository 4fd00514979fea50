/* DOC: kill -9 at random moments: a child creates and tells each acknowledgement over a pipe. */
#include "fixture.h"

#include "base/rand.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 20
#define THREADS 4
#define ACKS_MAX 60 /* after which a child is killed, at the latest */
/* Devices of one child: the last child finds addresses, too. */
#define EACH (WORLD_POOL / ROUNDS)
_Static_assert(EACH >= ACKS_MAX + THREADS, "a child that is to be killed has enough to do");

static atomic_int begun; /* devices of this child */

struct worker {
	struct store *store;
	int round, number, fd;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; atomic_fetch_add(&begun, 1) < EACH; i++) {
		struct create c = create_named("r%d-t%d-%d", w->round, w->number, i);
		int result = store_write_wait(w->store, create_device, &c, NULL);

		strcat(c.name, "\n");
		if (result < 0 || write(w->fd, c.name, strlen(c.name)) < 0)
			_exit(3);
		create_done(&c);
	}
	return NULL; /* the end was slow to come: it finds nobody at work */
}

__attribute__((noreturn)) static void child(const char *path, int round, int fd)
{
	static struct worker workers[THREADS];
	struct store *s = NULL;
	pthread_t t;

	if (store_open(&store_sqlite, path, &clock_real, &s, NULL) < 0)
		_exit(2);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){s, round, i, fd};
		if (pthread_create(&t, NULL, work, &workers[i]) != 0)
			_exit(4);
	}
	for (;;)
		pause();
}

/* Kill the child after so many acknowledgements; then read what it had still said. */
static void one_round(const char *path, int round, uint64_t after, struct strs *acked)
{
	int fds[2], status;
	pid_t pid;
	FILE *in;
	char *line = NULL;
	size_t cap = 0, seen = 0;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		child(path, round, fds[1]);
	}
	close(fds[1]);
	in = fdopen(fds[0], "r");
	while (getline(&line, &cap, in) > 0) {
		char *end = strchr(line, '\n');

		if (end == NULL)
			break; /* cut in the middle: not said */
		*end = '\0';
		strs_push(acked, line);
		if (++seen == after)
			kill(pid, SIGKILL);
	}
	free(line);
	fclose(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(seen >= after);
}

static void test_kill(void **state)
{
	struct place place;
	struct store *s = NULL;
	struct strs acked = {0};
	struct rand r = {42};
	size_t n = 0;

	place_make(&place);
	assert_int_equal(store_open(&store_sqlite, place.path, &clock_real, &s, NULL), 0);
	world_make(s);
	store_close(s);
	for (int round = 0; round < ROUNDS; round++) {
		one_round(place.path, round, 1 + rand_below(&r, ACKS_MAX), &acked);
		n = judge(place.path, &acked);
		assert_true(n >= acked.n);
	}
	printf("# %zu devices, %zu acknowledged\n", n, acked.n);
	strs_done(&acked);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
