/* DOC: calls by an HTTP client of our own; see direct.h. */
#include "agent/direct.h"

static void set_target(void *ctx, const struct http_target *t, const char *bearer)
{
	struct direct *d = ctx;

	http_target_done(&d->target);
	buf_wipe(&d->bearer);
	d->target = (struct http_target){.base = mem_strdup(t->base)};
	strs_copy(&d->target.pins, &t->pins);
	buf_adds(&d->bearer, bearer);
}

static struct wire_call *send_call(
	void *ctx, const struct wire_request *rq, wire_fn done, void *arg)
{
	struct direct *d = ctx;
	struct http_target open = {.base = d->target.base, .insecure = true};
	struct http_send send = {.method = rq->method,
		.path = rq->path,
		.bearer = rq->insecure ? NULL : buf_str(&d->bearer),
		.headers = rq->headers,
		.gzip = true};

	if (rq->body != NULL) {
		send.body = rq->body->data;
		send.body_len = rq->body->len;
	}
	return (struct wire_call *)http_client_send(
		d->client, rq->insecure ? &open : &d->target, &send, done, arg);
}

static struct wire_call *open_events(void *ctx, const char *path, const char *last_id,
	msec dead_after, const struct http_events *h)
{
	struct direct *d = ctx;

	return (struct wire_call *)http_client_events(
		d->client, &d->target, path, buf_str(&d->bearer), last_id, dead_after, h);
}

static void cancel(void *ctx, struct wire_call *call)
{
	http_call_cancel((struct http_call *)call);
}

static void verdict(void *ctx, enum wire_verdict v)
{
	/* nobody stands between the control plane and us */
}

void direct_init(struct direct *d, struct loop *l, struct wire_carrier *ret_carrier)
{
	*d = (struct direct){.client = http_client_new(l)};
	*ret_carrier =
		(struct wire_carrier){set_target, send_call, open_events, cancel, verdict, d};
}

void direct_done(struct direct *d)
{
	http_client_free(d->client);
	http_target_done(&d->target);
	buf_wipe(&d->bearer);
	*d = (struct direct){0};
}
