/* DOC: see sole.h. */
#include "agent/sole.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUN_DIR "/var/run/wireguard"
#define TRIES 20
#define PAUSE (100 * 1000 * 1000) /* nanoseconds */

/* The file at path is still the one that is open. */
static bool still_there(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
		ours.st_dev == named.st_dev;
}

/* 1: it is ours. 0: somebody has it. -1: there cannot be one; errno says why. */
static int try(struct sole *s)
{
	char pid[16];
	int n;

	s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return -1;
	if (flock(s->fd, LOCK_EX | LOCK_NB) < 0 || !still_there(s->fd, s->path)) {
		close(s->fd);
		return 0;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(s->fd, 0) < 0 || write(s->fd, pid, (size_t)n) != n)
		log_debug("who has the mark is not written", LOG_KV_INT("errno", errno));
	return 1;
}

static int holder(const char *path)
{
	FILE *f = fopen(path, "re");
	int pid = 0;

	if (f != NULL && fscanf(f, "%9d", &pid) != 1)
		pid = 0;
	if (f != NULL)
		fclose(f);
	return pid;
}

int sole_take(struct sole *s, const char *run_dir, struct err *e)
{
	const struct timespec pause = {.tv_nsec = PAUSE};
	struct stat ns = {0};
	int pid;

	if (run_dir == NULL)
		run_dir = RUN_DIR;
	if (stat("/proc/self/ns/net", &ns) < 0)
		return 0;
	mkdir(run_dir, 0755);
	s->path = mem_printf("%s/warren-agent.%ju", run_dir, (uintmax_t)ns.st_ino);
	/* one that is just ending, or a child of it, has it for a moment more */
	for (int i = 0; i < TRIES; i++) {
		int r = try(s);

		if (r > 0)
			return 0;
		if (r < 0) {
			log_debug("this machine is not marked as an agent's",
				LOG_KV_STR("file", s->path), LOG_KV_INT("errno", errno));
			mem_free(s->path);
			s->path = NULL;
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	pid = holder(s->path);
	mem_free(s->path);
	s->path = NULL;
	return err_set(e, ERR_EXISTS,
		"another agent (process %d) runs on this machine, with a folder of its own; a "
		"machine is one node: stop that one first",
		pid);
}

void sole_done(struct sole *s)
{
	if (s->path == NULL)
		return;
	unlink(s->path);
	close(s->fd);
	mem_free(s->path);
	*s = (struct sole){0};
}
