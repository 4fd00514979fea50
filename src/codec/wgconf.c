/* DOC: see wgconf.h. One pass over the lines; comments wait until it is clear whose they are. */
#include "codec/wgconf.h"

#include "base/text.h"

#include <ctype.h>
#include <strings.h>

/* What comments have said since the last entry. */
struct pending {
	char *name;
	bool sure;
};

struct parser {
	struct wgconf *c;
	struct pending above; /* comments behind the last entry: the next section's, if one comes */
	unsigned line;
};

static char *trim(char *s)
{
	size_t n;

	while (*s == ' ' || *s == '\t')
		s++;
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		s[--n] = '\0';
	return s;
}

/* --- names in comments ------------------------------------------------------------------------ */

/* Words before a name that say that it is one. Longer ones first. */
static const char *const markers[] = {"friendly_name", "BEGIN_PEER", "begin", "Client", "Device",
	"Peer name", "Name", "User", NULL};
/* Comments that close a peer. */
static const char *const closers[] = {"END_PEER", "end ", NULL};

static bool has_prefix(const char *s, const char *prefix)
{
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

/* "Ann (6f2b...-uuid)": some programs put an id behind the name. */
static void cut_id(char *s)
{
	char *open = strrchr(s, '(');
	size_t n = open != NULL ? strlen(open) : 0;

	if (n != 38 || open[n - 1] != ')' || open == s)
		return;
	for (size_t i = 1; i < n - 1; i++)
		if (!isxdigit((unsigned char)open[i]) && open[i] != '-')
			return;
	*open = '\0';
	trim(s);
}

/* A setting that was commented out is nobody's name. */
static bool is_setting(const char *s)
{
	static const char *const keys[] = {"PrivateKey", "PublicKey", "PresharedKey", "AllowedIPs",
		"Endpoint", "PersistentKeepalive", "Address", "DNS", "MTU", "ListenPort", "PostUp",
		"PostDown", "PreUp", "PreDown", "SaveConfig", "Table", "FwMark", "friendly_json"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (has_prefix(s, keys[i]) && strchr(s, '=') != NULL)
			return true;
	return *s == '[' || strpbrk(s, "<>{}") != NULL;
}

/* Takes the text of a comment apart. Returns a name inside it, or NULL. */
static char *name_in(char *s, bool *ret_sure)
{
	size_t n;

	while (*s == '#' || *s == ' ' || *s == '\t')
		s++;
	n = strlen(s);
	while (n > 0 && (s[n - 1] == '#' || s[n - 1] == ' ' || s[n - 1] == '\t'))
		s[--n] = '\0';
	for (size_t i = 0; closers[i] != NULL; i++)
		if (has_prefix(s, closers[i]))
			return NULL;
	*ret_sure = false;
	for (size_t i = 0; markers[i] != NULL; i++) {
		char *rest = s + strlen(markers[i]);

		if (!has_prefix(s, markers[i]) || !strchr(" \t:=", *rest) || *rest == '\0')
			continue;
		s = rest + strspn(rest, " \t:=");
		*ret_sure = true;
		break;
	}
	cut_id(s);
	return *s == '\0' || (!*ret_sure && is_setting(s)) || text_printable(s) < 1 ? NULL : s;
}

static void take_name(char **name, bool *sure, const char *fresh, bool fresh_sure)
{
	if (*name != NULL && *sure && !fresh_sure)
		return;
	mem_free(*name);
	*name = mem_strdup(fresh);
	*sure = fresh_sure;
}

static void read_comment(struct parser *p, char *text)
{
	struct wgconf_section *s =
		p->c->sections.n > 0 ? &p->c->sections.v[p->c->sections.n - 1] : NULL;
	bool sure = false;
	char *name = name_in(text, &sure);

	if (name == NULL)
		return;
	/* under a header and before its first entry it is this section's for sure */
	if (s != NULL && *s->title != '\0' && s->entries.n == 0)
		take_name(&s->name, &s->sure, name, sure);
	else
		take_name(&p->above.name, &p->above.sure, name, sure);
}

/* An entry follows: a comment among a section's entries is about it, if it says so. */
static void settle_above(struct parser *p, struct wgconf_section *s)
{
	if (p->above.name != NULL && p->above.sure && s->name == NULL && s->entries.n > 0)
		take_name(&s->name, &s->sure, p->above.name, true);
	p->above.name = mem_free(p->above.name);
}

/* --- lines ------------------------------------------------------------------------------------ */

static struct wgconf_section *open_section(struct parser *p, const char *title)
{
	struct wgconf_section s = {.kind = WGCONF_UNKNOWN, .line = p->line};

	if (strcasecmp(title, "Interface") == 0)
		s.kind = WGCONF_INTERFACE;
	else if (strcasecmp(title, "Peer") == 0)
		s.kind = WGCONF_PEER;
	s.title = mem_strdup(title);
	s.name = STEAL(p->above.name);
	s.sure = p->above.sure;
	VEC_PUSH(&p->c->sections, s);
	return &p->c->sections.v[p->c->sections.n - 1];
}

static void read_entry(struct parser *p, char *text)
{
	struct wgconf_section *s =
		p->c->sections.n > 0 ? &p->c->sections.v[p->c->sections.n - 1] : NULL;
	struct wgconf_entry entry = {.line = p->line};
	char *equals = strchr(text, '=');

	if (s == NULL)
		s = open_section(p, "");
	settle_above(p, s);
	if (equals != NULL) {
		*equals = '\0';
		entry.key = mem_strdup(trim(text));
		entry.value = mem_strdup(trim(equals + 1));
	} else {
		entry.value = mem_strdup(text);
	}
	VEC_PUSH(&s->entries, entry);
}

static void wipe_text(char **s)
{
	if (*s != NULL)
		mem_wipe(*s, strlen(*s));
	mem_free(*s);
}

static int read_line(struct parser *p, char *line, struct err *e)
{
	CLEANUP(wipe_text) char *comment = NULL; /* a key that was commented out is a key */
	char *hash = strchr(line, '#'), *text;
	size_t n;

	if (*line != '\0' && line[strlen(line) - 1] == '\r')
		p->c->crlf = true;
	if (hash != NULL) {
		comment = mem_strdup(hash);
		*hash = '\0';
	}
	text = trim(line);
	n = strlen(text);
	if (n == 0) {
		if (comment != NULL)
			read_comment(p, trim(comment));
		return 0;
	}
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 && *c != '\t')
			return err_set(e, ERR_INVALID, "line %u has a control character", p->line);
	if (*text == '[' && text[n - 1] == ']') {
		text[n - 1] = '\0';
		if (p->c->sections.n >= WGCONF_SECTIONS_MAX)
			return err_set(
				e, ERR_INVALID, "more than %d sections", WGCONF_SECTIONS_MAX);
		if (open_section(p, trim(text + 1))->name == NULL && comment != NULL)
			read_comment(p, trim(comment)); /* "[Peer] # Ann" */
		return 0;
	}
	read_entry(p, text);
	return 0;
}

int wgconf_parse(const char *text, size_t n, struct wgconf *ret, struct err *e)
{
	struct wgconf c = {0};
	struct parser p = {.c = &c};
	const char *at = text, *end = text + n;
	AUTOFREE char *line = mem_alloc(WGCONF_LINE_MAX + 1);
	int r = 0;

	if (n > WGCONF_MAX)
		return err_set(e, ERR_INVALID, "the file is larger than %d bytes", WGCONF_MAX);
	if (n > 0 && memchr(text, '\0', n) != NULL)
		return err_set(e, ERR_INVALID, "the file is no text");
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		c.bom = true;
		at += 3;
	}
	while (r == 0 && at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop != NULL ? stop : end) - at);

		p.line++;
		if (len > WGCONF_LINE_MAX) {
			r = err_set(e, ERR_INVALID, "line %u is longer than %d bytes", p.line,
				WGCONF_LINE_MAX);
			break;
		}
		memcpy(line, at, len);
		line[len] = '\0';
		r = read_line(&p, line, e);
		at += len + 1;
	}
	mem_wipe(line, WGCONF_LINE_MAX + 1);
	mem_free(p.above.name);
	if (r < 0)
		wgconf_done(&c);
	else
		*ret = c;
	return r;
}

void wgconf_done(struct wgconf *c)
{
	VEC_FOREACH (s, &c->sections) {
		VEC_FOREACH (entry, &s->entries) {
			mem_wipe(entry->value, strlen(entry->value));
			mem_free(entry->value);
			mem_free(entry->key);
		}
		VEC_DONE(&s->entries);
		mem_free(s->title);
		mem_free(s->name);
	}
	VEC_DONE(&c->sections);
	*c = (struct wgconf){0};
}

const char *wgconf_get(const struct wgconf_section *s, const char *key)
{
	for (size_t i = s->entries.n; i-- > 0;)
		if (s->entries.v[i].key != NULL && strcasecmp(s->entries.v[i].key, key) == 0)
			return s->entries.v[i].value;
	return NULL;
}

const struct wgconf_section *wgconf_first(const struct wgconf *c, enum wgconf_kind kind)
{
	VEC_FOREACH (s, &c->sections)
		if (s->kind == kind)
			return s;
	return NULL;
}

bool wgconf_word(const char **at, char *word, size_t size)
{
	const char *s = *at, *stop;
	size_t n;

	while (*s == ',' || *s == ' ' || *s == '\t')
		s++;
	if (*s == '\0')
		return false;
	stop = s + strcspn(s, ",");
	n = (size_t)(stop - s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	*at = stop;
	if (n >= size)
		n = size - 1; /* no valid word is so long; the cut one is refused */
	memcpy(word, s, n);
	word[n] = '\0';
	return true;
}
