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

int split_files(const char *dir, const struct buf *config, const char *mark, struct err *e)
{
	const char *at = strstr(buf_str(config), mark), *next;
	int r = 0;

	for (; r == 0 && at != NULL; at = next) {
		const char *name = at + strlen(mark), *line = strchr(name, '\n');
		AUTOFREE char *path = NULL;
		const struct group *group = getgrnam("systemd-network");
		bool secret;

		next = line != NULL ? strstr(line, mark) : NULL;
		if (line == NULL)
			break;
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
