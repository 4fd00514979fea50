/*
 * DOC: lists, shows and deletions that need nothing but the schema of the route. What a filter's
 * text means for its column is the store's business.
 */
#include "control/api.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

void page_filter(struct page *p, const char *column, const char *value)
{
	if (p->n_filters == ARRAY_LEN(p->query.filters))
		return;
	char *text = p->values[p->n_filters];
	snprintf(text, sizeof(p->values[0]), "%s", value);
	p->query.filters[p->n_filters++] = (struct tx_filter){column, text};
}

static int sort_order(const struct schema *s, const char *sort, struct tx_query *q, struct err *e)
{
	if (sort == NULL)
		return 0;
	q->descending = *sort == '-';
	const struct field *f = schema_field(s, sort + q->descending);
	if (f == NULL || (f->flags & FIELD_HIDDEN) || f->type >= FIELD_PREFIXES)
		return err_field(e, ERR_INVALID, "sort", "cannot sort by \"%s\"", sort);
	q->order = f->name;
	return 0;
}

int page_read(struct call *c, const struct schema *s, struct page *p, struct err *e)
{
	struct tx_query *q = &p->query;
	const char *limit = http_query(c->rq, "limit");
	uint64_t n = API_LIMIT_DEFAULT;
	if (limit && (text_u64(limit, API_LIMIT_MAX, &n) < 0 || n == 0))
		return err_field(
			e, ERR_INVALID, "limit", "limit is a number from 1 to %d", API_LIMIT_MAX);
	q->limit = (size_t)n;
	q->after = http_query(c->rq, "after");
	q->search = http_query(c->rq, "search");
	if (q->search && *q->search == '\0')
		q->search = NULL;
	if (q->after && *q->after == '\0')
		q->after = NULL;
	int r = sort_order(s, http_query(c->rq, "sort"), q, e);
	if (r == 0 && c->project[0])
		page_filter(p, s == &schema_project ? "id" : "project", c->project);
	if (c->route->permission && s != &schema_project && q->scope == NULL &&
		rights_scope(&c->who.rights, c->route->permission, c->who.id, &c->scope))
		q->scope = &c->scope;
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct field *f = &s->fields[i];
		const char *text = http_query(c->rq, f->name);
		if (text == NULL || (f->flags & FIELD_HIDDEN) || strcmp(f->name, "project") == 0)
			continue;
		if (strlen(text) >= sizeof(p->values[0]) || f->type >= FIELD_PREFIXES)
			r = err_field(e, ERR_INVALID, f->name, "lists are not filtered by this");
		else if (p->n_filters == ARRAY_LEN(q->filters))
			r = err_field(e, ERR_INVALID, f->name, "too many filters at once");
		else
			page_filter(p, f->name, text);
	}
	return r;
}

size_t page_begin(struct json_writer *w)
{
	json_begin_object(w, NULL);
	json_begin_array(w, "items");
	return w->out->len - 1; /* with its bracket */
}

void page_end(struct json_writer *w, size_t begin, const char *repeat_as, const char *next,
	uint64_t total)
{
	json_end_array(w);
	if (repeat_as) {
		size_t n = w->out->len - begin;
		buf_room(w->out, n + strlen(repeat_as) + 4); /* so that they stay where they are */
		json_put_raw(w, repeat_as, w->out->data + begin, n);
	}
	json_put_str(w, "next", *next ? next : NULL);
	json_put_int(w, "total", (int64_t)total);
	json_end_object(w);
}

struct list_job {
	struct call *call;
	struct json_writer w;
};

static int list_item(void *arg, const void *object)
{
	struct list_job *job = arg;
	json_begin_object(&job->w, NULL);
	object_write(&job->w, job->call->route->schema, object);
	json_end_object(&job->w);
	return 0;
}

static int list_job(struct tx *tx, struct call *c, struct err *e)
{
	const struct schema *s = c->route->schema;
	struct page page = {0};
	CLEANUP(buf_done) struct buf next = {0};
	uint64_t total = 0;
	int r = page_read(c, s, &page, e);
	if (r < 0)
		return r;
	struct list_job job = {c, {.out = &c->out}};
	size_t items = page_begin(&job.w);
	r = tx_list(tx, s, &page.query, list_item, &job, &next, &total, e);
	if (r == 0)
		page_end(&job.w, items, NULL, buf_str(&next), total);
	return r;
}

void api_list(struct call *c)
{
	api_read(c, list_job);
}

static int show_job(struct tx *tx, struct call *c, struct err *e)
{
	const struct schema *s = c->route->schema;
	void *object = mem_zalloc(s->size);
	int r = api_get(tx, c, s, c->id, object, e);
	if (r == 0) {
		struct json_writer w = {.out = &c->out};
		json_begin_object(&w, NULL);
		object_write(&w, s, object);
		json_end_object(&w);
	}
	schema_free(s, object);
	return r;
}

void api_show(struct call *c)
{
	api_read(c, show_job);
}

static int delete_job(struct tx *tx, struct call *c, struct err *e)
{
	const struct schema *s = c->route->schema;
	void *object = mem_zalloc(s->size);
	AUTOFREE char *action = mem_printf("%s.delete", s->name);
	int r = api_get(tx, c, s, c->id, object, e);
	if (r == 0)
		r = change_store(tx, s, object, NULL, c->who.id, action, e);
	schema_free(s, object);
	return r;
}

void api_deleted(struct call *c)
{
	buf_adds(&c->out, "{\"status\":\"deleted\"}");
	api_reply(c, 200);
}

void api_delete(struct call *c)
{
	api_write(c, delete_job, api_deleted);
}
