/* DOC: passwords by Argon2id (libsodium, interactive limits: 64 MiB, about 70 ms). Slow on purpose:
 * call it on a worker thread, two at most (DESIGN, Threads). */
#ifndef WARREN_CRYPTO_PASSWORD_H
#define WARREN_CRYPTO_PASSWORD_H

#define PASSWORD_HASH_LEN 128
#define PASSWORD_MIN 10
#define PASSWORD_MAX 512

void password_hash(const char *password, char ret[static PASSWORD_HASH_LEN]);
/* 1 when it fits, 0 when not. hash NULL burns the same time and answers 0 (unknown user). */
int password_check(const char *hash, const char *password);
/* A readable one-time password of 20 characters (100 bits) in groups of five. */
#define PASSWORD_ONE_TIME_LEN 24
void password_one_time(char ret[static PASSWORD_ONE_TIME_LEN]);

#endif
