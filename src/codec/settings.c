/* DOC: YAML settings by libyaml's event parser; see settings.h. */
#include "codec/settings.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <yaml.h>

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

/* Is any known setting within a section of that name? */
static int is_section(const char *const known[], const char *name)
{
	size_t n = strlen(name);

	for (; *known != NULL; known++)
		if (strncmp(*known, name, n) == 0 && (*known)[n] == '.')
			return 1;
	return 0;
}

struct reader {
	const char *path;
	const char *const *known;
	struct settings *to;
	char *section; /* within it */
	char *name;    /* key waiting for its value, with its section */
	int depth;
};

static int take_scalar(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	const char *text = (const char *)ev->data.scalar.value;

	if (ev->data.scalar.anchor != NULL)
		return refuse(e, r->path, ev->start_mark, "anchors are not allowed");
	if (r->depth == 0)
		return refuse(e, r->path, ev->start_mark, "expected a mapping of names to values");
	if (r->name != NULL) {
		if (!is_known(r->known, r->name))
			return refuse(
				e, r->path, ev->start_mark, "a section with settings belongs here");
		map_set(&r->to->values, r->name, mem_strdup(text));
		r->name = mem_free(r->name);
		return 0;
	}
	r->name = r->section != NULL ? mem_printf("%s.%s", r->section, text) : mem_strdup(text);
	if (strchr(text, '.') != NULL ||
		(!is_known(r->known, r->name) &&
			(r->section != NULL || !is_section(r->known, text))))
		return refuse(e, r->path, ev->start_mark, "unknown setting");
	if (map_get(&r->to->values, r->name) != NULL)
		return refuse(e, r->path, ev->start_mark, "this setting is given twice");
	return 0;
}

/* A value that is a mapping: a section, unless we are in one. */
static int enter(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	if (ev->data.mapping_start.anchor != NULL)
		return refuse(e, r->path, ev->start_mark, "anchors are not allowed");
	if (r->depth > 0 && (r->depth > 1 || r->name == NULL || !is_section(r->known, r->name)))
		return refuse(e, r->path, ev->start_mark, "values must be plain text");
	r->depth++;
	r->section = r->name;
	r->name = NULL;
	return 0;
}

static int take_event(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(r, ev, e);
	case YAML_MAPPING_START_EVENT:
		return enter(r, ev, e);
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		r->section = mem_free(r->section);
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
	mem_free(r.section);
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

void settings_done(struct settings *s)
{
	map_done(&s->values, free_value);
}
