/* DOC: see lab.h. */
#include "lab.h"

#include "base/mem.h"
#include "base/proc.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGS_MAX 24

static void die(const char *what)
{
	perror(what);
	abort();
}

const char *lab_missing(const char *program)
{
	const char *const argv[] = {program, "-V", NULL};
	int was;

	if (geteuid() != 0)
		return "needs root";
	if (program != NULL && proc_run(argv, NULL, 0, NULL, NULL, 10000, NULL) < 0)
		return program;
	was = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (was < 0 || unshare(CLONE_NEWNET) < 0)
		return "network namespaces are not allowed here";
	lab_enter(was);
	close(was);
	return NULL;
}

int lab_new(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		die("unshare");
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("open namespace");
	lab_ip("link set lo up");
	return fd;
}

void lab_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		die("setns");
}

void lab_ip(const char *words)
{
	AUTOFREE char *copy = mem_strdup(words);
	const char *argv[ARGS_MAX] = {"ip"};
	struct err e = {0};
	size_t n = 1;
	char *rest = copy;

	for (char *w; (w = strsep(&rest, " ")) != NULL && n < ARGS_MAX - 1;)
		argv[n++] = w;
	if (proc_run(argv, NULL, 0, NULL, NULL, 10000, &e) < 0) {
		fprintf(stderr, "ip %s: %s\n", words, e.text);
		abort();
	}
}

/* ip wants a process to name a namespace: a child that stays in it meanwhile. */
void lab_veth(int a, const char *name_a, int b, const char *name_b)
{
	int ends[2];
	char c;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		die("pipe");
	lab_enter(b);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1) < 0);
	}
	lab_enter(a);
	AUTOFREE char *add =
		mem_printf("link add %s type veth peer name %s netns %d", name_a, name_b, (int)pid);
	AUTOFREE char *up = mem_printf("link set %s up", name_a);
	AUTOFREE char *peer_up = mem_printf("link set %s up", name_b);

	lab_ip(add);
	lab_ip(up);
	lab_enter(b);
	lab_ip(peer_up);
	close(ends[0]);
	close(ends[1]); /* the child ends; it is reaped with us */
}
