/* DOC: rules of one object and between objects; each refusal names field and holder. */
#include "model/validate.h"

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct prefix P(const char *text) {
	struct prefix p = {0};

	assert_int_equal(prefix_parse(text, "p", &p, NULL), 0);
	return p;
}

static struct addr
A(const char *text) {
	struct addr a = {0};

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void
assert_addr(struct addr a, const char *want)
{
	char text[ADDR_TEXT_LEN];

	assert_string_equal(addr_format(a, text), want);
}

#define REFUSED(call, code_, field_, word)                                      \
	do {                                                                    \
		struct err e = {0};                                             \
		assert_int_equal((call), (code_));                              \
		assert_string_equal(e.field, (field_));                         \
		if (strstr(e.text, (word)) == NULL)                             \
			fail_msg("\"%s\" does not say \"%s\"", e.text, (word)); \
	} while (0)
#define TAKEN(call)                                          \
	do {                                                 \
		struct err e = {0};                          \
		if ((call) != 0)                             \
			fail_msg("%s: %s", e.field, e.text); \
	} while (0)

/* --- defaults -------------------------------------------------------------------------------- */

static void ranges_of_the_default_pool(void **state)
{
	struct network n = {.name = mem_strdup("My Office"), .ipv4 = P("172.30.0.0/16")};

	TAKEN(network_defaults(&n, &e));
	assert_addr(n.node_first, "172.30.0.1");
	assert_addr(n.node_last, "172.30.99.255");
	assert_addr(n.gateway_addr, "172.30.100.1");
	assert_addr(n.device_first, "172.30.100.2");
	assert_addr(n.device_last, "172.30.255.254");
	assert_string_equal(n.domain, "my-office");
	assert_int_equal(n.listen_port, 51820);
	assert_int_equal(n.keepalive, 25);
	schema_done(&schema_network, &n);
}

static void every_pool_size_divides(void **state)
{
	for (int len = 0; len <= 32; len++) {
		struct network n = {.name = mem_strdup("n"), .ipv4 = {A("10.0.0.0"), (uint8_t)len}};

		n.ipv4.addr = prefix_first(n.ipv4);
		if (len < 8 || len > 29) {
			REFUSED(network_defaults(&n, &e), ERR_INVALID, "ipv4", "/29");
			assert_false(addr_is_set(n.node_first));
		} else {
			TAKEN(network_defaults(&n, &e));
			TAKEN(network_check(&n, NULL, &e));
		}
		schema_done(&schema_network, &n);
	}
}

static void what_is_set_stays(void **state)
{
	struct network n = {.name = mem_strdup("n"),
		.ipv4 = P("10.0.0.0/24"),
		.domain = mem_strdup("corp.example"),
		.device_last = A("10.0.0.100"),
		.listen_port = 1234,
		.keepalive = 10};

	TAKEN(network_defaults(&n, &e));
	assert_addr(n.device_last, "10.0.0.100");
	assert_string_equal(n.domain, "corp.example");
	assert_int_equal(n.listen_port, 1234);
	assert_int_equal(n.keepalive, 10);
	schema_done(&schema_network, &n);
}

/* --- single objects -------------------------------------------------------------------------- */

static struct network good_network(void)
{
	struct network n = {.name = mem_strdup("office"),
		.ipv4 = P("172.30.0.0/16"),
		.ipv6 = P("fd12:3456:789a::/64")};

	assert_int_equal(network_defaults(&n, NULL), 0);
	return n;
}

static void networks(void **state)
{
	struct network good = good_network();
	struct network n = good; /* borrowed strings: only numbers change below */

#define BAD(change, field, word)                                                \
	do {                                                                    \
		n = good;                                                       \
		change;                                                         \
		REFUSED(network_check(&n, NULL, &e), ERR_INVALID, field, word); \
	} while (0)
	TAKEN(network_check(&n, NULL, &e));
	BAD(n.listen_port = 0, "listen_port",
		"wireguard: config: ListenPort must be between 1 and 65535");
	BAD(n.mtu = 1279, "mtu", "1280");
	BAD(n.mtu = 65536, "mtu", "65535");
	BAD(n.ipv4 = P("127.0.0.0/8"), "ipv4", "loopback");
	BAD(n.ipv4 = P("0.0.0.0/8"), "ipv4", "unspecified");
	BAD(n.ipv4 = P("fd00::/64"), "ipv4", "IPv4");
	BAD(n.ipv6 = P("2001:db8::/64"), "ipv6", "fd00::/8");
	BAD(n.ipv6 = P("fd00::/48"), "ipv6", "/64");
	BAD(n.ipv4 = P("10.0.0.0/16"), "node_first", "pool");
	BAD(n.node_first = A("172.30.0.0"), "node_first", "network or broadcast");
	BAD(n.device_last = A("172.30.255.255"), "device_last", "broadcast");
	BAD(n.device_last = A("172.31.0.1"), "device_last", "pool");
	BAD(n.node_last = A("172.30.100.1"), "gateway_addr", "overlaps");
	BAD(n.device_first = A("172.30.99.255"), "device_first", "overlaps");
	BAD(n.device_last = A("172.30.100.1"), "device_last", "ends before");
	BAD(n.topology = 2, "topology", "2");
	BAD(n.topology = -1, "topology", "-1");
	BAD(n.name = NULL, "name", "empty");
	BAD(n.domain = NULL, "domain", "DNS");
	BAD((n.ipv4 = (struct prefix){0}, n.ipv6 = n.ipv4), "ipv4", "needs");
	BAD(n.ipv4 = (struct prefix){0}, "node_first", "pool");
#undef BAD
	n = good;
	strs_push(&n.dns, "9.9.9.9");
	TAKEN(network_check(&n, NULL, &e));
	strs_push(&n.dns, "dns.example.com");
	REFUSED(network_check(&n, NULL, &e), ERR_INVALID, "dns", "dns.example.com");
	strs_done(&n.dns);
	n.dns = (struct strs){0};
	strs_push(&n.region_ranges, "192.0.2.0/24=north east");
	strs_push(&n.region_ranges, "2001:db8::/32=south");
	TAKEN(network_check(&n, NULL, &e));
	static const char *const wrong[] = {"192.0.2.0/24", "192.0.2.0/24=", "=north",
		"192.0.2.1/24=north", "nowhere=north", "192.0.2.0/24=a=b", "192.0.2.0/24=a\nb",
		"192.0.2.0/24=  "};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		strs_push(&n.region_ranges, wrong[i]);
		REFUSED(network_check(&n, NULL, &e), ERR_INVALID, "region_ranges", "");
		mem_free(n.region_ranges.v[--n.region_ranges.n]);
	}
	strs_done(&n.region_ranges);
	n = (struct network){
		.name = good.name, .domain = good.domain, .ipv6 = good.ipv6, .listen_port = 1};
	TAKEN(network_check(&n, NULL, &e)); /* IPv6 only */
	/* its ranges are given all together */
	struct prefix six = n.ipv6;
	n.gateway_addr = addr_add(six.addr, 1);
	REFUSED(network_check(&n, NULL, &e), ERR_INVALID, "node_first", "missing");
	n.node_first = n.node_last = addr_add(six.addr, 2);
	n.device_first = addr_add(six.addr, 3);
	REFUSED(network_check(&n, NULL, &e), ERR_INVALID, "device_last", "missing");
	n.device_last = addr_add(six.addr, 0xffff);
	TAKEN(network_check(&n, NULL, &e));
	n.device_first = n.node_last;
	REFUSED(network_check(&n, NULL, &e), ERR_INVALID, "device_first", "overlaps");
	schema_done(&schema_network, &good);
}

static void fixed_messages(void **state)
{
	REFUSED(listen_port_check(0, "p", &e), ERR_INVALID, "p",
		"wireguard: config: ListenPort must be between 1 and 65535");
	REFUSED(listen_port_check(65536, "p", &e), ERR_INVALID, "p", "ListenPort");
	REFUSED(listen_port_check(-1, "p", &e), ERR_INVALID, "p", "ListenPort");
	TAKEN(listen_port_check(65535, "p", &e));
	REFUSED(mtu_check(-1, 0, "m", &e), ERR_INVALID, "m",
		"wireguard: config: MTU must not be negative");
	TAKEN(mtu_check(0, 1, "m", &e));
	TAKEN(mtu_check(1280, 1, "m", &e));
	TAKEN(mtu_check(1279, 0, "m", &e));
	REFUSED(mtu_check(1279, 1, "m", &e), ERR_INVALID, "m", "1280");
}

static void members(void **state)
{
	struct member m = {.network = "net_1", .node = "node_1", .roles = ROLE_PEER};

	TAKEN(member_check(&m, &e));
	m.roles = 0;
	REFUSED(member_check(&m, &e), ERR_INVALID, "roles", "peer");
	m.roles = 16;
	REFUSED(member_check(&m, &e), ERR_INVALID, "roles", "peer");
	m.roles = ROLE_PEER;
	id_copy(m.group, "grp_1");
	REFUSED(member_check(&m, &e), ERR_INVALID, "group", "gateway");
	m.roles |= ROLE_GATEWAY;
	TAKEN(member_check(&m, &e));
	m.endpoint = mem_strdup("127.0.0.1:51820");
	REFUSED(member_check(&m, &e), ERR_INVALID, "endpoint", "127.0.0.1");
	mem_free(m.endpoint);
	m.endpoint = NULL;
	VEC_PUSH(&m.local_subnets, P("192.168.0.0/16"));
	TAKEN(member_check(&m, &e));
	VEC_PUSH(&m.local_subnets, P("192.168.7.0/24"));
	REFUSED(member_check(&m, &e), ERR_INVALID, "local_subnets", "192.168.0.0/16");
	m.local_subnets.v[1] = P("0.0.0.0/0");
	REFUSED(member_check(&m, &e), ERR_INVALID, "local_subnets", "exit");
	m.local_subnets.v[1] = P("169.254.1.0/24");
	REFUSED(member_check(&m, &e), ERR_INVALID, "local_subnets", "link-local");
	schema_done(&schema_member, &m);
}

static void devices(void **state)
{
	struct device d = {
		.network = "net_1", .name = mem_strdup("John's iPhone"), .keepalive = -1};

	TAKEN(device_check(&d, NULL, &e));
	d.keepalive = -2;
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "keepalive", "-2");
	d.keepalive = 65535;
	TAKEN(device_check(&d, NULL, &e));
	d.rate_limit = 15999;
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "rate_limit", "15999");
	d.rate_limit = 8000000;
	TAKEN(device_check(&d, NULL, &e));
	/* a point of low order is refused, except where it was let in before */
	const struct device was = {.public_key = {{1}}};
	d.public_key = was.public_key;
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "public_key", "low order");
	TAKEN(device_check(&d, &was, &e));
	memset(&d.public_key, 0x40, sizeof(d.public_key));
	TAKEN(device_check(&d, NULL, &e));
	d.description = mem_strdup("two\nlines");
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "description", "control");
	d.description = mem_free(d.description);
	d.dns_name = mem_strdup("wpad");
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "name", "reserved");
	strcpy(d.dns_name, "Wap");
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "name", "Wap");
	strcpy(d.dns_name, "wap");
	strs_push(&d.tags, "phone");
	strs_push(&d.tags, "phone");
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "tags", "phone");
	strs_done(&d.tags);
	VEC_PUSH(&d.allowed_ips, P("10.0.0.0/8"));
	VEC_PUSH(&d.allowed_ips, P("10.1.0.0/16"));
	TAKEN(device_check(&d, NULL, &e));
	d.allowed_ips.v[1] = d.allowed_ips.v[0];
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "allowed_ips", "10.0.0.0/8");
	d.allowed_ips.v[1] = P("::/0");
	REFUSED(device_check(&d, NULL, &e), ERR_INVALID, "allowed_ips", "full_tunnel");
	schema_done(&schema_device, &d);
}

static int check_rule(const char *from, const char *protocol, const char *port, struct err *e)
{
	struct policy p = {.network = "net_1", .name = mem_strdup("p")};
	struct rule r = {.protocol = mem_strdup(protocol)};
	int ret;

	strs_push(&r.from, from);
	strs_push(&r.to, "nodes");
	if (port != NULL)
		strs_push(&r.ports, port);
	VEC_PUSH(&p.rules, r);
	ret = policy_check(&p, NULL, e);
	schema_done(&schema_policy, &p);
	return ret;
}

static void policies(void **state)
{
	static const char *const selectors[] = {"*", "nodes", "clients", "sites", "tag:phone",
		"tag:two words", "10.0.0.0/8", "10.1.2.3", "fd00::/64", "::/0",
		"node_0193abcdef127abc8abc0123456789ab", "cl_0193abcdef127abc8abc0123456789ab"};
	static const char *const no_selectors[] = {"", "all", "Nodes", "tag:", "tag: ", "tag:a\nb",
		"10.0.0.1/8", "10.0.0.0/33", "node_", "node_x",
		"usr_0193abcdef127abc8abc0123456789ab", "a\nb", "client"};
	static const char *const ports[] = {"1", "443", "65535", "8000-8999", "80-80"};
	static const char *const no_ports[] = {"", "0", "65536", "443 ", "80-", "-80", "9-8", "080",
		"1-2-3", "http", "80,81", "99999-100000"};

	for (size_t i = 0; i < ARRAY_LEN(selectors); i++)
		TAKEN(check_rule(selectors[i], "any", NULL, &e));
	for (size_t i = 0; i < ARRAY_LEN(no_selectors); i++)
		REFUSED(check_rule(no_selectors[i], "any", NULL, &e), ERR_INVALID, "rules[0].from",
			"");
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		TAKEN(check_rule("*", "tcp", ports[i], &e));
		REFUSED(check_rule("*", "icmp", ports[i], &e), ERR_INVALID, "rules[0].ports",
			"icmp");
		REFUSED(check_rule("*", "any", ports[i], &e), ERR_INVALID, "rules[0].ports", "any");
	}
	for (size_t i = 0; i < ARRAY_LEN(no_ports); i++)
		REFUSED(check_rule("*", "udp", no_ports[i], &e), ERR_INVALID, "rules[0].ports",
			"port");
	REFUSED(check_rule("*", "sctp", NULL, &e), ERR_INVALID, "rules[0].protocol", "tcp");
	REFUSED(check_rule("*", NULL, NULL, &e), ERR_INVALID, "rules[0].protocol", "tcp");
}

static void users_and_tokens(void **state)
{
	struct user u = {
		.name = mem_strdup("ann"), .project = "prj_1", .role = mem_strdup("org-admin")};
	struct token t = {.name = mem_strdup("t"),
		.kind = TOKEN_KIND_JOIN,
		.role = mem_strdup("viewer"),
		.roles = ROLE_PEER};

	TAKEN(user_check(&u, NULL, &e));
	mem_free(u.role);
	u.role = mem_strdup("system-admin");
	REFUSED(user_check(&u, NULL, &e), ERR_INVALID, "role", "no project");
	mem_free(u.role);
	u.role = mem_strdup("viewer");
	u.project[0] = '\0';
	REFUSED(user_check(&u, NULL, &e), ERR_INVALID, "role", "only a system-admin");
	REFUSED(token_check(&t, &e), ERR_INVALID, "networks", "network");
	strs_push(&t.networks, "net_1");
	TAKEN(token_check(&t, &e));
	t.roles = 0;
	REFUSED(token_check(&t, &e), ERR_INVALID, "roles", "peer");
	t.kind = TOKEN_KIND_API;
	TAKEN(token_check(&t, &e));
	t.kind = 2;
	REFUSED(token_check(&t, &e), ERR_INVALID, "kind", "2");
	schema_done(&schema_user, &u);
	schema_done(&schema_token, &t);
}

/* --- between objects -------------------------------------------------------------------------- */

static void put_network(
	struct fleet *f, const char *id, const char *name, const char *v4, const char *v6)
{
	struct network *n = NEW(struct network);

	id_copy(n->id, id);
	id_copy(n->project, "prj_1");
	n->name = mem_strdup(name);
	n->ipv4 = P(v4);
	n->ipv6 = P(v6);
	assert_int_equal(network_defaults(n, NULL), 0);
	fleet_put(f, &schema_network, n);
}

static void put_node(struct fleet *f, const char *id, const char *name)
{
	struct node *n = NEW(struct node);

	id_copy(n->id, id);
	id_copy(n->project, "prj_1");
	n->name = mem_strdup(name);
	fleet_put(f, &schema_node, n);
}

static struct member *put_member(
	struct fleet *f, const char *id, const char *node, const char *network, const char *subnet)
{
	struct member *m = NEW(struct member);

	id_copy(m->id, id);
	id_copy(m->project, "prj_1");
	id_copy(m->node, node);
	id_copy(m->network, network);
	m->roles = ROLE_PEER;
	m->listen_port = (uint16_t)(40000 + id[4]); /* ids are mem_X */
	if (subnet != NULL)
		VEC_PUSH(&m->local_subnets, P(subnet));
	fleet_put(f, &schema_member, m);
	return m;
}

/* Two networks; node a in the first, b in the second, c in both. */
static struct fleet *world(void)
{
	struct fleet *f = fleet_new();
	struct project *p = NEW(struct project);
	struct group *g = NEW(struct group);

	id_copy(p->id, "prj_1");
	p->name = mem_strdup("acme");
	VEC_PUSH(&p->granted_ranges, P("192.168.0.0/17"));
	VEC_PUSH(&p->granted_ranges, P("192.168.128.0/17"));
	VEC_PUSH(&p->granted_ranges, P("172.16.0.0/12"));
	fleet_put(f, &schema_project, p);
	put_network(f, "net_1", "one", "172.30.0.0/16", "fd00:0:0:1::/64");
	put_network(f, "net_2", "two", "172.29.0.0/16", "fd00:0:0:2::/64");
	put_node(f, "node_a", "alpha");
	put_node(f, "node_b", "beta");
	put_node(f, "node_c", "gamma");
	put_member(f, "mem_A", "node_a", "net_1", "192.168.1.0/24");
	put_member(f, "mem_B", "node_b", "net_2", "192.168.2.0/24");
	put_member(f, "mem_C", "node_c", "net_1", NULL);
	put_member(f, "mem_D", "node_c", "net_2", NULL);
	id_copy(g->id, "grp_1");
	id_copy(g->project, "prj_1");
	id_copy(g->network, "net_1");
	g->name = mem_strdup("gw");
	g->listen_port = 51820;
	fleet_put(f, &schema_group, g);
	return f;
}

static void subnets_keep_apart(void **state)
{
	static const struct {
		const char *subnet, *holder;
		int code;
	} t[] = {
		{"192.168.3.0/24", NULL, 0},
		{"192.168.1.0/25", NULL, 0},            /* its own former subnet is no rival */
		{"192.168.2.0/24", "beta", ERR_EXISTS}, /* through gamma, which is in both */
		{"192.168.2.128/25", "beta", ERR_EXISTS},
		{"192.168.0.0/16", "beta", ERR_EXISTS}, /* two grants together cover it */
		{"172.30.7.0/24", "one", ERR_EXISTS},
		{"172.29.0.0/16", "two", ERR_EXISTS},
		{"172.16.0.0/12", "two", ERR_EXISTS},
		{"10.0.0.0/8", "acme", ERR_DENIED},
		{"fd00:0:0:9::/64", "acme", ERR_DENIED},
	};
	struct fleet *f = world();

	for (size_t i = 0; i < ARRAY_LEN(t); i++) { /* the object is in the fleet already */
		struct member *m = put_member(f, "mem_A", "node_a", "net_1", t[i].subnet);

		if (t[i].code == 0)
			TAKEN(fleet_check_member(f, m, &e));
		else
			REFUSED(fleet_check_member(f, m, &e), t[i].code, "local_subnets",
				t[i].holder);
	}
	fleet_remove(f, &schema_member, "mem_D"); /* nothing joins the networks any more */
	TAKEN(fleet_check_member(
		f, put_member(f, "mem_A", "node_a", "net_1", "192.168.2.0/24"), &e));
	struct member *m = put_member(f, "mem_A", "node_a", "net_1", NULL);
	m->endpoint = mem_strdup("172.30.7.1:51820");
	REFUSED(fleet_check_member(f, m, &e), ERR_INVALID, "endpoint", "one");
	mem_free(m->endpoint);
	m->endpoint = mem_strdup("192.0.2.1:51820");
	TAKEN(fleet_check_member(f, m, &e));
	fleet_free(f);
}

static void a_node_joins_only_networks_that_are_apart(void **state)
{
	struct fleet *f = world();
	struct member *m;

	put_network(f, "net_3", "three", "172.30.8.0/24", "fd00:0:0:3::/64");
	m = put_member(f, "mem_E", "node_a", "net_3", NULL);
	REFUSED(fleet_check_member(f, m, &e), ERR_EXISTS, "network", "one");
	fleet_remove(f, &schema_member, "mem_E");
	put_network(f, "net_3", "three", "10.0.0.0/24", "fd00:0:0:3::/64");
	m = put_member(f, "mem_E", "node_a", "net_3", NULL);
	TAKEN(fleet_check_member(f, m, &e));
	fleet_remove(f, &schema_member, "mem_E");
	/* a member elsewhere in net_3 holds a subnet that alpha has in net_1 */
	put_member(f, "mem_F", "node_b", "net_3", "192.168.1.0/28");
	m = put_member(f, "mem_E", "node_a", "net_3", NULL);
	REFUSED(fleet_check_member(f, m, &e), ERR_EXISTS, "network", "alpha");
	fleet_free(f);
}

static void members_among_others(void **state)
{
	struct fleet *f = world();
	struct member *m = put_member(f, "mem_A", "node_a", "net_1", NULL), *o;

	TAKEN(fleet_check_member(f, m, &e));
	m->ipv4 = A("172.30.0.5");
	put_member(f, "mem_C", "node_c", "net_1", NULL)->ipv4 = A("172.30.0.5");
	REFUSED(fleet_check_member(f, m, &e), ERR_EXISTS, "ipv4", "gamma");
	m->ipv4 = A("172.30.100.1");
	REFUSED(fleet_check_member(f, m, &e), ERR_EXISTS, "ipv4", "gateways");
	m->ipv4 = A("10.0.0.1");
	REFUSED(fleet_check_member(f, m, &e), ERR_INVALID, "ipv4", "one");
	m->ipv4 = (struct addr){0};
	memset(&m->public_key, 9, KEY_LEN);
	TAKEN(fleet_check_member(f, m, &e));
	o = put_member(f, "mem_C", "node_c", "net_1", NULL);
	o->public_key = m->public_key;
	REFUSED(fleet_check_member(f, m, &e), ERR_EXISTS, "public_key", "gamma");
	memset(&o->public_key, 0, KEY_LEN);
	o->listen_port = 4000; /* gamma is in both networks */
	TAKEN(fleet_check_member(f, o, &e));
	put_member(f, "mem_D", "node_c", "net_2", NULL)->listen_port = 4000;
	REFUSED(fleet_check_member(f, o, &e), ERR_EXISTS, "listen_port", "two");
	put_member(f, "mem_D", "node_c", "net_2", NULL)->listen_port = 51820;
	id_copy(o->group, "grp_1"); /* its devices interface takes the group's port */
	REFUSED(fleet_check_member(f, o, &e), ERR_EXISTS, "listen_port", "51820");
	put_member(f, "mem_D", "node_c", "net_2", NULL);
	TAKEN(fleet_check_member(f, o, &e));
	id_copy(o->group, "grp_9");
	REFUSED(fleet_check_member(f, o, &e), ERR_INVALID, "group", "grp_9");
	m = put_member(f, "mem_Z", "node_a", "net_1", NULL);
	REFUSED(fleet_check_member(f, m, &e), ERR_EXISTS, "network", "already");
	m = put_member(f, "mem_Z", "node_none", "net_1", NULL);
	REFUSED(fleet_check_member(f, m, &e), ERR_INVALID, "node", "node_none");
	m = put_member(f, "mem_Z", "node_a", "net_none", NULL);
	REFUSED(fleet_check_member(f, m, &e), ERR_INVALID, "network", "net_none");
	fleet_free(f);
}

static void networks_among_others(void **state)
{
	struct fleet *f = world();
	struct network *n;

	TAKEN(fleet_check_network(f, map_get(&f->networks, "net_1"), &e));
	n = schema_dup(&schema_network, map_get(&f->networks, "net_1"));
	n->ipv4 = P("172.29.4.0/24");
	REFUSED(fleet_check_network(f, n, &e), ERR_EXISTS, "ipv4", "two");
	n->ipv4 = P("192.168.0.0/16");
	REFUSED(fleet_check_network(f, n, &e), ERR_EXISTS, "ipv4", "alpha");
	id_copy(n->id, "net_9"); /* a network without nodes may overlap whatever it likes */
	REFUSED(fleet_check_network(f, n, &e), ERR_EXISTS, "name", "one");
	mem_free(n->name);
	n->name = mem_strdup("nine");
	REFUSED(fleet_check_network(f, n, &e), ERR_EXISTS, "domain", "one");
	mem_free(n->domain);
	n->domain = mem_strdup("nine");
	TAKEN(fleet_check_network(f, n, &e));
	mem_free(n->name);
	n->name = mem_strdup("ONE"); /* another name, the same interface */
	REFUSED(fleet_check_network(f, n, &e), ERR_EXISTS, "name", "interface");
	id_copy(n->project, "prj_2"); /* nothing crosses a project */
	TAKEN(fleet_check_network(f, n, &e));
	schema_free(&schema_network, n);
	fleet_free(f);
}

static struct device *new_device(const char *id, const char *name)
{
	struct device *d = NEW(struct device);

	id_copy(d->id, id);
	id_copy(d->project, "prj_1");
	id_copy(d->network, "net_1");
	id_copy(d->group, "grp_1");
	d->name = mem_strdup(name);
	d->dns_name = mem_strdup(name);
	return d;
}

static void devices_among_others(void **state)
{
	struct fleet *f = world();
	struct device *held = new_device("cl_1", "phone"), *d = new_device("cl_2", "laptop");

	held->ipv4 = A("172.30.100.2");
	memset(&held->public_key, 3, KEY_LEN);
	fleet_put(f, &schema_device, held);
	TAKEN(fleet_check_device(f, held, &e));
	TAKEN(fleet_check_device(f, d, &e));
	d->public_key = held->public_key;
	REFUSED(fleet_check_device(f, d, &e), ERR_EXISTS, "public_key", "phone");
	memset(&d->public_key, 4, KEY_LEN);
	((struct group *)map_get(&f->groups, "grp_1"))->public_key = d->public_key;
	REFUSED(fleet_check_device(f, d, &e), ERR_EXISTS, "public_key", "gw");
	memset(&d->public_key, 5, KEY_LEN);
	d->ipv4 = held->ipv4;
	REFUSED(fleet_check_device(f, d, &e), ERR_EXISTS, "ipv4", "phone");
	d->ipv4 = A("172.30.100.3");
	d->mtu = 1000;
	REFUSED(fleet_check_device(f, d, &e), ERR_INVALID, "mtu", "1280");
	d->mtu = 0;
	mem_free(d->dns_name);
	d->dns_name = mem_strdup("alpha");
	REFUSED(fleet_check_device(f, d, &e), ERR_EXISTS, "dns_name", "alpha");
	mem_free(d->dns_name);
	d->dns_name = mem_strdup("phone");
	REFUSED(fleet_check_device(f, d, &e), ERR_EXISTS, "dns_name", "phone");
	mem_free(d->name);
	d->name = mem_strdup("phone");
	REFUSED(fleet_check_device(f, d, &e), ERR_EXISTS, "name", "phone");
	id_copy(d->group, "grp_2");
	REFUSED(fleet_check_device(f, d, &e), ERR_INVALID, "group", "grp_2");
	id_copy(d->project, "prj_2");
	REFUSED(fleet_check_device(f, d, &e), ERR_INVALID, "network", "net_1");
	schema_free(&schema_device, d);
	fleet_free(f);
}

static void policies_among_others(void **state)
{
	static const char id[] = "cl_0193abcdef127abc8abc0123456789ab";
	struct fleet *f = world();
	struct policy *p = NEW(struct policy), *q;
	struct rule r = {.protocol = mem_strdup("any")};

	id_copy(p->id, "pol_1");
	id_copy(p->project, "prj_1");
	id_copy(p->network, "net_1");
	p->name = mem_strdup("start");
	strs_push(&r.from, "clients");
	strs_push(&r.to, id);
	VEC_PUSH(&p->rules, r);
	REFUSED(fleet_check_policy(f, p, &e), ERR_INVALID, "rules[0].to", id);
	fleet_put(f, &schema_device, new_device(id, "phone"));
	TAKEN(fleet_check_policy(f, p, &e));
	fleet_put(f, &schema_policy, p);
	TAKEN(fleet_check_policy(f, p, &e));
	q = schema_dup(&schema_policy, p);
	id_copy(q->id, "pol_2");
	REFUSED(fleet_check_policy(f, q, &e), ERR_EXISTS, "name", "start");
	/* the client goes: who named it before may still be disabled or narrowed, nobody new may */
	fleet_remove(f, &schema_device, id);
	TAKEN(fleet_check_policy(f, p, &e));
	mem_free(q->name);
	q->name = mem_strdup("another");
	REFUSED(fleet_check_policy(f, q, &e), ERR_INVALID, "rules[0].to", id);
	id_copy(q->id, "pol_1");
	strs_push(&q->rules.v[0].from, "cl_0193abcdef127abc8abc0123456789ac");
	REFUSED(fleet_check_policy(f, q, &e), ERR_INVALID, "rules[0].from", "89ac");
	schema_free(&schema_policy, q);
	fleet_free(f);
}

/* The sorted walk finds an overlap exactly when a look at all pairs does. */
static void overlaps_against_all_pairs(void **state)
{
	struct rand rng = {3};
	size_t hits = 0;

	for (int round = 0; round < 400; round++) {
		struct fleet *f = world();
		struct member *m = put_member(f, "mem_A", "node_a", "net_1", NULL), *o;
		int want = 0;

		o = put_member(f, "mem_C", "node_c", "net_1", NULL);
		for (int i = 0; i < 6; i++) {
			struct prefix p = {{FAMILY_IPV4, 0xc0a80000 + rand_below(&rng, 1 << 16)},
				(uint8_t)(20 + rand_below(&rng, 12))};

			p.addr = prefix_first(p);
			if (prefix_overlaps(p, P("192.168.2.0/24")))
				continue;
			if (i % 2)
				VEC_PUSH(&m->local_subnets, p);
			else
				VEC_PUSH(&o->local_subnets, p);
		}
		VEC_FOREACH (a, &m->local_subnets)
			VEC_FOREACH (b, &o->local_subnets)
				want |= prefix_overlaps(*a, *b);
		hits += (size_t)want;
		assert_int_equal(fleet_check_member(f, m, NULL), want ? ERR_EXISTS : 0);
		fleet_free(f);
	}
	assert_true(hits > 20 && hits < 380);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_of_the_default_pool),
		cmocka_unit_test(every_pool_size_divides),
		cmocka_unit_test(what_is_set_stays),
		cmocka_unit_test(networks),
		cmocka_unit_test(fixed_messages),
		cmocka_unit_test(members),
		cmocka_unit_test(devices),
		cmocka_unit_test(policies),
		cmocka_unit_test(users_and_tokens),
		cmocka_unit_test(subnets_keep_apart),
		cmocka_unit_test(a_node_joins_only_networks_that_are_apart),
		cmocka_unit_test(members_among_others),
		cmocka_unit_test(networks_among_others),
		cmocka_unit_test(devices_among_others),
		cmocka_unit_test(policies_among_others),
		cmocka_unit_test(overlaps_against_all_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
