/* DOC: passwords: checked by Argon2id, one-time ones readable. */
#include "base/mem.h"
#include "crypto/key.h"
#include "crypto/password.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_check(void **state)
{
	char hash[PASSWORD_HASH_LEN], again[PASSWORD_HASH_LEN];
	AUTOFREE char *huge = mem_zalloc(PASSWORD_MAX + 2);

	password_hash("correct horse", hash);
	password_hash("correct horse", again);
	assert_int_equal(strncmp(hash, "$argon2id$", 10), 0);
	assert_string_not_equal(hash, again); /* salted */
	assert_int_equal(password_check(hash, "correct horse"), 1);
	assert_int_equal(password_check(hash, "correct horse "), 0);
	assert_int_equal(password_check(hash, ""), 0);
	assert_int_equal(password_check(NULL, "correct horse"), 0);
	assert_int_equal(password_check("", "correct horse"), 0);
	assert_int_equal(password_check("$argon2id$nonsense", "correct horse"), 0);
	memset(huge, 'x', PASSWORD_MAX + 1);
	password_hash(huge, hash);
	assert_int_equal(password_check(hash, huge), 0);
}

static void test_one_time(void **state)
{
	char a[PASSWORD_ONE_TIME_LEN], b[PASSWORD_ONE_TIME_LEN];

	for (int i = 0; i < 100; i++) {
		password_one_time(a);
		password_one_time(b);
		assert_int_equal(strlen(a), 23);
		assert_string_not_equal(a, b);
		for (size_t at = 0; at < 23; at++) {
			if (at % 6 == 5)
				assert_int_equal(a[at], '-');
			else
				assert_non_null(strchr("abcdefghijkmnpqrstuvwxyz23456789", a[at]));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_one_time),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
