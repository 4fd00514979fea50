/* DOC: which control plane, as whom; and the one way a command calls it. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define UNIX_SCHEME "http+unix://"
#define TOKEN_FILE_MAX 4096

/* --token-file, else WARREN_TOKEN, else the file that settings name. */
static int read_token(struct cli_session *s, const struct cli_args *a,
	const struct cli_settings *settings, struct err *e)
{
	const char *file = cli_setting(settings, a, "token-file", NULL, "token_file");
	const char *env = getenv("WARREN_TOKEN");
	int r;

	if (env != NULL && *env != '\0' && !cli_has(a, "token-file")) {
		buf_adds(&s->token, env);
		return 0;
	}
	if (file == NULL)
		return 0;
	r = file_read(file, TOKEN_FILE_MAX, &s->token, e);
	while (s->token.len > 0 && isspace((unsigned char)s->token.data[s->token.len - 1]))
		s->token.data[--s->token.len] = '\0';
	return r;
}

int cli_session_init(struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(cli_settings_done) struct cli_settings settings = {0};
	const char *url, *pin, *ca, *project;
	int r = cli_settings_read(a, true, &settings, e);

	if (r < 0)
		return r;
	s->json = cli_has(a, "json");
	url = cli_setting(&settings, a, "url", "WARREN_URL", "url");
	pin = cli_setting(&settings, a, "pin", "WARREN_PIN", "pin");
	ca = cli_setting(&settings, a, "ca", "WARREN_CA", "ca");
	project = cli_setting(&settings, a, "project", "WARREN_PROJECT", "project");
	if (cli_has(a, "state") && !cli_has(a, "url"))
		url = NULL; /* this machine's, by a flag, before what is only set somewhere */
	if (project != NULL)
		s->project = mem_strdup(project);
	if (url == NULL) {
		s->target.base = mem_printf("http+unix://%s/warren.sock", cli_state(&settings, a));
		return 0;
	}
	s->target.base = mem_strdup(url);
	while (strlen(s->target.base) > 0 && s->target.base[strlen(s->target.base) - 1] == '/')
		s->target.base[strlen(s->target.base) - 1] = '\0';
	s->target.ca_file = mem_strdup(ca);
	if (pin != NULL)
		strs_push(&s->target.pins, pin);
	return read_token(s, a, &settings, e);
}

void cli_session_done(struct cli_session *s)
{
	http_target_done(&s->target);
	buf_wipe(&s->token);
	mem_free((void *)(uintptr_t)s->project);
	s->project = NULL;
}

void cli_escape(struct buf *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (isalnum(*p) || strchr("-._~", *p) != NULL)
			buf_addc(out, (char)*p);
		else
			buf_addf(out, "%%%02X", *p);
	}
}

static int code_of_status(int status)
{
	switch (status) {
	case 401:
		return ERR_UNAUTHORIZED;
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_EXISTS;
	case 410:
		return ERR_GONE;
	case 412:
		return ERR_STALE;
	case 429:
	case 503:
		return ERR_UNAVAILABLE;
	default:
		return status >= 500 ? ERR_INTERNAL : ERR_INVALID;
	}
}

static int answer_error(const struct http_response *r, struct err *e)
{
	struct json_doc *d = json_parse(buf_str(&r->body), r->body.len, JSON_MAX, NULL);
	const struct json *j = d ? json_root(d) : NULL;
	const char *detail = json_str(j, "detail"), *field = json_str(j, "field");
	int code = code_of_status(r->status);

	if (detail == NULL)
		err_set(e, code, "the control plane answered %d", r->status);
	else
		err_field(e, code, field ? field : "", "%s", detail);
	json_free(d);
	return code;
}

/* A local socket that does not answer has two reasons, and curl names neither. */
static void explain_socket(const struct cli_session *s, struct err *e)
{
	const char *path = s->target.base + strlen(UNIX_SCHEME);

	if (e == NULL || !text_starts(s->target.base, UNIX_SCHEME) || access(path, W_OK) == 0)
		return;
	if (errno == EACCES)
		err_set(e, ERR_DENIED, "%s is root's: run this as root, or give --url and a token",
			path);
	else
		err_set(e, ERR_UNAVAILABLE,
			"no control plane runs here (%s): start it with warren up, or say where it "
			"is with --url",
			path);
}

int cli_call(struct cli_session *s, const char *method, const char *path, const struct buf *body,
	struct buf *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf full = {0};
	struct http_response response = {0};
	struct http_send send = {.method = method, .timeout = s->timeout};
	int r;

	buf_adds(&full, path);
	if (s->project != NULL) {
		buf_adds(&full, strchr(path, '?') ? "&project=" : "?project=");
		cli_escape(&full, s->project);
	}
	send.path = buf_str(&full);
	send.bearer = s->token.len > 0 ? buf_str(&s->token) : NULL;
	if (body != NULL) {
		send.body = buf_str(body);
		send.body_len = body->len;
	}
	r = http_call_wait(&s->target, &send, &response, e);
	if (r < 0)
		explain_socket(s, e);
	if (r == 0 && response.status >= 400)
		r = answer_error(&response, e);
	else if (r == 0)
		buf_add(ret, response.body.data, response.body.len);
	buf_wipe(&response.body);
	http_response_done(&response);
	return r;
}

int cli_resolve(struct cli_session *s, const char *path, const char *name, struct buf *ret_id,
	struct err *e)
{
	CLEANUP(buf_done) struct buf query = {0};
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d;
	const char *id;
	int r;

	buf_addf(&query, "%s/", path);
	cli_escape(&query, name);
	r = cli_call(s, "GET", buf_str(&query), NULL, &answer, e);
	if (r == 0) { /* an id: the object itself */
		buf_adds(ret_id, name);
		return 0;
	}
	if (r != ERR_NOT_FOUND)
		return r;
	buf_reset(&query);
	buf_reset(&answer);
	buf_addf(&query, "%s?limit=2&name=", path);
	cli_escape(&query, name);
	r = cli_call(s, "GET", buf_str(&query), NULL, &answer, e);
	if (r < 0)
		return r;
	d = json_parse(buf_str(&answer), answer.len, JSON_MAX, e);
	if (d == NULL)
		return ERR_INVALID;
	id = json_str(json_at(json_get(json_root(d), "items"), 0), "id");
	if (json_count(json_get(json_root(d), "items")) > 1)
		r = err_set(e, ERR_INVALID, "more than one is called '%s': give its id", name);
	else if (id == NULL)
		r = err_set(e, ERR_NOT_FOUND, "nothing is called '%s'", name);
	else
		buf_adds(ret_id, id);
	json_free(d);
	return r;
}

int cli_fail(const struct err *e)
{
	if (e->field[0] != '\0' && strncmp(e->text, e->field, strlen(e->field)) != 0)
		fprintf(stderr, "warren: %s: %s\n", e->field, e->text);
	else
		fprintf(stderr, "warren: %s\n", e->text);
	if (e->code == ERR_UNAUTHORIZED)
		fputs("warren: give a token with --token-file or WARREN_TOKEN, or run as root on "
		      "the control plane's machine\n",
			stderr);
	return EXIT_FAILED;
}
