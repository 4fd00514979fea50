/* DOC: verbs of tokens, users, issuers, the audit log and the server's settings. */
#include "cli/nouns.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>

/* Print the answer as JSON, or only the secret it shows once. */
static int print_once(
	const struct cli_session *s, const struct buf *answer, const char *path, struct err *e)
{
	struct json_doc *d;
	const char *secret;
	int r = 0;

	if (s->json) {
		printf("%s\n", buf_str(answer));
		return 0;
	}
	d = json_parse(buf_str(answer), answer->len, answer->len, e);
	if (d == NULL)
		return ERR_INVALID;
	secret = json_str(json_root(d), path);
	if (secret != NULL)
		printf("%s\n", secret);
	else
		r = err_set(e, ERR_INTERNAL, "the answer holds no %s", path);
	json_free(d);
	return r;
}

static int post_once(struct cli_session *s, const char *path, const struct buf *body,
	const char *secret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf answer = {0};
	int r = cli_call(s, "POST", path, body, &answer, e);

	return r < 0 ? r : print_once(s, &answer, secret, e);
}

static int token_add(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0};
	struct cli_args with_kind = *a;
	int r;

	if (!cli_has(a, "kind") && with_kind.n_flags < ARRAY_LEN(with_kind.flags))
		with_kind.flags[with_kind.n_flags++] = (struct cli_flag){"kind", "join"};
	r = cli_body(n, VERB_ADD, &with_kind, a->n_words > 0 ? a->words[0] : "token", &body, e);
	return r < 0 ? r : post_once(s, n->path, &body, "token", e);
}

const struct own_verb token_verbs[] = {
	{"add", token_add, "[NAME]", "prints the token, once", VERB_ADD, 0, 1, NULL},
	{0},
};

static int user_add(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0};
	int r = cli_body(n, VERB_ADD, a, a->words[0], &body, e);

	return r < 0 ? r : post_once(s, n->path, &body, "password", e);
}

static int user_passwd(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, body = {0};
	int r = cli_resolve(s, n->path, a->words[0], &id, e);

	buf_addf(&path, "%s/%s/password", n->path, buf_str(&id));
	buf_adds(&body, "{}");
	return r < 0 ? r : post_once(s, buf_str(&path), &body, "password", e);
}

/* DELETE something of one user. */
static int user_delete(struct cli_session *s, const struct cli_noun *n, const char *name,
	const char *what, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, answer = {0};
	int r = cli_resolve(s, n->path, name, &id, e);

	buf_addf(&path, "%s/%s/%s", n->path, buf_str(&id), what);
	return r < 0 ? r : cli_call(s, "DELETE", buf_str(&path), NULL, &answer, e);
}

static int user_reset_totp(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	return user_delete(s, n, a->words[0], "totp", e);
}

static int user_sign_out(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	return user_delete(s, n, a->words[0], "sessions", e);
}

const struct own_verb user_verbs[] = {
	{"add", user_add, "NAME", "prints a one-time password", VERB_ADD, 1, 1, NULL},
	{"passwd", user_passwd, "NAME", "a new one-time password", 0, 1, 1, NULL},
	{"reset-totp", user_reset_totp, "NAME", "take their second step off", 0, 1, 1, NULL},
	{"sign-out", user_sign_out, "NAME", "end their sessions", 0, 1, 1, NULL},
	{0},
};

/* Whole or not is the exit status. */
static int audit_verify(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d;
	int r = cli_call(s, "GET", "/api/v1/audit/verify", NULL, &answer, e);

	if (r < 0)
		return r;
	d = json_parse(buf_str(&answer), answer.len, answer.len, e);
	if (d == NULL)
		return ERR_INVALID;
	if (s->json)
		printf("%s\n", buf_str(&answer));
	else if (json_bool(json_root(d), "whole", false))
		printf("whole: lines %lld to %lld\n", (long long)json_int(json_root(d), "first", 0),
			(long long)json_int(json_root(d), "last", 0));
	if (!json_bool(json_root(d), "whole", false))
		r = err_set(e, ERR_CORRUPT, "%s", json_str(json_root(d), "fault"));
	json_free(d);
	return r;
}

const struct own_verb audit_verbs[] = {
	{"verify", audit_verify, NULL, "is the log whole? (with --project; without, the server's)",
		0, 0, 0, NULL},
	{0},
};

static int setting_show(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0};
	int r = cli_call(s, "GET", n->path, NULL, &answer, e);

	if (r == 0)
		cli_print_object(s, &answer, NULL);
	return r;
}

static int setting_set(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0}, answer = {0};
	struct json_writer w = {.out = &body};
	const char *value = a->words[1];
	uint64_t number;
	int r;

	json_begin_object(&w, NULL);
	if (text_u64(value, INT32_MAX, &number) == 0)
		json_put_u64(&w, a->words[0], number);
	else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		json_put_bool(&w, a->words[0], value[0] == 't');
	else
		json_put_str(&w, a->words[0], value);
	json_end_object(&w);
	r = cli_call(s, "PATCH", n->path, &body, &answer, e);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	return r;
}

const struct own_verb setting_verbs[] = {
	{"show", setting_show, NULL, "all of them", 0, 0, 0, NULL},
	{"set", setting_set, "NAME VALUE", "change one", 0, 2, 2, NULL},
	{0},
};

#define CLIENT_SECRET_FILE_MAX 1024

/* The noun's options and the secret of a file, without the newline editors put behind it. */
static int issuer_body(const struct cli_noun *n, unsigned verb, const struct cli_args *a,
	const char *name, struct buf *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf secret = {0};
	const char *file = cli_flag(a, "client-secret-file");
	int r = cli_body(n, verb, a, name, ret, e);

	if (r < 0 || file == NULL)
		return r;
	r = file_read(file, CLIENT_SECRET_FILE_MAX, &secret, e);
	if (r < 0)
		return r;
	while (secret.len > 0 && strchr("\r\n", secret.data[secret.len - 1]) != NULL)
		secret.data[--secret.len] = '\0';
	ret->data[--ret->len] = '\0'; /* the brace */
	buf_adds(ret, ret->len > 1 ? ",\"client_secret\":" : "\"client_secret\":");
	json_quote(ret, buf_str(&secret));
	buf_addc(ret, '}');
	return 0;
}

static int issuer_add(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_wipe) struct buf body = {0};
	CLEANUP(buf_done) struct buf answer = {0};
	int r = issuer_body(n, VERB_ADD, a, a->words[0], &body, e);

	if (r == 0)
		r = cli_call(s, "POST", n->path, &body, &answer, e);
	if (r == 0)
		cli_print_object(s, &answer, NULL);
	return r;
}

static int issuer_set(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_wipe) struct buf body = {0};
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, answer = {0};
	int r = cli_resolve(s, n->path, a->words[0], &id, e);

	buf_addf(&path, "%s/%s", n->path, buf_str(&id));
	if (r == 0)
		r = issuer_body(n, VERB_SET, a, NULL, &body, e);
	if (r == 0)
		r = cli_call(s, "PATCH", buf_str(&path), &body, &answer, e);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	return r;
}

static const struct cli_option issuer_options[] = {
	{"client-secret-file", "FILE", "what we are known by there"}, {0}};

const struct own_verb issuer_verbs[] = {
	{"add", issuer_add, "NAME", "let it say who people are", VERB_ADD, 1, 1, issuer_options},
	{"set", issuer_set, "NAME", "change it", VERB_SET, 1, 1, issuer_options},
	{0},
};
