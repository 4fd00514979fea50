/* DOC: Argon2id on libsodium; see password.h. */
#include "crypto/password.h"

#include "base/mem.h"
#include "base/rand.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(PASSWORD_HASH_LEN >= crypto_pwhash_STRBYTES, "room for the text of a hash");

void password_hash(const char *password, char ret[static PASSWORD_HASH_LEN])
{
	/* Fails only when its 64 MiB are not to be had: as everywhere, the end of the process. */
	if (crypto_pwhash_str_alg(ret, password, strlen(password),
		    crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
		    crypto_pwhash_ALG_ARGON2ID13) != 0) {
		fputs("out of memory hashing a password\n", stderr);
		abort();
	}
}

int password_check(const char *hash, const char *password)
{
	static const uint8_t salt[crypto_pwhash_SALTBYTES];
	size_t n = strnlen(password, PASSWORD_MAX + 1);
	uint8_t burnt[32];

	if (n > PASSWORD_MAX)
		return 0;
	if (hash)
		return crypto_pwhash_str_verify(hash, password, n) == 0;
	if (crypto_pwhash(burnt, sizeof(burnt), password, n, salt,
		    crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE,
		    crypto_pwhash_ALG_ARGON2ID13) == 0)
		mem_wipe(burnt, sizeof(burnt));
	return 0;
}

void password_one_time(char ret[static PASSWORD_ONE_TIME_LEN])
{
	/* 32 characters that are not mistaken for each other: 5 bits each, no bias. */
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t random[20];
	size_t at = 0;

	_Static_assert(sizeof(letters) == 33, "five bits a letter");
	rand_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i > 0 && i % 5 == 0)
			ret[at++] = '-';
		ret[at++] = letters[random[i] & 31];
	}
	ret[at] = '\0';
	mem_wipe(random, sizeof(random));
}
