/*
 * DOC: our block in /etc/hosts. Everything outside it stays byte for byte, also a last line
 * without newline: then the block begins with the newline that was missing and ends without one,
 * so that taking the block out gives the file back exactly.
 */
#include "net/net.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)16 << 20)
#define BEGIN "# BEGIN warren"
#define END "# END warren"

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

struct line {
	size_t start, next; /* next = start of the line after it */
	size_t len;         /* without newline */
};

static int line_at(const struct buf *b, size_t at, struct line *ret)
{
	const char *newline;

	if (at >= b->len)
		return 0;
	newline = memchr(b->data + at, '\n', b->len - at);
	ret->start = at;
	ret->len = newline ? (size_t)(newline - b->data) - at : b->len - at;
	ret->next = newline ? at + ret->len + 1 : b->len;
	return 1;
}

static int line_is(const struct buf *b, const struct line *l, const char *text)
{
	return l->len == strlen(text) && memcmp(b->data + l->start, text, l->len) == 0;
}

/* The first whole block from `at`. A BEGIN without END ends nothing: what follows is not ours
 * for sure, so it stays. */
static int block_find(const struct buf *b, size_t at, size_t *ret_start, size_t *ret_next)
{
	size_t start = SIZE_MAX;
	struct line l;

	for (; line_at(b, at, &l); at = l.next) {
		if (line_is(b, &l, BEGIN))
			start = l.start;
		else if (line_is(b, &l, END) && start != SIZE_MAX) {
			*ret_start = start;
			*ret_next = l.next;
			return 1;
		}
	}
	return 0;
}

/* What others wrote, with *ret_at telling where the (first) block was; its end when none. */
static void without_blocks(const struct buf *in, struct buf *out, size_t *ret_at)
{
	size_t at = 0, start, next, place = SIZE_MAX;

	while (block_find(in, at, &start, &next)) {
		buf_add(out, in->data + at, start - at);
		/* Our own newline before a block that ends the file without one. */
		if (next == in->len && in->data[next - 1] != '\n' && start > at)
			out->data[--out->len] = '\0';
		if (place == SIZE_MAX)
			place = out->len;
		at = next;
	}
	if (in->len > at)
		buf_add(out, in->data + at, in->len - at);
	*ret_at = place == SIZE_MAX ? out->len : place;
}

/* Names come from the control plane: only what a host name may have gets into the file. */
static int name_is_plain(const char *name)
{
	size_t n = name == NULL ? 0 : strlen(name);

	return n > 0 && n < 254 &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		n;
}

static void add_entry(struct buf *out, struct addr a, const char *name)
{
	char text[ADDR_TEXT_LEN];

	if (addr_is_set(a))
		buf_addf(out, "%s\t%s\n", addr_format(a, text), name);
}

static void entries(const struct item_vec *hosts, struct buf *out)
{
	VEC_FOREACH (i, hosts) {
		const struct host_item *h = &(*i)->host;

		if ((*i)->kind != ITEM_HOST || !name_is_plain(h->name))
			continue;
		add_entry(out, h->addr, h->name);
		add_entry(out, h->addr6, h->name);
	}
}

static void compose(const struct buf *old, const struct buf *lines, struct buf *out)
{
	CLEANUP(buf_done) struct buf rest = {0};
	size_t at;
	bool bare;

	without_blocks(old, &rest, &at);
	if (lines->len == 0) {
		buf_add(out, rest.data, rest.len);
		return;
	}
	bare = at == rest.len && at > 0 && rest.data[at - 1] != '\n';
	buf_add(out, rest.data, at);
	buf_addf(out, "%s" BEGIN "\n", bare ? "\n" : "");
	buf_add(out, lines->data, lines->len);
	buf_addf(out, END "%s", bare ? "" : "\n");
	buf_add(out, rest.data + at, rest.len - at);
}

/* Containers mount single files, which cannot be renamed over: those are rewritten in place. */
static int is_mount(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, 0, STATX_MODE, &st) == 0 &&
		(st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int write_in_place(const char *path, const struct buf *b, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t at = 0;

	while (fd >= 0 && at < b->len) {
		ssize_t n = pwrite(fd, b->data + at, b->len - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		at += (size_t)n;
	}
	if (fd < 0 || at < b->len || ftruncate(fd, (off_t)b->len) < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "cannot write %s", path);
	return 0;
}

int net_hosts_write(const char *path, const struct item_vec *hosts, struct err *e)
{
	CLEANUP(buf_done) struct buf old = {0};
	CLEANUP(buf_done) struct buf lines = {0};
	CLEANUP(buf_done) struct buf new = {0};
	AUTOFREE char *real = realpath(path, NULL); /* a link stays a link */
	struct stat st = {.st_mode = 0644};
	int r;

	if (real == NULL && errno != ENOENT)
		return err_errno(e, errno, "cannot find %s", path);
	r = real == NULL ? 0 : file_read(real, FILE_LIMIT, &old, e);
	if (r < 0)
		return r;
	entries(hosts, &lines);
	compose(&old, &lines, &new);
	if (new.len == old.len && (new.len == 0 || memcmp(new.data, old.data, new.len) == 0))
		return 0;
	if (real != NULL && stat(real, &st) < 0)
		return err_errno(e, errno, "cannot look at %s", path);
	if (real != NULL && is_mount(real))
		return write_in_place(real, &new, e);
	return file_write(real ? real : path, new.data, new.len, st.st_mode & 07777, e);
}
