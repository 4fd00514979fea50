/* DOC: endpoints as DNS records: which owner has what, what stands alone, what is refused. */
#include "render/zone_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void zone(const struct zone_file *z, struct buf *out)
{
	struct err e = {0};

	assert_int_equal(render_zone_file(z, out, &e), 0);
}

static void all_members_regions_and_names(void **state)
{
	static const struct zone_gateway gateways[] = {
		{"gw1", "North", "192.0.2.2:51820"},
		{"gw2", "north", "[2001:db8::2]:51820"},
		{"Gate 3", "south", "192.0.2.4:51820"},
		{"gw4", NULL, "192.0.2.2:51820"},
	};
	const struct zone_file z = {
		.group = "Office", .origin = "vpn.example.com.", .gateways = gateways, .n = 4};
	struct buf out = {0};

	zone(&z, &out);
	assert_string_equal(strchr(buf_str(&out), '$'),
		"$ORIGIN vpn.example.com.\n$TTL 300\n"
		"office\tIN\tA\t192.0.2.2\n"
		"office\tIN\tAAAA\t2001:db8::2\n"
		"office\tIN\tA\t192.0.2.4\n"
		"north.office\tIN\tA\t192.0.2.2\n"
		"north.office\tIN\tAAAA\t2001:db8::2\n"
		"south.office\tIN\tA\t192.0.2.4\n"
		"gw1\tIN\tA\t192.0.2.2\n"
		"gw2\tIN\tAAAA\t2001:db8::2\n"
		"gate-3\tIN\tA\t192.0.2.4\n"
		"gw4\tIN\tA\t192.0.2.2\n");
	buf_done(&out);
}

static void a_name_stands_alone(void **state)
{
	static const struct zone_gateway gateways[] = {
		{"gw1", "north", "192.0.2.2:51820"},
		{"gw2", "south", "host.example.org:51820"},
		{"gw3", "south", "HOST.example.org:51820"},
		{"gw4", "west", "here.vpn.example.com:51820"},
	};
	const struct zone_file z = {
		.group = "all", .origin = "vpn.example.com", .gateways = gateways, .n = 4};
	struct buf out = {0};
	const char *text;

	zone(&z, &out);
	text = buf_str(&out);
	assert_non_null(strstr(text, "\nall\tIN\tA\t192.0.2.2\n"));
	assert_null(strstr(text, "\nall\tIN\tCNAME"));
	assert_non_null(strstr(text, "; all: without host.example.org., a name, which"));
	assert_non_null(strstr(text, "\nsouth.all\tIN\tCNAME\thost.example.org.\n"));
	assert_non_null(strstr(text, "\ngw2\tIN\tCNAME\thost.example.org.\n"));
	/* one of its own names could point to itself */
	assert_null(strstr(text, "\ngw4\tIN"));
	assert_non_null(strstr(text, "; gw4: without here.vpn.example.com., a name of this zone"));
	buf_done(&out);
}

static void labels_are_unique(void **state)
{
	static const struct zone_gateway gateways[] = {
		{"default", NULL, "192.0.2.2:1"},
		{"a b", NULL, "192.0.2.3:1"},
		{"a-b", NULL, "192.0.2.4:1"},
	};
	const struct zone_file z = {
		.group = "default", .origin = "x.example", .gateways = gateways, .n = 3};
	struct buf out = {0};

	zone(&z, &out);
	assert_non_null(strstr(buf_str(&out), "\ndefault-2\tIN\tA\t192.0.2.2\n"));
	assert_non_null(strstr(buf_str(&out), "\na-b\tIN\tA\t192.0.2.3\n"));
	assert_non_null(strstr(buf_str(&out), "\na-b-2\tIN\tA\t192.0.2.4\n"));
	buf_done(&out);
}

static void a_whole_zone(void **state)
{
	const struct zone_file z = {.group = "g",
		.origin = "x.example",
		.ttl = "60",
		.name_servers = "ns1.example.org., ns2.example.org",
		.serial = 7};
	struct buf out = {0};

	zone(&z, &out);
	assert_non_null(strstr(buf_str(&out),
		"$TTL 60\n"
		"@\tIN\tSOA\tns1.example.org. hostmaster.x.example. 7 3600 600 1209600 300\n"
		"@\tIN\tNS\tns1.example.org.\n@\tIN\tNS\tns2.example.org.\n"));
	buf_done(&out);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *origin, *ttl, *ns, *field;
	} table[] = {
		{"-x", NULL, NULL, "origin"},
		{"a b.example", NULL, NULL, "origin"},
		{"x.example\n", NULL, NULL, "origin"},
		{"", NULL, NULL, "origin"},
		{"x.example", "0", NULL, "ttl"},
		{"x.example", "604801", NULL, "ttl"},
		{"x.example", "1h", NULL, "ttl"},
		{"x.example", NULL, "", "ns"},
		{"x.example", NULL, ", ", "ns"},
		{"x.example", NULL, "a_b", "ns"},
		{"x.example", NULL, "ns.x.example", "ns"},
		{"x.example", NULL, "a.b,a.b,a.b,a.b,a.b,a.b,a.b,a.b,a.b", "ns"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct zone_file z = {.group = "g",
			.origin = table[i].origin,
			.ttl = table[i].ttl,
			.name_servers = table[i].ns};
		struct buf out = {0};
		struct err e = {0};

		assert_true(render_zone_file(&z, &out, &e) < 0);
		assert_string_equal(e.field, table[i].field);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_members_regions_and_names),
		cmocka_unit_test(a_name_stands_alone),
		cmocka_unit_test(labels_are_unique),
		cmocka_unit_test(a_whole_zone),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
