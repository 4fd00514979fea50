/* DOC: see lab.h. */
#include "lab.h"

#include "base/mem.h"
#include "base/proc.h"

#include <arpa/inet.h>
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

void lab_street(int *router, int *peer, int *lan)
{
	*router = lab_new();
	*peer = lab_new();
	*lan = lab_new();
	lab_veth(*router, "warren0", *peer, "p0");
	lab_veth(*router, "lan0", *lan, "l0");
	lab_enter(*peer);
	lab_ip("address add 172.30.0.2/16 dev p0");
	lab_ip("-6 address add fd00:30::2/64 dev p0 nodad");
	lab_ip("route add default via 172.30.0.1");
	lab_ip("-6 route add default via fd00:30::1");
	lab_enter(*lan);
	lab_ip("address add 192.0.2.2/24 dev l0");
	lab_ip("-6 address add 2001:db8::2/64 dev l0 nodad");
	lab_ip("route add default via 192.0.2.1");
	lab_ip("-6 route add default via 2001:db8::1");
	lab_enter(*router);
	lab_ip("address add 172.30.0.1/16 dev warren0");
	lab_ip("-6 address add fd00:30::1/64 dev warren0 nodad");
	lab_ip("address add 192.0.2.1/24 dev lan0");
	lab_ip("-6 address add 2001:db8::1/64 dev lan0 nodad");
}

socklen_t lab_sockaddr(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
		die(text);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	return sizeof(*six);
}
