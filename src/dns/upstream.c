/* DOC: see upstream.h. */
#include "dns/upstream.h"

#include "base/file.h"

#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT 65536
#define KEYWORD "nameserver"

struct upstream_file {
	char *path;
	struct stat seen;
	struct addr list[FORWARD_UPSTREAMS_MAX];
	size_t n;
};

size_t upstream_parse(const char *text, struct addr *ret, size_t max)
{
	size_t n = 0;

	while (*text != '\0' && n < max) {
		size_t line = strcspn(text, "\n");
		const char *at = text + strlen(KEYWORD);
		char word[ADDR_TEXT_LEN];
		size_t len;

		if (line > strlen(KEYWORD) && strncmp(text, KEYWORD, strlen(KEYWORD)) == 0 &&
			(*at == ' ' || *at == '\t')) {
			at += strspn(at, " \t");
			len = strcspn(at, " \t\r\n#;");
			if (len > 0 && len < sizeof(word)) {
				memcpy(word, at, len);
				word[len] = '\0';
				n += addr_parse(word, &ret[n]) == 0;
			}
		}
		text += line + (text[line] == '\n');
	}
	return n;
}

struct upstream_file *upstream_file_new(const char *path)
{
	struct upstream_file *u = NEW(struct upstream_file);

	u->path = mem_strdup(path);
	return u;
}

struct upstream_file *upstream_file_free(struct upstream_file *u)
{
	if (u == NULL)
		return NULL;
	mem_free(u->path);
	return mem_free(u);
}

static void refresh(struct upstream_file *u)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct stat st;

	if (stat(u->path, &st) < 0) {
		u->n = 0;
		u->seen = (struct stat){0};
		return;
	}
	if (st.st_ino == u->seen.st_ino && st.st_size == u->seen.st_size &&
		st.st_mtim.tv_sec == u->seen.st_mtim.tv_sec &&
		st.st_mtim.tv_nsec == u->seen.st_mtim.tv_nsec)
		return;
	u->seen = st;
	u->n = file_read(u->path, FILE_LIMIT, &text, NULL) == 0
		? upstream_parse(buf_str(&text), u->list, FORWARD_UPSTREAMS_MAX)
		: 0;
}

size_t upstream_file_list(struct upstream_file *u, struct addr ret[static FORWARD_UPSTREAMS_MAX])
{
	refresh(u);
	memcpy(ret, u->list, sizeof(u->list));
	return u->n;
}

size_t upstream_list(const struct addr *host, size_t n_host, const struct dns_zone *z,
	struct addr ret[static FORWARD_UPSTREAMS_MAX])
{
	size_t n = 0;
	struct addr a;

	VEC_FOREACH (s, dns_zone_upstreams(z))
		if (n < FORWARD_UPSTREAMS_MAX && addr_parse(*s, &a) == 0 && !dns_zone_is_own(z, a))
			ret[n++] = a;
	if (dns_zone_upstreams(z)->n > 0)
		return n;
	for (size_t i = 0; i < n_host && n < FORWARD_UPSTREAMS_MAX; i++)
		if (!dns_zone_is_own(z, host[i]))
			ret[n++] = host[i];
	return n;
}
