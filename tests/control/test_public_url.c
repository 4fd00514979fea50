/* DOC: what links to the panel begin with: never "every address", which is nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/mem.h"
#include "control/public_url.h"
#include <string.h>

static void expect(const char *listen, const char *allowed, const char *want)
{
	struct control_options o = {.listen = listen, .allowed_hosts = allowed};
	CLEANUP(buf_done) struct buf got = {0};

	public_host(&o, &got);
	assert_string_equal(buf_str(&got), want);
}

static void as_it_listens(void **state)
{
	expect("127.0.0.1:8443", NULL, "127.0.0.1:8443");
	expect("[2001:db8::1]:443", "panel.example.com", "[2001:db8::1]:443");
	expect("panel.example.com:8443", "other.example.com", "panel.example.com:8443");
}

static void every_address(void **state)
{
	static const char *const listens[] = {"0.0.0.0:8443", "[::]:8443"};

	for (size_t i = 0; i < ARRAY_LEN(listens); i++) {
		struct control_options o = {.listen = listens[i]};
		CLEANUP(buf_done) struct buf got = {0};

		expect(listens[i], " vpn.example.com, b.example.com", "vpn.example.com:8443");
		expect(listens[i], "2001:db8::7", "[2001:db8::7]:8443");
		public_host(&o, &got);
		assert_null(strstr(buf_str(&got), "0.0.0.0"));
		assert_null(strstr(buf_str(&got), "[::]"));
		assert_string_equal(strrchr(buf_str(&got), ':'), ":8443");
		assert_true(got.len > strlen(":8443"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_listens),
		cmocka_unit_test(every_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
