/* DOC: bounded reads and crash-safe writes; see file.h. */
#include "base/file.h"

#include "base/mem.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_MARK ".~" /* nobody else's names end in it and six characters */
#define TEMP_TAIL 8    /* bytes of all of it */

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int open_to_read(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int code = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;

	if (fd >= 0)
		return fd;
	err_errno(e, errno, "cannot open %s", path);
	if (e != NULL)
		e->code = code;
	return code;
}

static int read_all(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
	size_t total = 0;

	for (;;) {
		char *at = buf_room(out, 65536);
		ssize_t n = read(fd, at, 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, errno, "cannot read %s", path);
		if (n == 0)
			break;
		total += (size_t)n;
		if (total > max)
			return err_set(e, ERR_INVALID, "%s is larger than %zu bytes", path, max);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
	return 0;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	CLEANUP(closep) int fd = open_to_read(path, e);

	return fd < 0 ? fd : read_all(fd, path, max, out, e);
}

/* By number: a name would be looked up where a confined process cannot. */
static int check_owner(const struct stat *st, const char *path, struct err *e)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	return err_set(e, ERR_DENIED,
		"%s belongs to user %u, not to root or the user %u who runs this: chown it, if "
		"what it holds can be trusted",
		path, (unsigned)st->st_uid, (unsigned)geteuid());
}

int file_read_private(const char *path, size_t max, struct buf *out, struct err *e)
{
	CLEANUP(closep) int fd = open_to_read(path, e);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot look at %s", path);
	r = check_owner(&st, path, e);
	if (r == 0 && (st.st_mode & 077) != 0)
		r = err_set(e, ERR_DENIED,
			"%s can be read by others (mode %04o): make it 0600, and change the key if "
			"anybody else had it",
			path, (unsigned)(st.st_mode & 07777));
	return r < 0 ? r : read_all(fd, path, max, out, e);
}

static int sync_dir_of(const char *path, struct err *e)
{
	AUTOFREE char *dir = mem_strdup(path);
	char *slash = strrchr(dir, '/');
	const char *name = slash == NULL ? "." : slash == dir ? "/" : dir;
	CLEANUP(closep) int fd = -1;

	if (slash != NULL && slash != dir)
		*slash = '\0';
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(e, errno, "cannot sync the folder of %s", path);
	return 0;
}

static int write_all(int fd, const char *at, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int file_write(const char *path, const void *data, size_t n, mode_t mode, struct err *e)
{
	AUTOFREE char *temp = mem_printf("%s" TEMP_MARK "XXXXXX", path);
	CLEANUP(closep) int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "cannot create %s", temp);
	if (fchmod(fd, mode) < 0 || write_all(fd, data, n) < 0 || fsync(fd) < 0 ||
		rename(temp, path) < 0) {
		err_errno(e, errno, "cannot write %s", path);
		unlink(temp);
		return ERR_SYSTEM;
	}
	return sync_dir_of(path, e);
}

bool file_is_outlet(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int file_write_out(const char *path, const void *data, size_t n, mode_t mode, struct err *e)
{
	CLEANUP(closep) int fd = -1;

	if (!file_is_outlet(path))
		return file_write(path, data, n, mode, e);
	/* O_CREAT: so the kernel refuses pipes that others left in a folder everybody writes to */
	fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, mode);
	if (fd < 0 || write_all(fd, data, n) < 0)
		return err_errno(e, errno, "cannot write %s", path);
	return 0;
}

static bool is_temp(int dir, const char *name)
{
	size_t n = strlen(name);
	const char *tail = n > TEMP_TAIL ? name + n - TEMP_TAIL : "";
	struct stat st;

	if (strncmp(tail, TEMP_MARK, strlen(TEMP_MARK)) != 0)
		return false;
	for (tail += strlen(TEMP_MARK); *tail != '\0'; tail++)
		if (!isalnum((unsigned char)*tail))
			return false;
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_uid == geteuid();
}

int file_sweep(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *f;
	int r = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_errno(e, errno, "cannot read %s", dir);
	while (r == 0 && (f = readdir(d)) != NULL)
		if (is_temp(dirfd(d), f->d_name) && unlinkat(dirfd(d), f->d_name, 0) < 0)
			r = err_errno(e, errno, "cannot remove %s/%s", dir, f->d_name);
	closedir(d);
	return r;
}

int file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	AUTOFREE char *p = mem_strdup(path);
	struct stat st;

	for (char *at = p + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(p, 0755) < 0 && errno != EEXIST)
			return err_errno(e, errno, "cannot create %s", p);
		*at = '/';
	}
	if (mkdir(p, mode) < 0 && errno != EEXIST)
		return err_errno(e, errno, "cannot create %s", p);
	if (stat(p, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ERR_SYSTEM, "%s is not a folder", p);
	if (check_owner(&st, p, e) < 0)
		return ERR_DENIED;
	if ((st.st_mode & 07777 & ~mode) != 0 && chmod(p, mode) < 0)
		return err_errno(e, errno, "cannot set the mode of %s", p);
	return 0;
}
