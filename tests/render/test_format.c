/*
 * DOC: the other formats: golden files byte by byte, names that try to break out, identifiers that
 * stay, and templates. Real programs read these formats in tests/e2e and tests/vm.
 */
#include "render/format.h"

#include "base/file.h"
#include "render/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>

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

static void make(struct sample *s, bool full)
{
	*s = (struct sample){0};
	for (int i = 0; i < KEY_LEN; i++) {
		s->key.bytes[i] = (uint8_t)(i + 1);
		s->psk.bytes[i] = (uint8_t)(0x80 + i);
		s->c.peer_key.bytes[i] = (uint8_t)(0x40 + i);
	}
	strs_push(&s->dns, "172.30.100.1");
	strs_push(&s->dns, "fd00::1");
	allow(s, full ? "0.0.0.0/0" : "172.30.0.0/16");
	allow(s, full ? "::/0" : "fd12:3456:789a::/64");
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
	s->c.name = " A&B's <\"phone\">]]> {{name}} $HOME \\";
	s->c.interface = "warren0";
	s->c.id = "cl_1";
}

static void done(struct sample *s)
{
	strs_done(&s->dns);
	VEC_DONE(&s->allowed);
}

static void assert_golden(const struct buf *got, const char *name)
{
	CLEANUP(buf_done) struct buf want = {0};
	AUTOFREE char *path = mem_printf("%s/%s", GOLDEN, name);
	struct err e = {0};

	if (getenv("GOLDEN_WRITE") != NULL)
		assert_int_equal(file_write(path, got->data, got->len, 0644, &e), 0);
	assert_int_equal(file_read(path, 65536, &want, &e), 0);
	assert_string_equal(buf_str(got), buf_str(&want));
}

static void golden(void **state)
{
	for (const struct config_format *f = config_formats; f->word != NULL; f++)
		for (int full = 0; full < 2; full++) {
			AUTOFREE char *name =
				mem_printf("%s%s", f->word, full ? ".full-tunnel" : ".split");
			CLEANUP(buf_wipe) struct buf out = {0};
			const struct config_format *found = NULL;
			struct sample s;
			struct err e = {0};

			make(&s, full);
			if (config_render(f, &s.c, &out, &e) < 0)
				fail_msg("%s: %s", f->word, e.text);
			assert_golden(&out, name);
			found = config_format_of(buf_str(&out));
			assert_string_equal(found->suffix, f->suffix);
			done(&s);
		}
}

static void without_the_key(void **state)
{
	for (const struct config_format *f = config_formats; f->word != NULL; f++) {
		CLEANUP(buf_wipe) struct buf out = {0};
		struct sample s;
		struct err e = {0};
		int r;

		make(&s, false);
		s.c.private_key = NULL;
		r = config_render(f, &s.c, &out, &e);
		assert_int_equal(r, f->needs_key ? ERR_GONE : 0);
		if (r < 0) {
			assert_non_null(strstr(e.text, "rotate"));
			assert_int_equal(out.len, 0);
		} else {
			assert_non_null(strstr(buf_str(&out),
				f->render == render_keyfile            ? "\n# private-key=("
					: f->render == render_networkd ? "\n# PrivateKey=("
								       : "\n# PrivateKey = ("));
		}
		done(&s);
	}
}

/* A value with a line end in it is refused by every format, and nothing is written. */
static void control_characters(void **state)
{
	for (const struct config_format *f = config_formats; f->word != NULL; f++) {
		CLEANUP(buf_wipe) struct buf out = {0};
		struct sample s;
		struct err e = {0};

		make(&s, false);
		s.c.name = "a\n[Peer]";
		assert_int_equal(config_render(f, &s.c, &out, &e), ERR_INVALID);
		assert_string_equal(e.field, "name");
		assert_int_equal(out.len, 0);
		done(&s);
	}
}

/* A name cannot begin a third file, nor hide the second. */
static void names_that_look_like_a_file(void **state)
{
	static const char *const names[] = {
		"file: ../evil", "# file: ../evil", "x # file: ../evil", "file:"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(buf_wipe) struct buf out = {0};
		struct sample s;
		const char *second;

		make(&s, false);
		s.c.name = names[i];
		assert_int_equal(render_networkd(&s.c, &out, NULL), 0);
		second = strstr(buf_str(&out), "\n" NETWORKD_FILE);
		assert_int_equal(strncmp(buf_str(&out), NETWORKD_FILE "warren0.netdev\n", 23), 0);
		assert_non_null(second);
		assert_int_equal(strncmp(second, "\n" NETWORKD_FILE "warren0.network\n", 25), 0);
		assert_null(strstr(second + 1, "\n" NETWORKD_FILE));
		done(&s);
	}
}

static void unknown_format(void **state)
{
	const struct config_format *f = NULL;
	struct err e = {0};

	assert_int_equal(config_format_find("openvpn", &f, &e), ERR_INVALID);
	assert_string_equal(e.field, "format");
	assert_non_null(strstr(e.text, "networkmanager"));
	assert_null(f);
	assert_int_equal(config_format_find(NULL, &f, &e), 0);
	assert_string_equal(f->word, "wg-quick");
}

static void identifiers(void **state)
{
	char a[UUID_TEXT_LEN], b[UUID_TEXT_LEN];

	assert_string_equal(uuid_of("x", "cl_1", a), uuid_of("x", "cl_1", b));
	assert_string_not_equal(uuid_of("x", "cl_1", a), uuid_of("x", "cl_2", b));
	assert_string_not_equal(uuid_of("x", "cl_1", a), uuid_of("y", "cl_1", b));
	assert_int_equal(strlen(a), 36);
	assert_int_equal(a[14], '8');
	assert_non_null(strchr("89ab", a[19]));
}

static void templates(void **state)
{
	static const struct {
		const char *template, *want;
	} cases[] = {
		{"plain { } }} text", "plain { } }} text"},
		{"{{id}} {{interface}} {{endpoint}}", "cl_1 warren0 [2001:db8::1]:51820"},
		{"{{{{}}id}}", "{{id}}"},
		{"{{name|xml}}",
			" A&amp;B&apos;s &lt;&quot;phone&quot;&gt;]]&gt; {{name}} $HOME \\"},
		{"{{name|json}}", "\" A&B's <\\\"phone\\\">]]> {{name}} $HOME \\\\\""},
		{"{{name|shell}}", "' A&B'\\''s <\"phone\">]]> {{name}} $HOME \\'"},
		{"{{address}};{{dns}};{{mtu}};{{keepalive}}",
			"172.30.100.2/32, fd12:3456:789a::ac1e:6402/128;172.30.100.1, fd00::1, "
			"office;1380;25"},
		{"{{interface|base64}}", "d2FycmVuMA=="},
	};
	static const char *const bad[] = {
		"a\n{{nothing}}", "{{id|rot13}}", "{{id", "{{id\n}}", "{{id}", "{{}}"};
	struct sample s;

	make(&s, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_wipe) struct buf out = {0};

		assert_int_equal(render_template(cases[i].template, &s.c, &out, NULL), 0);
		assert_string_equal(buf_str(&out), cases[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(buf_wipe) struct buf out = {0};
		struct err e = {0};

		assert_int_equal(render_template(bad[i], &s.c, &out, &e), ERR_INVALID);
		assert_string_equal(e.field, "template");
		assert_non_null(strstr(e.text, i == 0 ? "line 2" : "line 1"));
		assert_int_equal(out.len, 0);
	}
	s.c.private_key = NULL;
	CLEANUP(buf_wipe) struct buf none = {0};
	assert_int_equal(render_template("{{private_key}}", &s.c, &none, NULL), ERR_GONE);
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(without_the_key),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(names_that_look_like_a_file),
		cmocka_unit_test(unknown_format),
		cmocka_unit_test(identifiers),
		cmocka_unit_test(templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
