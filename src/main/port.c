/* DOC: busy ports and their holders, by way of /proc; see port.h. */
#include "main/port.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/listen.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENGINE "wireguard-go"
#define TCP_LISTEN 0x0a
#define INODES_MAX 16 /* sockets of one port: addresses, families, SO_REUSEPORT */

struct inodes {
	uint64_t v[INODES_MAX];
	size_t n;
};

/* Lines of /proc/net: "sl: ADDRESS:PORT REMOTE STATE queues timer retransmits uid timeout INODE".
 */
static void add_inodes(const char *path, uint16_t port, bool tcp, struct inodes *ret)
{
	FILE *f = fopen(path, "re");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		unsigned got_port, state;
		uint64_t inode;

		if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*u %" SCNu64,
			    &got_port, &state, &inode) != 3)
			continue;
		if (got_port == port && (!tcp || state == TCP_LISTEN) && inode != 0 &&
			ret->n < INODES_MAX)
			ret->v[ret->n++] = inode;
	}
	if (f != NULL)
		fclose(f);
}

static bool holds(const char *fd_path, const struct inodes *inodes)
{
	char link[64];
	ssize_t n = readlink(fd_path, link, sizeof(link) - 1);
	uint64_t inode;

	if (n <= 0)
		return false;
	link[n] = '\0';
	if (sscanf(link, "socket:[%" SCNu64 "]", &inode) != 1)
		return false;
	for (size_t i = 0; i < inodes->n; i++)
		if (inodes->v[i] == inode)
			return true;
	return false;
}

static bool process_holds(const char *pid, const struct inodes *inodes)
{
	AUTOFREE char *dir_path = mem_printf("/proc/%s/fd", pid);
	DIR *dir = opendir(dir_path);
	bool found = false;

	for (struct dirent *d; dir != NULL && !found && (d = readdir(dir)) != NULL;) {
		AUTOFREE char *path = mem_printf("%s/%s", dir_path, d->d_name);

		found = holds(path, inodes);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* The name of a process is whatever it chose: only plain characters are shown. */
static void add_name(const char *pid, struct buf *ret)
{
	AUTOFREE char *path = mem_printf("/proc/%s/comm", pid);
	FILE *f = fopen(path, "re");
	char name[64] = "";

	if (f != NULL && fgets(name, sizeof(name), f) == NULL)
		name[0] = '\0';
	if (f != NULL)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
	for (char *c = name; *c != '\0'; c++)
		if (!isascii(*c) || !isprint(*c))
			*c = '?';
	buf_addf(ret, "%s (process %s)", name[0] ? name : "?", pid);
}

int port_holder(enum port_kind kind, uint16_t port, struct buf *ret)
{
	static const char *const tables[][2] = {
		[PORT_TCP] = {"/proc/net/tcp", "/proc/net/tcp6"},
		[PORT_UDP] = {"/proc/net/udp", "/proc/net/udp6"},
	};
	struct inodes inodes = {0};
	DIR *proc;
	int r = ERR_NOT_FOUND;

	for (size_t i = 0; i < ARRAY_LEN(tables[kind]); i++)
		add_inodes(tables[kind][i], port, kind == PORT_TCP, &inodes);
	if (inodes.n == 0)
		return r;
	proc = opendir("/proc");
	for (struct dirent *d; proc != NULL && r < 0 && (d = readdir(proc)) != NULL;) {
		if (!isdigit((unsigned char)d->d_name[0]) || !process_holds(d->d_name, &inodes))
			continue;
		add_name(d->d_name, ret);
		r = 0;
	}
	if (proc != NULL)
		closedir(proc);
	return r;
}

int port_check_listen(const char *where, const char *flag, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	struct http_listener l = {.fd = -1};
	const char *colon = strrchr(where, ':');
	struct err why = {0};
	uint64_t port = 0;
	int r;

	if (text_starts(where, "unix:"))
		return 0;
	r = http_listen(where, &l, &why);
	if (r == 0) {
		http_listener_done(&l);
		return 0;
	}
	if (r != ERR_SYSTEM)
		return err_field(e, why.code, flag, "%s", why.text);
	if (colon != NULL)
		text_u64(colon + 1, UINT16_MAX, &port);
	if (port != 0 && port_holder(PORT_TCP, (uint16_t)port, &holder) == 0)
		return err_set(e, ERR_SYSTEM,
			"%s; %s holds it: stop that, or choose another address with --%s", why.text,
			buf_str(&holder), flag);
	return err_set(e, ERR_SYSTEM, "%s; choose another address with --%s", why.text, flag);
}

/* 0 when the family has the port free, or this machine lacks the family. */
static int try_udp(int family, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, r;

	if (fd < 0)
		return 0;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	r = family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
			      : bind(fd, (struct sockaddr *)&v6, sizeof(v6));
	r = r < 0 && errno == EADDRINUSE ? -errno : 0;
	close(fd);
	return r;
}

int port_check_udp(uint16_t port, bool ours, struct err *e)
{
	CLEANUP(buf_done) struct buf holder = {0};
	bool seen;

	if (try_udp(AF_INET, port) == 0 && try_udp(AF_INET6, port) == 0)
		return 0;
	seen = port_holder(PORT_UDP, port, &holder) == 0;
	if (ours && (!seen || text_starts(buf_str(&holder), ENGINE " ")))
		return 0;
	return err_set(e, ERR_SYSTEM,
		"UDP port %u, where clients shall reach this gateway, is in use; %s holds it: "
		"stop that, or choose another with --port",
		port, seen ? buf_str(&holder) : "the kernel or a process out of sight");
}
