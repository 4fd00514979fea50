/*
 * DOC: fuzz: what an issuer sends: a key set, a token, claims; one behind the other, each ended by
 * a newline. Nothing that is not signed by a key of the set may come through.
 */
#include "base/mem.h"
#include "control/jwt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTOFREE char *text = mem_strndup((const char *)data, size);
	char *rest = text, *keys = strsep(&rest, "\n"), *token = strsep(&rest, "\n");
	struct json_doc *jwks = json_parse(keys, strlen(keys), JWKS_MAX, NULL), *claims = NULL;
	struct err e = {0};

	if (jwks != NULL && token != NULL && jwt_verify(json_root(jwks), token, &claims, &e) < 0 &&
		(claims != NULL || e.code == 0))
		abort();
	if (claims != NULL)
		jwt_check(
			json_root(claims), "https://issuer", "client", "nonce", 1800000000000, &e);
	json_free(claims);
	json_free(jwks);
	claims = rest ? json_parse(rest, strlen(rest), JWT_MAX, NULL) : NULL;
	if (claims != NULL)
		jwt_check(
			json_root(claims), "https://issuer", "client", "nonce", 1800000000000, &e);
	json_free(claims);
	return 0;
}
