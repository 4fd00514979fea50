/* DOC: sysctls below /proc/sys/net. In names '.' separates and '/' stands for a dot, as usual. */
#include "net/net.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NAME_LIMIT 128
#define VALUE_LIMIT 256

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* "net.ipv4.conf.eth0/1.forwarding" -> "/proc/sys/net/ipv4/conf/eth0.1/forwarding". No empty,
 * "." or ".." part gets through, so the path stays below /proc/sys/net. */
static int path_of(const char *name, char ret[static NAME_LIMIT + 16], struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-@+=./";
	size_t n = strnlen(name, NAME_LIMIT), part = 0, dots = 0;
	char *at = ret + strlen(strcpy(ret, "/proc/sys/"));

	if (n == NAME_LIMIT || !text_starts(name, "net.") || strspn(name, allowed) != n)
		goto bad;
	for (size_t i = 0; i <= n; i++) {
		char c = name[i];

		if (c == '.' || c == '\0') {
			if (part == 0 || (part == dots && dots <= 2))
				goto bad;
			part = dots = 0;
		} else {
			part++;
			dots += c == '/';
		}
		*at++ = c == '.' ? '/' : c == '/' ? '.' : c;
	}
	return 0;
bad:
	return err_field(e, ERR_INVALID, "sysctl", "\"%.60s\" is not a network sysctl", name);
}

int net_sysctl_get(const char *name, struct buf *out, struct err *e)
{
	char path[NAME_LIMIT + 16];
	int r = path_of(name, path, e);

	if (r == 0)
		r = file_read(path, 65536, out, e);
	if (r == 0 && out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return r;
}

int net_sysctl_set(const char *name, const char *value, struct err *e)
{
	char path[NAME_LIMIT + 16];
	CLEANUP(closep) int fd = -1;
	size_t n = strnlen(value, VALUE_LIMIT);
	int r = path_of(name, path, e);

	if (r < 0)
		return r;
	if (n == 0 || n == VALUE_LIMIT || text_printable(value) < 0)
		return err_field(e, ERR_INVALID, "value", "the value for %s is not one line", name);
	/* No O_CREAT: what is not there is not a sysctl. One write, as the kernel takes it whole.
	 */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "there is no sysctl %s", name);
	if (fd < 0 || write(fd, value, n) != (ssize_t)n)
		return err_errno(e, errno, "cannot set %s to %s", name, value);
	return 0;
}
