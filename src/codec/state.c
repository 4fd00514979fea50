/*
 * DOC: states and deltas; see state.h. In memory items are sorted by kind, network, key; on the
 * wire they are nested network, kind. Writing walks one cursor per kind, so neither way sorts
 * anything. A state is scanned as text and only one item at a time becomes a tree.
 */
#include "codec/state.h"

#include "codec/item.h"
#include "codec/scan.h"
#include "codec/value.h"

#include <stdio.h>
#include <string.h>

#define REQUIRES_MAX 512
#define REQUIRES_CHARS 120
#define ITEM_BYTES_MAX (4u * 1024 * 1024) /* a firewall with many rules is the biggest */
#define HEAD_BYTES_MAX (REQUIRES_MAX * (REQUIRES_CHARS + 8)) /* requires[], ids, numbers */

/* --- writing --------------------------------------------------------------------------------- */

/* Where each kind's items of the next network begin. */
struct cursors {
	const struct item_vec *v;
	size_t at[ITEM_KINDS];
};

static void cursors_init(struct cursors *c, const struct item_vec *v)
{
	size_t i = 0;

	c->v = v;
	for (unsigned kind = 0; kind < ITEM_KINDS; kind++) {
		while (i < v->n && v->v[i]->kind < kind)
			i++;
		c->at[kind] = i;
	}
}

static const struct item *cursor_item(const struct cursors *c, unsigned kind)
{
	size_t i = c->at[kind];

	return i < c->v->n && c->v->v[i]->kind == kind ? c->v->v[i] : NULL;
}

/* The least network id any cursor of the n sets stands at, or NULL at the end. */
static const char *next_network(const struct cursors *c, size_t n)
{
	const char *least = NULL;

	for (size_t s = 0; s < n; s++) {
		for (unsigned kind = 0; kind < ITEM_KINDS; kind++) {
			const struct item *i = cursor_item(&c[s], kind);

			if (i && (!least || strcmp(i->network, least) < 0))
				least = i->network;
		}
	}
	return least;
}

/* An array with the items of that kind and network; the cursor ends behind them. */
static void write_section(struct json_writer *w, const char *name, struct cursors *c, unsigned kind,
	const char *network, bool key_only)
{
	const struct item *i = cursor_item(c, kind);

	if (!i || strcmp(i->network, network) != 0)
		return;
	json_begin_array(w, name);
	while ((i = cursor_item(c, kind)) && strcmp(i->network, network) == 0) {
		item_write(w, i, key_only);
		c->at[kind]++;
	}
	json_end_array(w);
}

void state_write(struct buf *out, const struct state *s)
{
	struct json_writer w = {.out = out};
	struct cursors c;
	const char *network;

	cursors_init(&c, &s->items);
	json_begin_object(&w, NULL);
	json_put_str(&w, "node", s->node);
	json_put_str(&w, "project", s->project);
	json_put_u64(&w, "revision", s->revision);
	value_put_strs(&w, "requires", &s->requires);
	json_begin_array(&w, "networks");
	while ((network = next_network(&c, 1))) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "id", network);
		for (unsigned kind = 0; kind < ITEM_KINDS; kind++)
			write_section(&w, item_sections[kind], &c, kind, network, false);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
}

static bool has_section(const struct cursors *c, unsigned kind, const char *network)
{
	const struct item *i = cursor_item(c, kind);

	return i && strcmp(i->network, network) == 0;
}

void delta_write(struct buf *out, const struct delta *d)
{
	struct json_writer w = {.out = out};
	struct cursors c[2]; /* put, drop */
	const char *network;

	cursors_init(&c[0], &d->put);
	cursors_init(&c[1], &d->drop);
	json_begin_object(&w, NULL);
	json_put_u64(&w, "previous", d->previous);
	json_put_u64(&w, "revision", d->revision);
	if (d->requires.n > 0)
		value_put_strs(&w, "requires", &d->requires);
	json_begin_array(&w, "networks");
	while ((network = next_network(c, 2))) {
		json_begin_object(&w, NULL);
		json_put_str(&w, "id", network);
		for (unsigned kind = 0; kind < ITEM_KINDS; kind++) {
			if (!has_section(&c[0], kind, network) &&
				!has_section(&c[1], kind, network))
				continue;
			json_begin_object(&w, item_sections[kind]);
			write_section(&w, "put", &c[0], kind, network, false);
			write_section(&w, "drop", &c[1], kind, network, true);
			json_end_object(&w);
		}
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
}

/* --- reading: shared ------------------------------------------------------------------------- */

static int read_id(const struct json *j, const char *field, id_text ret, struct err *e)
{
	const char *s = NULL;

	if (value_text(j, field, 1, ID_LEN - 1, &s, e) != 0)
		return ERR_INVALID;
	if (strlen(s) >= ID_LEN)
		return err_field(e, ERR_INVALID, field, "\"%.40s\" is too long for an id", s);
	id_copy(ret, s);
	return 0;
}

static int read_revision(const struct json *j, const char *field, uint64_t *ret, struct err *e)
{
	int64_t v = 0;

	if (value_int(j, field, 0, INT64_MAX, &v, e) != 0)
		return ERR_INVALID;
	*ret = (uint64_t)v;
	return 0;
}

static int sort(struct item_vec *v, struct err *e)
{
	if (item_vec_sort(v) != 0)
		return err_field(e, ERR_INVALID, "networks", "two items have the same key");
	return 0;
}

/* --- reading a delta: from a tree, since it came inside an envelope ----------------------------
 */

static int read_list(const struct json *list, enum item_kind kind, const char *network,
	bool key_only, struct item_vec *v, const char *section, struct err *e)
{
	char name[VALUE_FIELD_LEN];

	if (json_kind(list) == JSON_IS_NULL)
		return 0;
	if (value_list(list, section, STATE_MAX, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(list); i++) {
		struct item *item;

		if (item_read(json_at(list, i), kind, network, key_only, &item, e) != 0)
			return value_under(e, value_item(section, i, name));
		VEC_PUSH(v, item);
	}
	return 0;
}

static int read_changes(const struct json *network, struct delta *d, struct err *e)
{
	id_text id;

	if (json_kind(network) != JSON_IS_OBJECT)
		return err_field(e, ERR_INVALID, "", "a network must be an object");
	if (read_id(json_get(network, "id"), "id", id, e) != 0)
		return ERR_INVALID;
	for (unsigned kind = 0; kind < ITEM_KINDS; kind++) {
		const char *name = item_sections[kind];
		const struct json *section = json_get(network, name);

		if (!section)
			continue;
		if (json_kind(section) != JSON_IS_OBJECT)
			return err_field(e, ERR_INVALID, name,
				"%s must be an object with put and drop", name);
		if (read_list(json_get(section, "put"), kind, id, false, &d->put, "put", e) != 0 ||
			read_list(json_get(section, "drop"), kind, id, true, &d->drop, "drop", e) !=
				0)
			return value_under(e, name);
	}
	return 0;
}

int delta_read(const struct json *j, struct delta *ret, struct err *e)
{
	CLEANUP(delta_done) struct delta d = {0};
	const struct json *networks = json_get(j, "networks");
	char name[VALUE_FIELD_LEN];

	if (json_kind(j) != JSON_IS_OBJECT)
		return err_field(e, ERR_INVALID, "", "a delta must be an object");
	if (read_revision(json_get(j, "previous"), "previous", &d.previous, e) != 0 ||
		read_revision(json_get(j, "revision"), "revision", &d.revision, e) != 0 ||
		value_list(networks, "networks", STATE_MAX, e) != 0)
		return ERR_INVALID;
	if (json_get(j, "requires") != NULL &&
		value_strs(json_get(j, "requires"), "requires", REQUIRES_MAX, REQUIRES_CHARS,
			&d.requires, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(networks); i++)
		if (read_changes(json_at(networks, i), &d, e) != 0)
			return value_under(e, value_item("networks", i, name));
	if (sort(&d.put, e) != 0 || sort(&d.drop, e) != 0)
		return ERR_INVALID;
	*ret = d;
	d = (struct delta){0};
	return 0;
}

/* --- reading a state: from text --------------------------------------------------------------- */

static int broken(const char *where, struct err *e)
{
	return err_field(e, ERR_INVALID, where, "%s is not well-formed JSON of a state", where);
}

/* jansson's tree of one value. Scalars are wrapped, since documents are objects or arrays. */
static struct json_doc *parse(struct slice text, size_t max, struct err *e)
{
	CLEANUP(buf_wipe) struct buf wrapped = {0};

	if (text.n > max) {
		err_set(e, ERR_INVALID, "an item of %zu bytes", text.n);
		return NULL;
	}
	buf_room(&wrapped, text.n + 2);
	buf_addc(&wrapped, '[');
	buf_add(&wrapped, text.p, text.n);
	buf_addc(&wrapped, ']');
	return json_parse(wrapped.data, wrapped.len, max + 2, e);
}

static int read_section(struct slice text, enum item_kind kind, const char *network,
	struct item_vec *v, struct err *e)
{
	const char *section = item_sections[kind];
	struct slice value;
	struct scan items;
	char name[VALUE_FIELD_LEN];
	int more;

	if (scan_open(&items, text, '[') != 0)
		return err_field(e, ERR_INVALID, section, "%s must be a list", section);
	for (size_t i = 0; (more = scan_next(&items, NULL, &value)) > 0; i++) {
		struct json_doc *d = parse(value, ITEM_BYTES_MAX, e);
		struct item *item = NULL;
		int rc = d ? item_read(json_at(json_root(d), 0), kind, network, false, &item, e)
			   : ERR_INVALID;

		json_free(d);
		if (rc != 0)
			return value_under(e, value_item(section, i, name));
		VEC_PUSH(v, item);
	}
	return more < 0 ? broken(section, e) : 0;
}

/* Members of one network may come in any order, so the id is looked for first. */
static int read_network(struct slice text, struct item_vec *v, struct err *e)
{
	struct slice sections[ITEM_KINDS] = {{0}}, id_value = {0}, key, value;
	struct scan members;
	struct json_doc *d;
	id_text id = "";
	int more, rc;

	if (scan_open(&members, text, '{') != 0)
		return err_field(e, ERR_INVALID, "", "a network must be an object");
	while ((more = scan_next(&members, &key, &value)) > 0) {
		struct slice *to = scan_is(key, "id") ? &id_value : NULL;

		for (unsigned kind = 0; kind < ITEM_KINDS; kind++)
			if (scan_is(key, item_sections[kind]))
				to = &sections[kind];
		if (to && to->p)
			return err_field(e, ERR_INVALID, "", "a member is there twice");
		if (to)
			*to = value;
	}
	if (more < 0)
		return broken("networks", e);
	if (!id_value.p)
		return err_field(e, ERR_INVALID, "id", "id is missing");
	d = parse(id_value, HEAD_BYTES_MAX, e);
	rc = d ? read_id(json_at(json_root(d), 0), "id", id, e) : ERR_INVALID;
	json_free(d);
	for (unsigned kind = 0; rc == 0 && kind < ITEM_KINDS; kind++)
		if (sections[kind].p)
			rc = read_section(sections[kind], kind, id, v, e);
	return rc;
}

static int read_networks(struct slice text, struct item_vec *v, struct err *e)
{
	struct slice value;
	struct scan networks;
	char name[VALUE_FIELD_LEN];
	int more;

	if (scan_open(&networks, text, '[') != 0)
		return err_field(e, ERR_INVALID, "networks", "networks must be a list");
	for (size_t i = 0; (more = scan_next(&networks, NULL, &value)) > 0; i++)
		if (read_network(value, v, e) != 0)
			return value_under(e, value_item("networks", i, name));
	return more < 0 ? broken("networks", e) : 0;
}

enum { NODE, PROJECT, REVISION, REQUIRES, NETWORKS, MEMBERS };
static const char *const member_names[MEMBERS] = {
	[NODE] = "node",
	[PROJECT] = "project",
	[REVISION] = "revision",
	[REQUIRES] = "requires",
	[NETWORKS] = "networks",
};

static int read_member(int m, struct slice text, struct state *s, struct err *e)
{
	struct json_doc *d;
	const struct json *v;
	int rc = ERR_INVALID;

	if (m == NETWORKS)
		return read_networks(text, &s->items, e);
	d = parse(text, HEAD_BYTES_MAX, e);
	if (!d)
		return value_under(e, member_names[m]);
	v = json_at(json_root(d), 0);
	switch (m) {
	case NODE:
		rc = read_id(v, "node", s->node, e);
		break;
	case PROJECT:
		rc = read_id(v, "project", s->project, e);
		break;
	case REVISION:
		rc = read_revision(v, "revision", &s->revision, e);
		break;
	case REQUIRES:
		rc = value_strs(v, "requires", REQUIRES_MAX, REQUIRES_CHARS, &s->requires, e);
		break;
	}
	json_free(d);
	return rc;
}

int state_read(const char *text, size_t n, struct state *ret, struct err *e)
{
	CLEANUP(state_done) struct state s = {0};
	struct slice members[MEMBERS] = {{0}}, key, value;
	struct scan scan;
	int more;

	if (n > STATE_MAX)
		return err_set(
			e, ERR_INVALID, "a state of %zu bytes: at most %u are taken", n, STATE_MAX);
	if (scan_open(&scan, (struct slice){text, n}, '{') != 0)
		return broken("state", e);
	while ((more = scan_next(&scan, &key, &value)) > 0) {
		for (int m = 0; m < MEMBERS; m++) {
			if (!scan_is(key, member_names[m]))
				continue;
			if (members[m].p)
				return err_field(e, ERR_INVALID, member_names[m],
					"%s is there twice", member_names[m]);
			members[m] = value;
		}
	}
	if (more < 0)
		return broken("state", e);
	for (int m = 0; m < MEMBERS; m++) {
		if (!members[m].p)
			return err_field(
				e, ERR_INVALID, member_names[m], "%s is missing", member_names[m]);
		if (read_member(m, members[m], &s, e) != 0)
			return ERR_INVALID;
	}
	if (sort(&s.items, e) != 0)
		return ERR_INVALID;
	*ret = s;
	s = (struct state){0};
	return 0;
}
