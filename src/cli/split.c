/* DOC: see split.h. Knows no objects: <grp.h> has a struct group of its own. */
#include "cli/split.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The next line that begins with mark, at or behind `at`, which begins one; NULL = none. */
static const char *find_mark(const char *at, const char *mark)
{
	while (at != NULL && strncmp(at, mark, strlen(mark)) != 0) {
		at = strchr(at, '\n');
		at = at != NULL ? at + 1 : NULL;
	}
	return at;
}

int split_files(const char *dir, const struct buf *config, const char *mark, struct err *e)
{
	const char *at = find_mark(buf_str(config), mark), *next;
	int r = 0;

	for (; r == 0 && at != NULL; at = next) {
		const char *name = at + strlen(mark), *line = strchr(name, '\n');
		AUTOFREE char *path = NULL;
		const struct group *group = getgrnam("systemd-network");
		bool secret;

		if (line == NULL)
			break;
		next = find_mark(line + 1, mark);
		if (line == name || *name == '.' || memchr(name, '/', (size_t)(line - name)))
			return err_set(e, ERR_INVALID, "'%.*s' is no name for a file of %s",
				(int)(line - name), name, dir);
		path = mem_printf("%s/%.*s", dir, (int)(line - name), name);
		secret = strstr(path, ".netdev") != NULL;
		line++;
		r = file_write(path, line, next != NULL ? (size_t)(next - line) : strlen(line),
			secret ? 0640 : 0644, e);
		if (r == 0 && secret && group != NULL && geteuid() == 0 &&
			chown(path, 0, group->gr_gid) < 0)
			r = err_errno(e, errno, "cannot give %s to systemd-network", path);
		if (r == 0)
			fprintf(stderr, "configuration written to %s\n", path);
	}
	return r;
}
