/* DOC: list, show, add, set, enable, disable and rm for any noun of the table, and its help. */
#include "cli/nouns.h"
#include "cli/table.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const struct cli_option set_options[] = {{"name", "NAME", "its new name"}, {0}};
static const struct cli_option list_options[] = {
	{"search", "TEXT", "only names that contain it"},
	{"sort", "FIELD", "sort by it; -FIELD = descending"},
	{"limit", "N", "at most N rows"},
	{"network", "NETWORK", "only in this network"},
	{0},
};

/* "30d", "12h", "45m" from now, RFC 3339, or "never". */
static int put_time(
	struct json_writer *w, const struct cli_field *f, const char *text, struct err *e)
{
	static const struct {
		char unit;
		msec length;
	} units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
	AUTOFREE char *digits = mem_strndup(text, *text ? strlen(text) - 1 : 0);
	uint64_t n;
	msec t;

	if (strcmp(text, "never") == 0 || *text == '\0') {
		json_put_null(w, f->field);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (text[strlen(text) - 1] == units[i].unit && text_u64(digits, 1000000, &n) == 0) {
			json_put_time(
				w, f->field, clock_wall(&clock_real) + (msec)n * units[i].length);
			return 0;
		}
	if (clock_parse(text, &t) < 0)
		return err_field(e, ERR_INVALID, f->option,
			"'%s' is neither a time (2027-01-31T12:00:00Z), a span (30d, 12h) nor never",
			text);
	json_put_time(w, f->field, t);
	return 0;
}

void cli_put_list(struct json_writer *w, const char *key, const char *text)
{
	AUTOFREE char *copy = mem_strdup(text);
	char *rest = copy;

	json_begin_array(w, key);
	for (char *item; (item = strsep(&rest, ",")) != NULL;) {
		while (*item == ' ')
			item++;
		if (*item != '\0')
			json_put_str(w, NULL, item);
	}
	json_end_array(w);
}

void cli_put_query(struct buf *path, const struct cli_args *a, const char *name)
{
	if (!cli_has(a, name))
		return;
	buf_addf(path, "%c%s=", strchr(buf_str(path), '?') != NULL ? '&' : '?', name);
	cli_escape(path, cli_flag(a, name));
}

void cli_put_flags(
	struct buf *path, const struct cli_noun *n, unsigned verb, const struct cli_args *a)
{
	for (const struct cli_field *f = n->fields; f != NULL && f->option != NULL; f++)
		if (f->kind == AS_FLAG && (f->verbs & verb) && cli_has(a, f->option))
			buf_addf(path, "%c%s=1", strchr(buf_str(path), '?') != NULL ? '&' : '?',
				f->field);
}

static int put_field(
	struct json_writer *w, const struct cli_field *f, const char *value, struct err *e)
{
	uint64_t n;
	int negative = value[0] == '-';

	switch (f->kind) {
	case AS_TIME:
		return put_time(w, f, value, e);
	case AS_LIST:
		cli_put_list(w, f->field, value);
		return 0;
	case AS_FLAG:
		return 0; /* see cli_put_flags */
	case AS_NUMBER:
		if (text_u64(value + negative, INT64_MAX, &n) < 0)
			return err_field(e, ERR_INVALID, f->option, "'%s' is not a number", value);
		json_put_int(w, f->field, negative ? -(int64_t)n : (int64_t)n);
		return 0;
	case AS_TEXT:
		/* only what is a switch: a description may well be the word "true" */
		if (strcmp(f->arg, "true|false") == 0 &&
			(strcmp(value, "true") == 0 || strcmp(value, "false") == 0))
			json_put_bool(w, f->field, value[0] == 't');
		else
			json_put_str(w, f->field, value);
		return 0;
	case AS_MAYBE:
		if (strcmp(value, "none") == 0)
			json_put_null(w, f->field);
		else
			json_put_str(w, f->field, value);
		return 0;
	}
	return 0;
}

int cli_body(const struct cli_noun *n, unsigned verb, const struct cli_args *a, const char *name,
	struct buf *ret, struct err *e)
{
	struct json_writer w = {.out = ret};
	int r = 0;

	json_begin_object(&w, NULL);
	if (name != NULL)
		json_put_str(&w, "name", name);
	for (const struct cli_field *f = n->fields; f != NULL && f->option != NULL && r == 0; f++) {
		CLEANUP(buf_done) struct buf list = {0};
		const char *value = cli_flag(a, f->option);

		if (f->kind == AS_LIST && cli_flag_list(a, f->option, &list))
			value = buf_str(&list);
		if ((f->verbs & verb) && value != NULL)
			r = put_field(&w, f, value, e);
	}
	json_end_object(&w);
	return r;
}

/* "gw1 (north) 192.0.2.2:51820, online, chosen" */
static void endpoint_line(const struct json *v, struct buf *out)
{
	static const char *const words[] = {"online", "nearest", "chosen"};

	buf_adds(out, json_str(v, "name"));
	if (json_str(v, "region") != NULL)
		buf_addf(out, " (%s)", json_str(v, "region"));
	buf_addf(out, " %s",
		json_str(v, "endpoint") != NULL ? json_str(v, "endpoint") : "no known endpoint");
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (json_bool(v, words[i], false))
			buf_addf(out, ", %s", words[i]);
}

/* "default 172.30.0.3, seen at 192.0.2.2:51820, NAT easy; 4 direct, 2 by c1 (n5, n6)" */
static void member_line(const struct json *v, struct buf *out)
{
	static const char *const at[][2] = {{"ipv4", " "}, {"ipv6", " "}, {"endpoint", ", at "},
		{"observed_endpoint", ", seen at "}, {"near_endpoint", ", near by at "},
		{"nat_type", ", NAT "}};
	const struct json *ways = json_get(v, "ways"), *to = json_get(v, "ways.relayed_to");
	size_t named = to == NULL ? 0 : json_count(to);
	int64_t relayed;

	buf_adds(out, json_str(v, "network_name"));
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		if (json_str(v, at[i][0]) != NULL)
			buf_addf(out, "%s%s", at[i][1], json_str(v, at[i][0]));
	if (ways == NULL || json_is_null(v, "ways"))
		return;
	relayed = json_int(ways, "relayed", 0);
	buf_addf(out, "; %" PRId64 " direct, %" PRId64 " by %s", json_int(ways, "direct", 0),
		relayed,
		json_str(ways, "relay.name") != NULL ? json_str(ways, "relay.name") : "no relay");
	for (size_t i = 0; i < named; i++)
		buf_addf(out, "%s%s", i == 0 ? " (" : ", ", json_str(json_at(to, i), "name"));
	if (named > 0)
		buf_adds(out, relayed > (int64_t)named ? ", ...)" : ")");
}

void cli_clock_line(int64_t offset, struct buf *out)
{
	int64_t off = offset < 0 ? -offset : offset;

	buf_addf(out, "%" PRId64, offset);
	if (off > CLOCK_OFFSET_SAID)
		buf_addf(out, " (!) %" PRId64 " s %s the control plane: set the node's clock",
			off / 1000, offset < 0 ? "behind" : "ahead of");
}

static void clock_line(const struct json *v, struct buf *out)
{
	if (json_is_null(v, ""))
		buf_adds(out, "not known yet");
	else
		cli_clock_line(json_int(v, "", 0), out);
}

/* What people read otherwise than JSON has it; of a list, each object is a line of its own. */
static const struct {
	const char *key;
	void (*line)(const struct json *v, struct buf *out);
} lines[] = {
	{"endpoints", endpoint_line},
	{"members", member_line},
	{"clock_offset_ms", clock_line},
};

static void print_line(
	struct table *t, const char *key, const struct json *v, size_t n, struct buf *text)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (strcmp(lines[i].key, key) != 0)
			continue;
		buf_reset(text);
		lines[i].line(v, text);
		table_cell(t, n == 0 ? key : " ");
		table_cell(t, buf_str(text));
	}
}

static void print_member(void *ctx, const char *key, const struct json *v)
{
	struct table *t = ctx;
	CLEANUP(buf_done) struct buf text = {0};

	if (json_kind(v) != JSON_IS_LIST)
		print_line(t, key, v, 0, &text);
	for (size_t i = 0; i < json_count(v); i++)
		print_line(t, key, json_at(v, i), i, &text);
	if (text.len > 0)
		return;
	json_text(v, &text);
	table_cell(t, key);
	table_cell(t, buf_str(&text));
}

void cli_print_object(const struct cli_session *s, const struct buf *answer, const char *path)
{
	static const char *const headings[] = {"FIELD", "VALUE"};
	struct table t;
	struct json_doc *d;

	if (s->json) {
		printf("%s\n", buf_str(answer));
		return;
	}
	d = json_parse(buf_str(answer), answer->len, answer->len, NULL);
	if (d == NULL)
		return;
	table_init(&t, headings, 2);
	json_each(path ? json_get(json_root(d), path) : json_root(d), print_member, &t);
	table_print(&t, stdout);
	table_done(&t);
	json_free(d);
}

/* Where the rows of a list go: a table, or one JSON document over all pages. */
struct listing {
	const struct cli_noun *noun;
	bool json;
	struct table table;
	struct buf text;
	struct json_writer w;
};

static void add_row(struct listing *l, const struct json *item)
{
	CLEANUP(buf_done) struct buf text = {0};

	if (l->json) {
		json_text(item, &text);
		json_put_raw(&l->w, NULL, buf_str(&text), text.len);
		return;
	}
	for (const struct cli_column *c = l->noun->columns; c->heading != NULL; c++) {
		const struct json *v = json_get(item, c->path);

		buf_reset(&text);
		if (v != NULL && !json_is_null(item, c->path))
			json_text(v, &text);
		table_cell(&l->table, buf_str(&text));
	}
}

static void list_query(
	const struct cli_args *a, const char *path, const char *after, struct buf *ret)
{
	static const char *const passed[] = {"search", "sort", "network"};

	buf_addf(ret, "%s?limit=%s", path, cli_has(a, "limit") ? cli_flag(a, "limit") : "1000");
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		if (cli_has(a, passed[i])) {
			buf_addf(ret, "&%s=", passed[i]);
			cli_escape(ret, cli_flag(a, passed[i]));
		}
	if (after != NULL) {
		buf_adds(ret, "&after=");
		cli_escape(ret, after);
	}
}

/* One page; *next gets the cursor of the following one, or NULL. */
static int list_page(struct cli_session *s, const struct cli_args *a, char **next,
	struct listing *l, struct err *e)
{
	CLEANUP(buf_done) struct buf query = {0};
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d;
	const struct json *items;
	const char *cursor;
	int r;

	list_query(a, l->noun->path, *next, &query);
	*next = mem_free(*next);
	r = cli_call(s, "GET", buf_str(&query), NULL, &answer, e);
	if (r < 0)
		return r;
	d = json_parse(buf_str(&answer), answer.len, answer.len, e);
	if (d == NULL)
		return ERR_INVALID;
	items = json_get(json_root(d), "items");
	for (size_t i = 0; i < json_count(items); i++)
		add_row(l, json_at(items, i));
	cursor = json_str(json_root(d), "next");
	if (cursor != NULL && *cursor != '\0' && !cli_has(a, "limit"))
		*next = mem_strdup(cursor);
	json_free(d);
	return 0;
}

static int verb_list(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	struct listing l = {.noun = n, .json = s->json};
	const char *headings[16];
	size_t columns = 0;
	char *next = NULL;
	int r;

	for (const struct cli_column *c = n->columns; c->heading != NULL; c++)
		headings[columns++] = c->heading;
	table_init(&l.table, headings, columns);
	l.w.out = &l.text;
	json_begin_object(&l.w, NULL);
	json_begin_array(&l.w, "items");
	do
		r = list_page(s, a, &next, &l, e);
	while (r == 0 && next != NULL);
	json_end_array(&l.w);
	json_end_object(&l.w);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&l.text));
	else if (r == 0)
		table_print(&l.table, stdout);
	table_done(&l.table);
	buf_done(&l.text);
	return r;
}

static int object_path(struct cli_session *s, const struct cli_noun *n, const char *name,
	struct buf *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0};
	int r = cli_resolve(s, n->path, name, &id, e);

	if (r == 0)
		buf_addf(ret, "%s/%s", n->path, buf_str(&id));
	return r;
}

static int verb_show(
	const struct cli_noun *n, struct cli_session *s, const char *name, struct err *e)
{
	CLEANUP(buf_done) struct buf path = {0};
	CLEANUP(buf_done) struct buf answer = {0};
	int r = object_path(s, n, name, &path, e);

	if (r == 0)
		r = cli_call(s, "GET", buf_str(&path), NULL, &answer, e);
	if (r == 0)
		cli_print_object(s, &answer, NULL);
	return r;
}

static int verb_add(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
	const char *name, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0};
	CLEANUP(buf_wipe) struct buf answer = {0};
	int r = cli_body(n, VERB_ADD, a, name, &body, e);

	if (r == 0)
		r = cli_call(s, "POST", n->path, &body, &answer, e);
	if (r == 0)
		cli_print_object(s, &answer, NULL);
	return r;
}

/* What a change did not do is no part of what scripts read. */
static void print_warnings(const struct buf *answer)
{
	struct json_doc *d = json_parse(answer->data, answer->len, answer->len, NULL);
	const struct json *warnings = d != NULL ? json_get(json_root(d), "warnings") : NULL;

	for (size_t i = 0; i < json_count(warnings); i++)
		fprintf(stderr, "warren: %s\n", json_str(json_at(warnings, i), ""));
	json_free(d);
}

static int patch(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
	unsigned verb, const char *name, const struct buf *body, struct err *e)
{
	CLEANUP(buf_done) struct buf path = {0};
	CLEANUP(buf_done) struct buf answer = {0};
	int r = object_path(s, n, name, &path, e);

	cli_put_flags(&path, n, verb, a);
	if (r == 0)
		r = cli_call(s, "PATCH", buf_str(&path), body, &answer, e);
	if (r == 0)
		print_warnings(&answer);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	return r;
}

static int verb_set(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
	const char *name, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0};
	int r = cli_body(n, VERB_SET, a, cli_flag(a, "name"), &body, e);

	if (r == 0 && strcmp(buf_str(&body), "{}") == 0)
		return err_set(e, ERR_INVALID, "nothing to set: give at least one option");
	return r < 0 ? r : patch(n, s, a, VERB_SET, name, &body, e);
}

static int verb_switch(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
	const char *name, bool on, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0};

	buf_addf(&body, "{\"enabled\":%s}", on ? "true" : "false");
	return patch(n, s, a, VERB_SWITCH, name, &body, e);
}

static int verb_rm(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
	const char *name, struct err *e)
{
	CLEANUP(buf_done) struct buf path = {0};
	CLEANUP(buf_done) struct buf answer = {0};
	int r = object_path(s, n, name, &path, e);

	cli_put_flags(&path, n, VERB_RM, a);
	return r < 0 ? r : cli_call(s, "DELETE", buf_str(&path), NULL, &answer, e);
}

const struct cli_verb cli_verbs[] = {
	{"list", VERB_LIST, false, "all of them", list_options},
	{"show", VERB_SHOW, true, "everything about one", NULL},
	{"add", VERB_ADD, true, "make one", NULL},
	{"set", VERB_SET, true, "change it", set_options},
	{"enable", VERB_SWITCH, true, "let it take part again", NULL},
	{"disable", VERB_SWITCH, true, "take it out of everything, keep it", NULL},
	{"rm", VERB_RM, true, "delete it", NULL},
	{0},
};

bool cli_noun_takes(const struct cli_noun *n, const struct cli_verb *v)
{
	for (const struct own_verb *o = n->own; o != NULL && o->verb != NULL; o++)
		if (strcmp(o->verb, v->name) == 0)
			return false;
	return (n->verbs & v->bit) != 0;
}

static void help_verb(const char *name, const char *args, const char *what)
{
	AUTOFREE char *left =
		mem_printf("%s%s%s", name, args != NULL ? " " : "", args != NULL ? args : "");

	printf("  %-26s %s\n", left, what);
}

static void help_options(const char *verb, const struct cli_option *options)
{
	if (options == NULL)
		return;
	printf("\nOptions of %s:\n", verb);
	cli_options_help(options);
}

static void help_fields(const struct cli_noun *n)
{
	if (n->fields == NULL)
		return;
	puts("\nOptions of add and set:");
	for (const struct cli_field *f = n->fields; f->option != NULL; f++)
		cli_options_help((struct cli_option[]){{f->option, f->arg, f->help}, {0}});
}

static void help(const struct cli_noun *n)
{
	printf("warren %s - %s\n\nUsage: warren %s VERB [NAME] [options]\n\nVerbs:\n", n->name,
		n->help, n->name);
	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++)
		if (cli_noun_takes(n, v))
			help_verb(v->name, v->takes_name ? "NAME" : NULL, v->help);
	for (const struct own_verb *v = n->own; v != NULL && v->verb != NULL; v++)
		help_verb(v->verb, v->args, v->help);
	help_fields(n);
	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++)
		if (cli_noun_takes(n, v))
			help_options(v->name, v->options);
	for (const struct own_verb *v = n->own; v != NULL && v->verb != NULL; v++)
		help_options(v->verb, v->options);
	puts("\nEverywhere:");
	cli_options_help(cli_common_options);
	printf("\nExample:\n  %s\n", n->example);
}

static int run_generic(const struct cli_noun *n, const char *verb, unsigned bit,
	const struct cli_args *a, struct err *e)
{
	CLEANUP(cli_session_done) struct cli_session s = {0};
	const char *name = a->n_words > 0 ? a->words[0] : NULL;
	int r = cli_session_init(&s, a, e);

	if (r < 0)
		return r;
	switch (bit) {
	case VERB_LIST:
		return verb_list(n, &s, a, e);
	case VERB_SHOW:
		return verb_show(n, &s, name, e);
	case VERB_ADD:
		return verb_add(n, &s, a, name, e);
	case VERB_SET:
		return verb_set(n, &s, a, name, e);
	case VERB_RM:
		return verb_rm(n, &s, a, name, e);
	default:
		return verb_switch(n, &s, a, name, strcmp(verb, "enable") == 0, e);
	}
}

static int generic_verb(const struct cli_noun *n, const char *verb, int argc, char **argv)
{
	for (const struct cli_verb *v = cli_verbs; v->name != NULL; v++) {
		AUTOFREE struct cli_option *options = NULL;
		struct cli_args a;
		struct err e = {0};

		if (strcmp(v->name, verb) != 0 || !cli_noun_takes(n, v))
			continue;
		options = cli_noun_options(n, v->bit, v->options);
		if (cli_parse(argc, argv, options, &a) < 0)
			return EXIT_USAGE;
		if (cli_has(&a, "help")) {
			help(n);
			return EXIT_DONE;
		}
		if (a.n_words != (size_t)v->takes_name) {
			fprintf(stderr, "warren: usage: warren %s %s%s\n", n->name, verb,
				v->takes_name ? " NAME" : "");
			return EXIT_USAGE;
		}
		return run_generic(n, verb, v->bit, &a, &e) < 0 ? cli_fail(&e) : EXIT_DONE;
	}
	fprintf(stderr, "warren: %s has no verb '%s' (warren %s --help)\n", n->name, verb, n->name);
	return EXIT_USAGE;
}

int cli_main(int argc, char **argv)
{
	const struct cli_noun *n = cli_noun(argv[0]);
	int r;

	if (n == NULL || argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		if (n != NULL)
			help(n);
		return n != NULL && argc >= 2 ? EXIT_DONE : EXIT_USAGE;
	}
	r = cli_run_own(n, argv[1], argc - 2, argv + 2);
	return r >= 0 ? r : generic_verb(n, argv[1], argc - 2, argv + 2);
}

bool cli_has_noun(const char *noun)
{
	return cli_noun(noun) != NULL;
}

void cli_help_nouns(void)
{
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++)
		printf("  %-11s %s\n", n->name, n->help);
}
