/* DOC: see declaration.h. */
#include "agent/declaration.h"

#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"

#define BODY_MAX 4096

static bool is_said(const struct declaration *d)
{
	CLEANUP(buf_done) struct buf last = {0};

	return file_read(d->path, BODY_MAX, &last, NULL) == 0 &&
		strcmp(buf_str(&last), buf_str(&d->body)) == 0;
}

void declaration_init(
	struct declaration *d, struct wire *wire, const struct agent_gateway *g, const char *dir)
{
	struct json_writer w = {.out = &d->body};

	*d = (struct declaration){.wire = wire};
	d->path = mem_printf("%s/gateway.json", dir);
	json_begin_object(&w, NULL);
	if (g->endpoint != NULL)
		json_put_str(&w, "endpoint", g->endpoint);
	if (g->listen_port != 0)
		json_put_int(&w, "listen_port", g->listen_port);
	if (g->region != NULL)
		json_put_str(&w, "region", g->region);
	json_end_object(&w);
	d->settled = strcmp(buf_str(&d->body), "{}") == 0 || is_said(d);
}

void declaration_done(struct declaration *d)
{
	if (d->call != NULL)
		wire_cancel(d->wire, d->call);
	buf_done(&d->body);
	mem_free(d->path);
	*d = (struct declaration){0};
}

static void on_answer(void *arg, struct http_response *r, const struct err *e)
{
	struct declaration *d = arg;
	struct err why = {0};

	d->call = NULL;
	if (r == NULL || r->status >= 500) /* it is said after the next heartbeat */
		return;
	d->settled = true;
	if (r->status >= 200 && r->status < 300) {
		if (file_write(d->path, d->body.data, d->body.len, 0600, &why) < 0)
			log_warn("what was declared is not noted", LOG_KV_STR("error", why.text));
		return;
	}
	wire_problem(r, "the gateway settings of this machine are not used", &why);
	log_error("gateway settings refused", LOG_KV_STR("error", why.text));
}

void declaration_say(struct declaration *d)
{
	if (!d->settled && d->call == NULL)
		d->call = wire_send(d->wire, "PUT", "/gateway", NULL, &d->body, on_answer, d);
}
