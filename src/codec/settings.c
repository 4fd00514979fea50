/* DOC: flat YAML settings by libyaml's event parser; see settings.h. */
#include "codec/settings.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

const char *const settings_names[] = {
	/* control plane */
	"state", "listen", "agent_listen", "allow_hosts", "cert", "key",
	/* command line */
	"url", "token_file", "ca", "pin", "project",
	/* agent */
	"agent_state", "run_dir", "engine", "backend", "hosts", "teardown_on_exit",
	/* both daemons */
	"log_level", NULL};

static int refuse(struct err *e, const char *path, yaml_mark_t at, const char *what)
{
	return err_set(e, ERR_INVALID, "%s:%zu:%zu: %s", path, at.line + 1, at.column + 1, what);
}

static int is_known(const char *const known[], const char *name)
{
	for (; *known != NULL; known++)
		if (strcmp(*known, name) == 0)
			return 1;
	return 0;
}

struct reader {
	const char *path;
	const char *const *known;
	struct settings *to;
	char *name; /* key waiting for its value */
	int depth;
};

static int take_scalar(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	const char *text = (const char *)ev->data.scalar.value;

	if (ev->data.scalar.anchor != NULL)
		return refuse(e, r->path, ev->start_mark, "anchors are not allowed");
	if (r->depth != 1)
		return refuse(e, r->path, ev->start_mark, "expected a mapping of names to values");
	if (r->name != NULL) {
		map_set(&r->to->values, r->name, mem_strdup(text));
		r->name = mem_free(r->name);
		return 0;
	}
	if (!is_known(r->known, text))
		return refuse(e, r->path, ev->start_mark, "unknown setting");
	if (map_get(&r->to->values, text) != NULL)
		return refuse(e, r->path, ev->start_mark, "this setting is given twice");
	r->name = mem_strdup(text);
	return 0;
}

static int take_event(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(r, ev, e);
	case YAML_MAPPING_START_EVENT:
		if (r->depth++ > 0 || ev->data.mapping_start.anchor != NULL)
			return refuse(e, r->path, ev->start_mark, "values must be plain text");
		return 0;
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return 0;
	case YAML_SEQUENCE_START_EVENT:
		return refuse(e, r->path, ev->start_mark, "lists are not allowed here");
	case YAML_ALIAS_EVENT:
		return refuse(e, r->path, ev->start_mark, "aliases are not allowed");
	default:
		return 0;
	}
}

int settings_parse(const char *path, const char *text, size_t n, const char *const known[],
	struct settings *ret, struct err *e)
{
	struct settings read = {0};
	struct reader r = {.path = path, .known = known, .to = &read};
	yaml_parser_t parser;
	yaml_event_t ev;
	int code = 0, more = 1, documents = 0;

	if (!yaml_parser_initialize(&parser))
		return err_set(e, ERR_INTERNAL, "%s: cannot start the YAML parser", path);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	while (more && code == 0) {
		if (!yaml_parser_parse(&parser, &ev)) {
			code = refuse(e, path, parser.problem_mark,
				parser.problem ? parser.problem : "not valid YAML");
			break;
		}
		if (ev.type == YAML_DOCUMENT_START_EVENT && documents++ > 0)
			code = refuse(e, path, ev.start_mark, "only one document is allowed");
		else
			code = take_event(&r, &ev, e);
		more = ev.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	mem_free(r.name);
	if (code < 0)
		settings_done(&read);
	else
		*ret = read;
	return code;
}

int settings_read(const char *path, const char *const known[], struct settings *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	int r = file_read(path, SETTINGS_MAX, &text, e);

	return r < 0 ? r : settings_parse(path, buf_str(&text), text.len, known, ret, e);
}

const char *settings_get(const struct settings *s, const char *name)
{
	return map_get(&s->values, name);
}

static void free_value(void *p)
{
	mem_free(p);
}

/* What the file sets and s leaves open. */
static int fill(struct settings *s, const char *path, struct err *e)
{
	CLEANUP(settings_done) struct settings more = {0};
	int r;

	if (access(path, R_OK) < 0)
		return 0;
	r = settings_read(path, settings_names, &more, e);
	if (r < 0)
		return r;
	MAP_FOREACH (slot, &more.values)
		if (map_get(&s->values, slot->key) == NULL)
			map_set(&s->values, slot->key, mem_strdup(slot->value));
	return 0;
}

int settings_find(const char *named, struct settings *ret, struct err *e)
{
	CLEANUP(settings_done) struct settings s = {0};
	const char *home = getenv("HOME");
	int r = 0;

	if (named != NULL)
		return settings_read(named, settings_names, ret, e);
	if (home != NULL) {
		AUTOFREE char *own = mem_printf("%s/.config/warren/config.yaml", home);

		r = fill(&s, own, e);
	}
	if (r == 0)
		r = fill(&s, SETTINGS_FILE, e);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct settings){0};
	return 0;
}

void settings_done(struct settings *s)
{
	map_done(&s->values, free_value);
}
