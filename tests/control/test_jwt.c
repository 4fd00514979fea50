/*
 * DOC: ID tokens: those of the fuzz corpus are right (made by another program: jose); each change
 * of one is not. Then what a token says, claim by claim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "control/jwt.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((msec)1800000010 * 1000)

struct sample {
	char keys[2048], token[2048];
};

static void load(const char *name, struct sample *ret)
{
	const char *root = getenv("SOURCE_ROOT");
	AUTOFREE char *path =
		mem_printf("%s/tests/fuzz/corpus/jwt/%s", root ? root : "../../..", name);
	CLEANUP(buf_done) struct buf text = {0};

	assert_int_equal(file_read(path, sizeof(*ret), &text, NULL), 0);
	assert_int_equal(
		sscanf(buf_str(&text), "%2047[^\n]\n%2047[^\n]", ret->keys, ret->token), 2);
}

static int verify(const char *keys, const char *token, struct json_doc **ret)
{
	struct json_doc *jwks = json_parse(keys, strlen(keys), JWKS_MAX, NULL), *claims = NULL;
	struct err e = {0};

	assert_non_null(jwks);
	int r = jwt_verify(json_root(jwks), token, &claims, &e);
	json_free(jwks);
	if (r < 0)
		assert_null(claims);
	if (ret != NULL)
		*ret = claims;
	else
		json_free(claims);
	return r;
}

static const char *const samples[] = {"rs256", "es256", "eddsa"};

static void others_tokens_are_understood(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		struct sample s;
		struct json_doc *claims = NULL;
		struct err e = {0};
		load(samples[i], &s);
		assert_int_equal(verify(s.keys, s.token, &claims), 0);
		assert_int_equal(
			jwt_check(json_root(claims), "https://issuer", "client", "nonce", NOW, &e),
			0);
		json_free(claims);
	}
}

/* Whatever character is changed into whatever other, the token is refused. */
static void no_change_goes_unseen(void **state)
{
	for (size_t i = 0; i < 3; i++) {
		struct sample s;
		load(samples[i], &s);
		for (size_t k = 0; k < strlen(s.token); k += 3) {
			char was = s.token[k];
			s.token[k] = was == 'A' ? 'B' : 'A';
			assert_true(verify(s.keys, s.token, NULL) < 0);
			s.token[k] = was;
		}
		s.token[strlen(s.token) - 4] = '\0';
		assert_true(verify(s.keys, s.token, NULL) < 0);
	}
}

static void keys_of_others_do_not_fit(void **state)
{
	struct sample a, b, c;
	load("rs256", &a);
	load("es256", &b);
	load("eddsa", &c);
	assert_int_equal(verify(b.keys, a.token, NULL), ERR_NOT_FOUND);
	assert_int_equal(verify(a.keys, c.token, NULL), ERR_NOT_FOUND);
	assert_int_equal(verify("{\"keys\":[]}", a.token, NULL), ERR_NOT_FOUND);
	assert_int_equal(verify("{}", a.token, NULL), ERR_NOT_FOUND);
	assert_int_equal(verify("[1]", a.token, NULL), ERR_NOT_FOUND);
}

/* The same claims under another header. */
static int reheaded(const struct sample *s, const char *header)
{
	CLEANUP(buf_done) struct buf token = {0};

	base64url_encode(header, strlen(header), &token);
	buf_adds(&token, strchr(s->token, '.'));
	return verify(s->keys, buf_str(&token), NULL);
}

static void the_header_chooses_nothing(void **state)
{
	static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}",
		"{\"alg\":\"\"}", "{}", "{\"alg\":null}", "{\"alg\":[\"RS256\"]}",
		"{\"alg\":\"HS256\",\"kid\":\"k-RS256\"}",
		"{\"alg\":\"RS384\",\"kid\":\"k-RS256\"}",
		"{\"alg\":\"PS256\",\"kid\":\"k-RS256\"}",
		"{\"alg\":\"RS256\",\"kid\":\"k-RS256\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"RS256\",\"kid\":\"k-RS256\",\"jwk\":{}}", "not JSON"};
	struct sample s;
	load("rs256", &s);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		assert_int_equal(reheaded(&s, headers[i]), ERR_UNAUTHORIZED);
	static const char *const shapes[] = {
		"", ".", "..", "a.b", "a.b.c.d", "a.b.c", "=.=.=", "eyJhbGciOiJub25lIn0.e30."};
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		assert_int_equal(verify(s.keys, shapes[i], NULL), ERR_UNAUTHORIZED);
}

static void claims_are_checked(void **state)
{
	static const struct {
		const char *claims;
		bool good;
	} rows[] = {
		{"\"aud\":\"me\",\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"", true},
		{"\"aud\":[\"me\"],\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"", true},
		{"\"aud\":[\"x\",\"me\"],\"azp\":\"me\",\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"",
			true},
		{"\"aud\":[\"x\",\"me\"],\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"",
			false},
		{"\"aud\":\"me\",\"azp\":\"x\",\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"",
			false},
		{"\"aud\":\"you\",\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"", false},
		{"\"aud\":[],\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"", false},
		{"\"aud\":[[\"me\"]],\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"", false},
		{"\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"a\"", false},
		/* within the skew, and beyond it */
		{"\"aud\":\"me\",\"exp\":1799999960,\"iat\":1799999900,\"sub\":\"a\"", true},
		{"\"aud\":\"me\",\"exp\":1799999950,\"iat\":1799999900,\"sub\":\"a\"", false},
		{"\"aud\":\"me\",\"exp\":1800000500,\"iat\":1800000060,\"sub\":\"a\"", true},
		{"\"aud\":\"me\",\"exp\":1800000500,\"iat\":1800000080,\"sub\":\"a\"", false},
		{"\"aud\":\"me\",\"exp\":1800000500,\"iat\":1800000000,\"nbf\":1800000090,\"sub\":\"a\"",
			false},
		{"\"aud\":\"me\",\"exp\":\"1800000100\",\"iat\":1800000000,\"sub\":\"a\"", false},
		{"\"aud\":\"me\",\"exp\":1e99,\"iat\":1800000000,\"sub\":\"a\"", false},
		{"\"aud\":\"me\",\"exp\":9223372036854775807,\"iat\":1800000000,\"sub\":\"a\"",
			false},
		{"\"aud\":\"me\",\"exp\":-1,\"iat\":1800000000,\"sub\":\"a\"", false},
		{"\"aud\":\"me\",\"exp\":1800000100,\"sub\":\"a\"", false},
		{"\"aud\":\"me\",\"exp\":1800000100,\"iat\":1800000000,\"sub\":\"\"", false},
		{"\"aud\":\"me\",\"exp\":1800000100,\"iat\":1800000000,\"sub\":7", false},
		{"\"aud\":\"me\",\"exp\":1800000100,\"iat\":1800000000", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTOFREE char *text =
			mem_printf("{\"iss\":\"https://i\",\"nonce\":\"n\",%s}", rows[i].claims);
		struct json_doc *d = json_parse(text, strlen(text), JWT_MAX, NULL);
		struct err e = {0};
		assert_non_null(d);
		int r = jwt_check(json_root(d), "https://i", "me", "n", NOW, &e);
		if ((r == 0) != rows[i].good)
			fail_msg("%s: %d %s", text, r, e.text);
		assert_true(jwt_check(json_root(d), "https://i/", "me", "n", NOW, &e) < 0);
		assert_true(jwt_check(json_root(d), "https://i", "me", "m", NOW, &e) < 0);
		json_free(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_tokens_are_understood),
		cmocka_unit_test(no_change_goes_unseen),
		cmocka_unit_test(keys_of_others_do_not_fit),
		cmocka_unit_test(the_header_chooses_nothing),
		cmocka_unit_test(claims_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
