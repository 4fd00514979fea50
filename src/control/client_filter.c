/* DOC: see client_filter.h. */
#include "control/client_filter.h"

#include "base/mem.h"

#include <string.h>

int client_filter_read(const struct call *c, struct client_filter *ret, struct err *e)
{
	const char *state = http_query(c->rq, "link_state"), *tag = http_query(c->rq, "tag");
	struct client_filter f = {.state = -1, .tag = tag && *tag ? tag : NULL};
	for (int i = 0; state && *state && link_state_words[i]; i++)
		if (strcmp(link_state_words[i], state) == 0)
			f.state = i;
	if (state && *state && f.state < 0)
		return err_field(e, ERR_INVALID, "link_state",
			"link_state is never, online, idle or offline");
	*ret = f;
	return 0;
}

bool client_filter_any(const struct client_filter *f)
{
	return f->state >= 0 || f->tag;
}

struct scan {
	struct tx *tx;
	struct call *call;
	const struct client_filter *filter;
	int (*fn)(void *arg, const void *object); /* NULL: only count */
	void *arg;
	struct err *e;
	size_t limit;
	uint64_t n;
	id_text network; /* whose keepalive this is */
	uint16_t keepalive;
};

static int keepalive_of(struct scan *s, const struct device *d, uint16_t *ret)
{
	if (d->keepalive >= 0) {
		*ret = (uint16_t)d->keepalive;
		return 0;
	}
	if (strcmp(s->network, d->network) != 0) {
		struct network n = {0};
		int r = tx_get(s->tx, &schema_network, d->network, &n, s->e);
		if (r < 0)
			return r;
		id_copy(s->network, d->network);
		s->keepalive = n.keepalive;
		schema_done(&schema_network, &n);
	}
	*ret = s->keepalive;
	return 0;
}

static bool has_tag(const struct device *d, const char *tag)
{
	for (size_t i = 0; i < d->tags.n; i++)
		if (strcmp(d->tags.v[i], tag) == 0)
			return true;
	return false;
}

/* Negative on failure, else whether it matches. */
static int matches(struct scan *s, const struct device *d)
{
	struct link link;
	uint16_t keepalive;
	if (s->filter->tag && !has_tag(d, s->filter->tag))
		return 0;
	if (s->filter->state < 0)
		return 1;
	int r = keepalive_of(s, d, &keepalive);
	if (r < 0)
		return r;
	hub_link(s->call->control->hub, d->id, keepalive, &link);
	return link.state == s->filter->state;
}

static int look(void *arg, const void *object)
{
	struct scan *s = arg;
	int r = matches(s, object);
	if (r <= 0)
		return r;
	s->n++;
	if (s->fn == NULL)
		return 0;
	r = s->fn(s->arg, object);
	return r != 0 ? r : s->n == s->limit;
}

int client_filter_list(struct tx *tx, struct call *c, const struct client_filter *f,
	const struct tx_query *q, int (*fn)(void *arg, const void *object), void *arg,
	struct buf *ret_next, uint64_t *ret_total, struct err *e)
{
	struct scan scan = {.tx = tx, .call = c, .filter = f, .e = e};
	struct tx_query all = *q;
	all.limit = 0;
	all.after = NULL;
	int r = tx_list(tx, &schema_device, &all, look, &scan, NULL, NULL, e);
	if (r < 0)
		return r;
	*ret_total = scan.n;
	all.after = q->after;
	scan.fn = fn;
	scan.arg = arg;
	scan.limit = q->limit;
	scan.n = 0;
	return tx_list(tx, &schema_device, &all, look, &scan, ret_next, NULL, e);
}
