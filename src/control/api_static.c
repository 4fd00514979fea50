/*
 * DOC: what needs no object: the panel's files, pages, the API's description, health, metrics,
 * events. The panel's own files are named by their content and kept by browsers. The other pages
 * carry one <style> and one <script>; the policy sent with them allows exactly these, by hash, and
 * nothing from elsewhere.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/assets.h"
#include "control/fleet_metrics.h"
#include "control/metrics.h"
#include "crypto/hash.h"

#include <string.h>

#define HTML "text/html; charset=utf-8"

/* Append "DIRECTIVE 'sha256-...';" for the text between open and close. */
static void add_hash(struct buf *out, const char *directive, const char *html, const char *open,
	const char *close)
{
	const char *from = strstr(html, open);
	const char *to = from ? strstr(from, close) : NULL;
	if (to == NULL)
		return;
	from += strlen(open);
	uint8_t hash[HASH_LEN];
	hash_sha256(from, (size_t)(to - from), hash);
	buf_addf(out, "; %s 'sha256-", directive);
	base64_encode(hash, sizeof(hash), out);
	buf_adds(out, "'");
}

/* Anybody may ask for what is here, as often as they like: no call has a copy of its own. */
static void send_lasting(struct call *c, const void *p, size_t n)
{
	c->lasting = p;
	c->lasting_n = n;
	api_reply(c, 200);
}

static void send_page(struct call *c, const char *html, size_t n)
{
	CLEANUP(buf_done) struct buf policy = {0};
	buf_adds(&policy,
		"default-src 'none'; connect-src 'self'; img-src data:; form-action 'none'; "
		"base-uri 'none'; frame-ancestors 'none'");
	add_hash(&policy, "script-src", html, "<script>", "</script>");
	add_hash(&policy, "style-src", html, "<style>", "</style>");
	api_header(c, "Content-Security-Policy", buf_str(&policy));
	api_header(c, "Referrer-Policy", "no-referrer");
	c->type = HTML;
	send_lasting(c, html, n);
}

/* --- the panel -------------------------------------------------------------------------------- */

/* Scripts and styles are files of ours; pictures are drawn in the page. */
#define PANEL_POLICY                                                                    \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"img-src 'self' data: blob:; form-action 'none'; base-uri 'none'; "             \
	"frame-ancestors 'none'"

static const struct panel_asset *find_asset(const char *path)
{
	for (const struct panel_asset *a = panel_assets; a->path; a++)
		if (strcmp(a->path, path) == 0)
			return a;
	return NULL;
}

static void send_asset(struct call *c, const struct panel_asset *a, const char *caching)
{
	const char *known = http_header(c->rq, "If-None-Match");
	api_header(c, "ETag", a->etag);
	api_header(c, "Cache-Control", caching);
	api_header(c, "Vary", "Accept-Encoding");
	api_header(c, "X-Content-Type-Options", "nosniff");
	c->type = a->type;
	if (known && strstr(known, a->etag)) {
		api_reply(c, 304);
		return;
	}
	if (http_takes_gzip(c->rq)) {
		api_header(c, "Content-Encoding", "gzip");
		send_lasting(c, a->packed, a->packed_len);
	} else {
		send_lasting(c, a->data, a->len);
	}
}

void api_page(struct call *c)
{
	const struct panel_asset *a = find_asset("index.html");
	if (a == NULL) {
		api_header(c, "Cache-Control", "no-store");
		send_page(c, asset_page_html, asset_page_html_len);
		return;
	}
	api_header(c, "Content-Security-Policy", PANEL_POLICY);
	api_header(c, "Referrer-Policy", "no-referrer");
	send_asset(c, a, "no-cache");
}

/* Their names change with their content. */
void api_asset(struct call *c)
{
	CLEANUP(buf_done) struct buf path = {0};
	buf_addf(&path, "assets/%s", http_param(c->rq, "name"));
	const struct panel_asset *a = find_asset(buf_str(&path));
	if (a != NULL) {
		send_asset(c, a, "public, max-age=31536000, immutable");
		return;
	}
	err_set(&c->err, ERR_NOT_FOUND, "there is no such file: reload the page");
	api_header(c, "Cache-Control", "no-store");
	api_fail(c);
}

/* --- other pages ------------------------------------------------------------------------------ */

void api_docs(struct call *c)
{
	send_page(c, asset_docs_html, asset_docs_html_len);
}

void api_once_page(struct call *c)
{
	send_page(c, asset_once_html, asset_once_html_len);
}

void api_openapi(struct call *c)
{
	send_lasting(c, asset_openapi_json, asset_openapi_json_len);
}

void api_healthz(struct call *c)
{
	buf_adds(&c->out, "{\"status\":\"ok\"}");
	api_reply(c, 200);
}

static int read_nothing(struct tx *tx, void *arg, struct err *e)
{
	return 0;
}

/* Ready: the store answers and the hub has a fleet. */
static void hub_answers(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	buf_adds(&c->out, "{\"status\":\"ready\"}");
	api_reply(c, 200);
}

void api_readyz(struct call *c)
{
	if (store_read(c->control->store, read_nothing, NULL, &c->err) < 0) {
		err_set(&c->err, ERR_UNAVAILABLE, "the store does not answer");
		api_fail(c);
		return;
	}
	hub_run(c->control->hub, hub_answers, c);
}

static void add_fleet_metrics(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	struct exposition x = {&c->out, exposition_is_asked_for(http_header(c->rq, "Accept"))};

	fleet_metrics_write(c->control->hub, f, c->project, &x);
	exposition_end(&x);
	c->type = exposition_type(x.openmetrics);
	api_reply(c, 200);
}

void api_metrics(struct call *c)
{
	struct exposition x = {&c->out, exposition_is_asked_for(http_header(c->rq, "Accept"))};

	if (metrics_write(c->control, c->project, &x, &c->err) < 0)
		api_fail(c);
	else
		hub_run(c->control->hub, add_fleet_metrics, c);
}

void api_events(struct call *c)
{
	struct hub *hub = c->control->hub;
	id_text project;
	struct principal who = c->who;
	id_copy(project, c->project);
	hub_panel_stream(hub, api_release(c), project, &who);
}
