/* DOC: see jwt.h. A key says which algorithm it is for; the token's header only picks the key. */
#include "control/jwt.h"

#include "base/mem.h"
#include "crypto/hash.h"
#include "crypto/verify.h"

#include <string.h>

static int refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_UNAUTHORIZED, "the issuer's token is not valid: %s", why);
}

/* --- keys ------------------------------------------------------------------------------------- */

static const struct {
	const char *kty, *crv, *alg, *a, *b;
	enum verify_alg verify;
} kinds[] = {
	{"RSA", NULL, "RS256", "n", "e", VERIFY_RS256},
	{"EC", "P-256", "ES256", "x", "y", VERIFY_ES256},
	{"OKP", "Ed25519", "EdDSA", "x", NULL, VERIFY_EDDSA},
};

static bool same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static int decode(
	const struct json *jwk, const char *name, uint8_t *ret, size_t size, size_t *ret_n)
{
	CLEANUP(buf_done) struct buf bytes = {0};
	const char *text = name ? json_str(jwk, name) : "";
	size_t skip = 0;

	if (text == NULL || strlen(text) > 4 * VERIFY_RSA_MAX || base64url_decode(text, &bytes) < 0)
		return -1;
	while (skip < bytes.len && bytes.len > 64 && bytes.data[skip] == 0)
		skip++; /* a sign byte before a modulus */
	if (bytes.len - skip > size)
		return -1;
	if (bytes.len > skip)
		memcpy(ret, bytes.data + skip, bytes.len - skip);
	*ret_n = bytes.len - skip;
	return 0;
}

/* A key for signatures by this algorithm, and with this id if one is given. */
static bool read_key(
	const struct json *jwk, const char *alg, const char *kid, struct verify_key *ret)
{
	const char *its_alg = json_str(jwk, "alg"), *use = json_str(jwk, "use");

	if ((its_alg && strcmp(its_alg, alg) != 0) || (use && strcmp(use, "sig") != 0) ||
		(kid && !same(json_str(jwk, "kid"), kid)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].alg, alg) != 0 || !same(json_str(jwk, "kty"), kinds[i].kty) ||
			(kinds[i].crv && !same(json_str(jwk, "crv"), kinds[i].crv)))
			continue;
		*ret = (struct verify_key){.alg = kinds[i].verify};
		return decode(jwk, kinds[i].a, ret->a, sizeof(ret->a), &ret->a_len) == 0 &&
			decode(jwk, kinds[i].b, ret->b, sizeof(ret->b), &ret->b_len) == 0;
	}
	return false;
}

/* --- the token -------------------------------------------------------------------------------- */

/* One of the three parts, decoded. */
static int part(const char *from, const char *to, struct buf *ret)
{
	AUTOFREE char *text = mem_strndup(from, (size_t)(to - from));

	return base64url_decode(text, ret);
}

static int check_signature(const struct json *jwks, const struct json *header, const char *token,
	size_t n, const struct buf *signature, struct err *e)
{
	const struct json *keys = json_get(jwks, "keys");
	const char *alg = json_str(header, "alg"), *kid = json_str(header, "kid");
	struct verify_key key;
	bool known = false, tried = false;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		known = known || same(alg, kinds[i].alg);
	if (!known)
		return refuse(e, "its algorithm is not RS256, ES256 or EdDSA");
	if (json_get(header, "crit") != NULL)
		return refuse(e, "it wants something unknown to be understood (crit)");
	for (size_t i = 0; i < json_count(keys) && i < JWKS_KEYS_MAX; i++) {
		if (!read_key(json_at(keys, i), alg, kid, &key))
			continue;
		tried = true;
		if (verify_signature(&key, token, n, (const uint8_t *)buf_str(signature),
			    signature->len) == 0)
			return 0;
	}
	return tried ? refuse(e, "its signature does not fit")
		     : err_set(e, ERR_NOT_FOUND, "the issuer's keys have none for its token");
}

int jwt_verify(const struct json *jwks, const char *token, struct json_doc **ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf head = {0}, body = {0};
	CLEANUP(buf_done) struct buf signature = {0};
	const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
	struct json_doc *header;
	int r;

	if (strnlen(token, JWT_MAX + 1) > JWT_MAX || second == NULL || strchr(second + 1, '.') ||
		part(token, first, &head) < 0 || part(first + 1, second, &body) < 0 ||
		part(second + 1, second + strlen(second), &signature) < 0)
		return refuse(e, "it is no signed token");
	header = json_parse(head.data, head.len, JWT_MAX, NULL);
	if (header == NULL)
		return refuse(e, "its header is not JSON");
	r = check_signature(
		jwks, json_root(header), token, (size_t)(second - token), &signature, e);
	json_free(header);
	if (r < 0)
		return r;
	*ret = json_parse(body.data, body.len, JWT_MAX, NULL);
	return *ret ? 0 : refuse(e, "what it says is not JSON");
}

/* --- what it says ----------------------------------------------------------------------------- */

static bool is_audience(const struct json *claims, const char *client)
{
	const struct json *aud = json_get(claims, "aud");
	const char *party = json_str(claims, "azp"), *one = json_str(claims, "aud");
	bool found = same(one, client);

	for (size_t i = 0; one == NULL && i < json_count(aud); i++) {
		CLEANUP(buf_done) struct buf text = {0};

		if (json_kind(json_at(aud, i)) != JSON_IS_STR)
			return false;
		json_text(json_at(aud, i), &text);
		found = found || strcmp(buf_str(&text), client) == 0;
	}
	/* Among several audiences it must say that we asked for it. */
	return found && (party ? strcmp(party, client) == 0 : one != NULL || json_count(aud) == 1);
}

/* Seconds since 1970 as wall time; 0 when it is not there, -1 when it is no time. */
static msec time_of(const struct json *claims, const char *name)
{
	const struct json *v = json_get(claims, name);
	int64_t seconds = json_int(claims, name, -1);

	if (v == NULL)
		return 0;
	return json_kind(v) != JSON_IS_INT || seconds <= 0 || seconds > INT64_MAX / 2000
		? -1
		: seconds * 1000;
}

int jwt_check(const struct json *claims, const char *issuer, const char *client, const char *nonce,
	msec now, struct err *e)
{
	const char *sub = json_str(claims, "sub");
	msec exp = time_of(claims, "exp"), iat = time_of(claims, "iat"),
	     nbf = time_of(claims, "nbf");

	if (json_kind(claims) != JSON_IS_OBJECT)
		return refuse(e, "it says nothing");
	if (!same(json_str(claims, "iss"), issuer))
		return refuse(e, "it is of another issuer");
	if (!is_audience(claims, client))
		return refuse(e, "it is for somebody else (aud, azp)");
	if (!same(json_str(claims, "nonce"), nonce))
		return refuse(e, "it is of another sign-in (nonce)");
	if (exp <= 0 || exp + JWT_SKEW <= now)
		return refuse(e, "it has expired, or the clocks differ");
	if (iat <= 0 || iat - JWT_SKEW > now || nbf < 0 || nbf - JWT_SKEW > now)
		return refuse(e, "it is of the future: the clocks differ");
	if (sub == NULL || *sub == '\0' || strlen(sub) > JWT_TEXT_MAX)
		return refuse(e, "it names nobody (sub)");
	return 0;
}
