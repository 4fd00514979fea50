/* DOC: see signon.h. */
#include "control/signon.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text.h"
#include "control/jwt.h"
#include "control/setting.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "crypto/token.h"
#include "http/client.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISCOVERY_PATH "/.well-known/openid-configuration"
#define SEAL_CONTEXT "sign-on trip"
#define USED_MAX 4096 /* trips that came back, the oldest forgotten first */

/* What is known of an issuer. Replaced whole, under the lock. */
struct known {
	struct json_doc *discovery, *keys;
	msec discovered_at, keys_at; /* monotonic */
};

struct signon {
	struct control *control;
	struct secret key; /* seals trips */
	pthread_mutex_t lock;
	struct map known; /* issuer id -> struct known * */
	uint8_t used[USED_MAX][HASH_LEN];
	size_t n_used;
};

static void known_free(void *p)
{
	struct known *k = p;

	if (k != NULL) {
		json_free(k->discovery);
		json_free(k->keys);
	}
	mem_free(k);
}

struct signon *signon_new(struct control *c)
{
	struct signon *s = NEW(struct signon);

	s->control = c;
	pthread_mutex_init(&s->lock, NULL);
	rand_bytes(s->key.bytes, sizeof(s->key.bytes)); /* trips end with the process */
	return s;
}

struct signon *signon_free(struct signon *s)
{
	if (s != NULL) {
		map_done(&s->known, known_free);
		pthread_mutex_destroy(&s->lock);
		secret_wipe(&s->key);
	}
	return mem_free(s);
}

void signon_forget(struct signon *s, const char *issuer)
{
	pthread_mutex_lock(&s->lock);
	known_free(map_remove(&s->known, issuer));
	pthread_mutex_unlock(&s->lock);
}

static bool private_allowed(const struct control *c)
{
	return setting_get(c->settings, SETTING_SIGNON_PRIVATE) != 0;
}

/* https (or, where that is allowed, http on loopback), and none of these characters. */
static bool is_address(const struct control *c, const char *url, const char *without)
{
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr(without, *p) != NULL)
			return false;
	return (text_starts(url, "https://") && url[8] != '\0') ||
		(private_allowed(c) && text_starts(url, "http://127.0.0.1:"));
}

int signon_url_check(const struct control *c, const char *url, struct err *e)
{
	if (is_address(c, url, "#?@\\\"<>"))
		return 0;
	return err_field(e, ERR_INVALID, "url",
		"an issuer's address begins with https:// and has no query, fragment or user");
}

/* An address that the issuer itself names. */
static int endpoint_check(const struct control *c, const char *url, struct err *e)
{
	return is_address(c, url, "#@\\\"<>")
		? 0
		: err_set(e, ERR_UNAVAILABLE, "the issuer names an address that is no https://");
}

/* --- calls ------------------------------------------------------------------------------------ */

/* One call to an absolute address; the answer's JSON. */
static int fetch(struct signon *s, const char *url, struct http_send *send, size_t max,
	struct json_doc **ret, struct err *e)
{
	const char *slashes = strstr(url, "://"), *path = slashes ? strchr(slashes + 3, '/') : NULL;
	struct http_target t = {.public_only = !private_allowed(s->control), .answer_max = max};
	struct http_response response = {0};
	int r = signon_url_check(s->control, url, e);

	if (r < 0)
		return err_set(
			e, ERR_UNAVAILABLE, "the issuer names an address that is no https://");
	t.base = path ? mem_strndup(url, (size_t)(path - url)) : mem_strdup(url);
	send->path = path ? path : "/";
	send->timeout = SIGNON_TIMEOUT;
	r = http_call_wait(&t, send, &response, e);
	http_target_done(&t);
	if (r == 0 && response.status != 200)
		r = err_set(e, ERR_UNAVAILABLE, "the issuer answers %d at %.150s", response.status,
			send->path);
	if (r == 0) {
		*ret = json_parse(response.body.data, response.body.len, max, NULL);
		if (*ret == NULL)
			r = err_set(e, ERR_UNAVAILABLE, "the issuer's answer is not JSON");
	}
	buf_wipe(&response.body);
	http_response_done(&response);
	return r;
}

static int get(struct signon *s, const char *url, size_t max, struct json_doc **ret, struct err *e)
{
	struct http_send send = {.method = "GET"};

	return fetch(s, url, &send, max, ret, e);
}

/* --- what is known of an issuer --------------------------------------------------------------- */

/* Copies of what the discovery says, so that no lock is held while calling. */
struct endpoints {
	char *authorization, *token, *keys;
	bool says_iss, post_secret;
};

static void endpoints_done(struct endpoints *p)
{
	mem_free(p->authorization);
	mem_free(p->token);
	mem_free(p->keys);
}

static bool list_has(const struct json *list, const char *word)
{
	for (size_t i = 0; i < json_count(list); i++) {
		CLEANUP(buf_done) struct buf text = {0};

		json_text(json_at(list, i), &text);
		if (strcmp(buf_str(&text), word) == 0)
			return true;
	}
	return false;
}

static int read_endpoints(
	const struct json *j, const struct issuer *i, struct endpoints *ret, struct err *e)
{
	const char *iss = json_str(j, "issuer"), *a = json_str(j, "authorization_endpoint");
	const char *t = json_str(j, "token_endpoint"), *k = json_str(j, "jwks_uri");
	const struct json *how = json_get(j, "token_endpoint_auth_methods_supported");

	if (iss == NULL || strcmp(iss, i->url) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s calls itself %.100s", i->url,
			iss ? iss : "nothing");
	if (a == NULL || t == NULL || k == NULL)
		return err_set(e, ERR_UNAVAILABLE, "the issuer does not say where to go");
	*ret = (struct endpoints){mem_strdup(a), mem_strdup(t), mem_strdup(k),
		json_bool(j, "authorization_response_iss_parameter_supported", false),
		how && !list_has(how, "client_secret_basic") &&
			list_has(how, "client_secret_post")};
	return 0;
}

static struct known *known_of(struct signon *s, const char *issuer)
{
	struct known *k = map_get(&s->known, issuer);

	if (k == NULL) {
		k = NEW(struct known);
		map_set(&s->known, issuer, k);
	}
	return k;
}

static int discover(struct signon *s, const struct issuer *i, struct endpoints *ret, struct err *e)
{
	msec now = clock_mono(s->control->clock);
	struct json_doc *doc = NULL;
	struct known *k;
	size_t n = strlen(i->url);
	int r;

	pthread_mutex_lock(&s->lock);
	k = known_of(s, i->id);
	bool fresh = k->discovery && k->discovered_at + SIGNON_FRESH > now;
	r = fresh ? read_endpoints(json_root(k->discovery), i, ret, e) : 0;
	pthread_mutex_unlock(&s->lock);
	if (fresh)
		return r;
	while (n > 0 && i->url[n - 1] == '/')
		n--;
	AUTOFREE char *url = mem_printf("%.*s" DISCOVERY_PATH, (int)n, i->url);
	r = get(s, url, SIGNON_DISCOVERY_MAX, &doc, e);
	if (r == 0)
		r = read_endpoints(json_root(doc), i, ret, e);
	if (r < 0) {
		json_free(doc);
		return r;
	}
	pthread_mutex_lock(&s->lock);
	k = known_of(s, i->id);
	json_free(k->discovery);
	k->discovery = doc;
	k->discovered_at = now;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int fetch_keys(
	struct signon *s, const struct issuer *i, const struct endpoints *p, struct err *e)
{
	struct json_doc *doc = NULL;
	int r = get(s, p->keys, JWKS_MAX, &doc, e);

	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	struct known *k = known_of(s, i->id);
	json_free(k->keys);
	k->keys = doc;
	k->keys_at = clock_mono(s->control->clock);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* The token's claims, by the keys at hand; age = how old these are, or -1. */
static int verify(struct signon *s, const struct issuer *i, const char *token,
	struct json_doc **ret, msec *ret_age, struct err *e)
{
	int r = ERR_NOT_FOUND;

	pthread_mutex_lock(&s->lock);
	struct known *k = known_of(s, i->id);
	*ret_age = k->keys ? clock_mono(s->control->clock) - k->keys_at : -1;
	if (k->keys && *ret_age < SIGNON_FRESH)
		r = jwt_verify(json_root(k->keys), token, ret, e);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Keys change; a token by an unknown one is worth a look, once a minute. */
static int verify_or_fetch(struct signon *s, const struct issuer *i, const struct endpoints *p,
	const char *token, struct json_doc **ret, struct err *e)
{
	msec age;
	int r = verify(s, i, token, ret, &age, e);

	if (r == ERR_NOT_FOUND && (age < 0 || age >= SIGNON_AGAIN)) {
		r = fetch_keys(s, i, p, e);
		if (r == 0)
			r = verify(s, i, token, ret, &age, e);
	}
	return r == ERR_NOT_FOUND
		? err_set(e, ERR_UNAUTHORIZED, "the issuer's token is signed by none of its keys")
		: r;
}

/* --- leaving ---------------------------------------------------------------------------------- */

static void escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
}

static void add(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s%s=", out->len > 0 ? "&" : "", name);
	escape(out, value);
}

static void random_text(char ret[static 48])
{
	CLEANUP(buf_wipe) struct buf text = {0};
	uint8_t bytes[32];

	rand_bytes(bytes, sizeof(bytes));
	base64url_encode(bytes, sizeof(bytes), &text);
	snprintf(ret, 48, "%s", buf_str(&text));
	mem_wipe(bytes, sizeof(bytes));
}

int signon_leave(struct signon *s, const struct issuer *i, struct trip *t, struct buf *ret_url,
	struct err *e)
{
	CLEANUP(endpoints_done) struct endpoints p = {0};
	CLEANUP(buf_done) struct buf query = {0}, challenge = {0};
	uint8_t hash[HASH_LEN];
	int r = discover(s, i, &p, e);

	if (r == 0)
		r = endpoint_check(s->control, p.authorization, e);
	if (r < 0)
		return r;
	random_text(t->state);
	random_text(t->nonce);
	random_text(t->verifier);
	t->until = clock_wall(s->control->clock) + SIGNON_LIFETIME;
	hash_sha256(t->verifier, strlen(t->verifier), hash);
	base64url_encode(hash, sizeof(hash), &challenge);
	AUTOFREE char *scope =
		mem_printf("openid%s%s", i->scope ? " " : "", i->scope ? i->scope : "");
	add(&query, "response_type", "code");
	add(&query, "client_id", i->client_id);
	add(&query, "redirect_uri", t->back);
	add(&query, "scope", scope);
	add(&query, "state", t->state);
	add(&query, "nonce", t->nonce);
	add(&query, "code_challenge", buf_str(&challenge));
	add(&query, "code_challenge_method", "S256");
	buf_addf(ret_url, "%s%c%s", p.authorization, strchr(p.authorization, '?') ? '&' : '?',
		buf_str(&query));
	return 0;
}

/* --- the trip in a cookie --------------------------------------------------------------------- */

void signon_seal(const struct signon *s, const struct trip *t, struct buf *out)
{
	CLEANUP(buf_done) struct buf sealed = {0};

	seal_with_secret(&s->key, SEAL_CONTEXT, t, sizeof(*t), &sealed);
	base64url_encode(sealed.data, sealed.len, out);
}

int signon_open(const struct signon *s, const char *cookie, struct trip *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf sealed = {0};
	CLEANUP(buf_wipe) struct buf plain = {0};

	if (strlen(cookie) > 4096 || base64url_decode(cookie, &sealed) < 0 ||
		seal_open_with_secret(
			&s->key, SEAL_CONTEXT, buf_str(&sealed), sealed.len, &plain, NULL) < 0 ||
		plain.len != sizeof(*ret))
		return err_set(e, ERR_UNAUTHORIZED, "this sign-in was not begun in this browser");
	memcpy(ret, plain.data, sizeof(*ret));
	if (ret->until <= clock_wall(s->control->clock))
		return err_set(e, ERR_UNAUTHORIZED, "this sign-in took too long: begin again");
	return 0;
}

int signon_use(struct signon *s, const struct trip *t, struct err *e)
{
	uint8_t hash[HASH_LEN];
	bool used = false;

	hash_sha256(t->state, strlen(t->state), hash);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < USED_MAX && i < s->n_used && !used; i++)
		used = memcmp(s->used[i], hash, HASH_LEN) == 0;
	if (!used)
		memcpy(s->used[s->n_used++ % USED_MAX], hash, HASH_LEN);
	pthread_mutex_unlock(&s->lock);
	return used ? err_set(e, ERR_UNAUTHORIZED, "this sign-in was used already: begin again")
		    : 0;
}

/* --- coming back ------------------------------------------------------------------------------ */

/* RFC 6749, 2.3.1: both are form-encoded before they are joined. */
static char *basic(const struct issuer *i, const struct buf *secret)
{
	CLEANUP(buf_wipe) struct buf plain = {0}, text = {0};

	escape(&plain, i->client_id);
	buf_addc(&plain, ':');
	escape(&plain, buf_str(secret));
	base64_encode(plain.data, plain.len, &text);
	return mem_printf("Authorization: Basic %s", buf_str(&text));
}

static int trade(struct signon *s, const struct issuer *i, const struct endpoints *p,
	const struct trip *t, const char *code, const struct buf *secret, struct json_doc **ret,
	struct err *e)
{
	CLEANUP(buf_wipe) struct buf form = {0};
	bool by_header = secret->len > 0 && !p->post_secret;
	char *header = by_header ? basic(i, secret) : NULL;
	const char *const headers[] = {"Accept: application/json", header, NULL};
	int r;

	add(&form, "grant_type", "authorization_code");
	add(&form, "code", code);
	add(&form, "redirect_uri", t->back);
	add(&form, "code_verifier", t->verifier);
	if (!by_header)
		add(&form, "client_id", i->client_id);
	if (secret->len > 0 && !by_header)
		add(&form, "client_secret", buf_str(secret));
	struct http_send send = {.method = "POST",
		.content_type = "application/x-www-form-urlencoded",
		.headers = headers,
		.body = form.data,
		.body_len = form.len};
	r = fetch(s, p->token, &send, SIGNON_DISCOVERY_MAX, ret, e);
	if (header != NULL)
		mem_wipe(header, strlen(header));
	mem_free(header);
	return r;
}

int signon_return(struct signon *s, const struct issuer *i, const struct trip *t, const char *code,
	const char *said, const struct buf *secret, struct json_doc **ret, struct err *e)
{
	CLEANUP(endpoints_done) struct endpoints p = {0};
	struct json_doc *answer = NULL, *claims = NULL;
	int r = discover(s, i, &p, e);

	if (r == 0 && (said ? strcmp(said, i->url) != 0 : p.says_iss))
		r = err_set(e, ERR_UNAUTHORIZED, "this answer is not of %s", i->url);
	if (r == 0)
		r = trade(s, i, &p, t, code, secret, &answer, e);
	const char *token = answer ? json_str(json_root(answer), "id_token") : NULL;
	if (r == 0 && token == NULL)
		r = err_set(e, ERR_UNAUTHORIZED, "the issuer says nothing of who that is");
	if (r == 0)
		r = verify_or_fetch(s, i, &p, token, &claims, e);
	if (r == 0)
		r = jwt_check(json_root(claims), i->url, i->client_id, t->nonce,
			clock_wall(s->control->clock), e);
	json_free(answer);
	if (r < 0)
		json_free(claims);
	else
		*ret = claims;
	return r;
}
