/* DOC: who holds a port, by way of /proc; see net.h. */
#include "net/net.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TCP_LISTEN 0x0a
#define LOCAL_LEN 33  /* 16 bytes in hex */
#define INODES_MAX 16 /* sockets of one port: addresses, families, SO_REUSEPORT */

struct inodes {
	uint64_t v[INODES_MAX];
	size_t n;
};

/* An address as /proc/net writes it: words of the machine's own byte order, in hex. */
static void local_text(struct addr a, char ret[static LOCAL_LEN])
{
	uint32_t words[4];

	ret[0] = '\0';
	if (!addr_is_set(a))
		return;
	addr_to_bytes(a, (uint8_t *)words);
	for (size_t i = 0; i < addr_width(a) / 32u; i++)
		snprintf(ret + 8 * i, LOCAL_LEN - 8 * i, "%08X", words[i]);
}

/* Lines of /proc/net: "sl: ADDRESS:PORT REMOTE STATE queues timer retransmits uid timeout INODE".
 */
static void add_inodes(
	const char *path, uint16_t port, bool tcp, const char *local, struct inodes *ret)
{
	FILE *f = fopen(path, "re");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		unsigned got_port, state;
		char got_local[LOCAL_LEN];
		uint64_t inode;

		if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*u %*u %" SCNu64,
			    got_local, &got_port, &state, &inode) != 4)
			continue;
		/* a wildcard holds every address */
		if (local[0] != '\0' && strcmp(got_local, local) != 0 &&
			got_local[strspn(got_local, "0")] != '\0')
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

static int (*ask_other)(void *arg, bool stream, uint16_t port, struct addr at, struct buf *ret);
static void *ask_arg;

void net_ask_port_holder(
	int (*ask)(void *arg, bool stream, uint16_t port, struct addr at, struct buf *ret),
	void *arg)
{
	ask_other = ask;
	ask_arg = arg;
}

int net_port_holder(bool stream, uint16_t port, struct addr at, struct buf *ret)
{
	static const char *const tables[][2] = {
		{"/proc/net/udp", "/proc/net/udp6"}, {"/proc/net/tcp", "/proc/net/tcp6"}};
	char local[LOCAL_LEN];
	struct inodes inodes = {0};
	DIR *proc;
	int r = ERR_NOT_FOUND;

	if (ask_other != NULL)
		return ask_other(ask_arg, stream, port, at, ret);
	local_text(at, local);
	for (size_t i = 0; i < ARRAY_LEN(tables[stream]); i++)
		add_inodes(tables[stream][i], port, stream, local, &inodes);
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
