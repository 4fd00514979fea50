/*
 * DOC: the wg-quick file: golden files byte by byte, wg-quick itself as a reader, and refusals.
 * To renew a golden file after a wanted change: GOLDEN_WRITE=1 test_config, then read the diff.
 */
#include "render/config.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One configuration with everything in it; the strings and lists are the test's. */
struct sample {
	struct device_config c;
	struct secret key, psk;
	struct strs dns;
	struct prefix_vec allowed;
};

static void allow(struct sample *s, const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, "p", &p, NULL), 0);
	VEC_PUSH(&s->allowed, p);
}

static void make(struct sample *s)
{
	*s = (struct sample){0};
	for (int i = 0; i < KEY_LEN; i++) {
		s->key.bytes[i] = (uint8_t)(i + 1);
		s->psk.bytes[i] = (uint8_t)(0x80 + i);
		s->c.peer_key.bytes[i] = (uint8_t)(0x40 + i);
	}
	strs_push(&s->dns, "172.30.100.1");
	strs_push(&s->dns, "fd00::1");
	allow(s, "172.30.0.0/16");
	allow(s, "fd12:3456:789a::/64");
	s->c.private_key = &s->key;
	s->c.psk = &s->psk;
	s->c.dns = &s->dns;
	s->c.allowed_ips = &s->allowed;
	assert_int_equal(addr_parse("172.30.100.2", &s->c.ipv4), 0);
	assert_int_equal(addr_parse("fd12:3456:789a::ac1e:6402", &s->c.ipv6), 0);
	s->c.search_domain = "office";
	s->c.mtu = 1380;
	s->c.endpoint = "[2001:db8::1]:51820";
	s->c.keepalive = 25;
	s->c.name = "John's \"iPhone\" # [Peer] = 日本";
}

static void done(struct sample *s)
{
	strs_done(&s->dns);
	VEC_DONE(&s->allowed);
}

static void assert_golden(const struct device_config *c, const char *name)
{
	CLEANUP(buf_wipe) struct buf got = {0};
	CLEANUP(buf_done) struct buf want = {0};
	AUTOFREE char *path = mem_printf("%s/%s", GOLDEN, name);
	struct err e = {0};

	if (render_wg_quick(c, &got, &e) < 0)
		fail_msg("%s: %s", e.field, e.text);
	if (getenv("GOLDEN_WRITE") != NULL)
		assert_int_equal(file_write(path, got.data, got.len, 0644, &e), 0);
	assert_int_equal(file_read(path, 65536, &want, &e), 0);
	assert_string_equal(buf_str(&got), buf_str(&want));
}

static void golden(void **state)
{
	struct sample s;

	make(&s);
	assert_golden(&s.c, "full.conf");
	s.c.private_key = NULL; /* the key is gone or was never ours */
	assert_golden(&s.c, "no-key.conf");
	done(&s);
	make(&s);
	s.c.psk = NULL; /* everything optional left out */
	s.c.dns = NULL;
	s.c.ipv6 = (struct addr){0};
	s.c.mtu = 0;
	s.c.keepalive = 0;
	s.c.name = NULL;
	s.c.endpoint = "vpn.example.com:51820";
	s.allowed.n = 0;
	allow(&s, "0.0.0.0/0");
	allow(&s, "::/0");
	assert_golden(&s.c, "least.conf");
	done(&s);
}

/* wg-quick reads the golden files and hands WireGuard what is WireGuard's. */
static void wg_quick_takes_it(void **state)
{
	char dir[] = "/tmp/warren-render-XXXXXX", line[512];
	CLEANUP(buf_done) struct buf text = {0};
	CLEANUP(buf_done) struct buf got = {0};
	AUTOFREE char *path = NULL, *command = NULL, *from = mem_printf("%s/full.conf", GOLDEN);
	struct err e = {0};
	FILE *p;

	if (system("command -v wg-quick >/dev/null 2>&1") != 0) {
		print_message("wg-quick is not installed\n");
		skip();
	}
	if (geteuid() != 0) {
		print_message("wg-quick wants root even to read\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/client.conf", dir);
	assert_int_equal(file_read(from, 65536, &text, &e), 0);
	assert_int_equal(file_write(path, text.data, text.len, 0600, &e), 0);
	command = mem_printf("wg-quick strip %s 2>&1", path);
	p = popen(command, "r");
	assert_non_null(p);
	while (fgets(line, sizeof(line), p) != NULL)
		buf_adds(&got, line);
	assert_int_equal(pclose(p), 0);
	unlink(path);
	rmdir(dir);
	assert_string_equal(buf_str(&got),
		"[Interface]\n"
		"# John's \"iPhone\" # [Peer] = 日本\n"
		"PrivateKey = AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"
		"\n"
		"[Peer]\n"
		"PublicKey = QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=\n"
		"PresharedKey = gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8=\n"
		"AllowedIPs = 172.30.0.0/16, fd12:3456:789a::/64\n"
		"Endpoint = [2001:db8::1]:51820\n"
		"PersistentKeepalive = 25\n"
		"\n");
}

static void refusals(void **state)
{
	struct secret zero = {0};
	struct prefix_vec none = {0};
	struct sample s;

#define REFUSED(change, field_)                                                 \
	do {                                                                    \
		struct device_config keep = s.c;                                \
		struct buf out = {0};                                           \
		struct err e = {0};                                             \
		change;                                                         \
		buf_adds(&out, "before");                                       \
		assert_int_equal(render_wg_quick(&s.c, &out, &e), ERR_INVALID); \
		assert_string_equal(e.field, field_);                           \
		assert_string_equal(buf_str(&out), "before");                   \
		buf_done(&out);                                                 \
		s.c = keep;                                                     \
	} while (0)
	make(&s);
	REFUSED(s.c.name = "a\nPostUp = reboot", "name");
	REFUSED(s.c.name = "a\rb", "name");
	REFUSED(s.c.name = "a\xe2\x80\xa8PostUp = reboot", "name");
	REFUSED(s.c.name = "\xff", "name");
	REFUSED(s.c.endpoint = "gw:1\nPostUp = reboot", "endpoint");
	REFUSED(s.c.endpoint = "gw", "endpoint");
	REFUSED(s.c.endpoint = "", "endpoint");
	REFUSED(s.c.endpoint = NULL, "endpoint");
	REFUSED(s.c.search_domain = "a\nb", "search_domain");
	REFUSED(s.c.search_domain = "a, 6.6.6.6", "search_domain");
	REFUSED(s.c.allowed_ips = &none, "allowed_ips");
	REFUSED(s.c.allowed_ips = NULL, "allowed_ips");
	REFUSED(memset(&s.c.peer_key, 0, KEY_LEN), "public_key");
	REFUSED(s.c.private_key = &zero, "private_key");
	REFUSED((s.c.ipv4 = (struct addr){0}, s.c.ipv6 = s.c.ipv4), "ipv4");
	REFUSED(s.c.ipv4 = s.c.ipv6, "ipv4");
	mem_free(s.dns.v[0]);
	s.dns.v[0] = mem_strdup("1.1.1.1\nPostUp = reboot");
	REFUSED((void)0, "dns");
	done(&s);
}

/* The most a schema lets through still fits the room reserved up front: no key is moved. */
static void the_buffer_does_not_grow_while_writing(void **state)
{
	struct buf out = {0};
	struct sample s;
	char *first;

	make(&s);
	for (int i = 0; i < 62; i++)
		allow(&s, "fd12:3456:789a:1111:2222:3333:4444:5555/128");
	assert_int_equal(render_wg_quick(&s.c, &out, NULL), 0);
	first = out.data;
	assert_true(out.len < out.cap);
	buf_reset(&out);
	assert_int_equal(render_wg_quick(&s.c, &out, NULL), 0);
	assert_ptr_equal(out.data, first);
	buf_wipe(&out);
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(wg_quick_takes_it),
		cmocka_unit_test(refusals),
		cmocka_unit_test(the_buffer_does_not_grow_while_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
