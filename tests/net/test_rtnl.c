/* DOC: links, addresses, routes and sysctls in a namespace of our own. */
#include "items.h"
#include "lab.h"
#include "net/net.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

static struct net *n;
static int ns, other;

/* call must succeed; it fills a local e. */
#define OK(call)                                                                   \
	do {                                                                       \
		int r_ = (call);                                                   \
		if (r_ < 0)                                                        \
			fail_msg("%s: %d %s %s", #call, r_, err_name(r_), e.text); \
	} while (0)

static int setup(void **state)
{
	ns = lab_new();
	other = lab_new();
	lab_veth(ns, "v0", other, "p0");
	lab_veth(ns, "v1", other, "p1");
	lab_enter(ns);
	n = net_new(NULL);
	return n == NULL;
}

static int teardown(void **state)
{
	n = net_free(n);
	close(ns);
	close(other);
	return 0;
}

static void links(void **state)
{
	struct net_link l;
	struct err e = {0};

	OK(net_link_get(n, "v0", &l, &e));
	assert_true(l.up && l.index > 0 && l.mtu == 1500);
	OK(net_link_set_mtu(n, "v0", 1420, &e));
	OK(net_link_set_up(n, "v0", false, &e));
	OK(net_link_get(n, "v0", &l, &e));
	assert_true(!l.up && l.mtu == 1420);
	OK(net_link_set_up(n, "v0", true, &e));
	OK(net_link_set_up(n, "v0", true, &e));
	assert_int_equal(net_link_get(n, "absent", &l, &e), ERR_NOT_FOUND);
	assert_int_equal(net_link_set_up(n, "absent", true, &e), ERR_NOT_FOUND);
	assert_int_equal(net_link_set_mtu(n, "v0", 3, &e), ERR_SYSTEM);
	assert_int_equal(net_link_get(n, "a/b", &l, &e), ERR_INVALID);
	OK(net_link_delete(n, "absent", &e));
	OK(net_link_delete(n, "v0", &e));
	assert_int_equal(net_link_get(n, "v0", &l, &e), ERR_NOT_FOUND);
}

static void heard(void *arg, const char *ifname, bool taken)
{
	buf_addf(arg, "%s%s ", taken ? "from:" : "", ifname != NULL ? ifname : "-");
}

static void links_that_change(void **state)
{
	struct buf said = {0};
	struct err e = {0};
	int fd;

	OK(net_watch_open(&fd, &e));
	net_watch_read(n, fd, heard, &said); /* nothing is there: it does not wait */
	assert_int_equal(said.len, 0);
	OK(net_link_set_up(n, "v1", false, &e));
	net_watch_read(n, fd, heard, &said);
	assert_non_null(strstr(buf_str(&said), "v1 "));
	assert_null(strstr(buf_str(&said), "v0 "));
	buf_reset(&said);
	OK(net_link_delete(n, "v0", &e));
	net_watch_read(n, fd, heard, &said);
	assert_non_null(strstr(buf_str(&said), "v0 "));
	buf_done(&said);
	close(fd);
}

static struct address_item address(const char *ifname, const char *text, uint8_t len)
{
	struct address_item a = {.len = len};

	snprintf(a.interface, sizeof(a.interface), "%s", ifname);
	assert_int_equal(addr_parse(text, &a.addr), 0);
	return a;
}

static size_t count(const char *ifname)
{
	struct address_vec v = {0};
	struct err e = {0};
	size_t found;

	OK(net_address_list(n, ifname, &v, &e));
	found = v.n;
	VEC_DONE(&v);
	return found;
}

/* An address that is taken away to come again must not be missed by packets in between: both go to
 * the kernel at once, however busy this machine is. */
static unsigned lonely; /* datagrams that end with an address taken away */

ssize_t __real_mnl_socket_sendto(const struct mnl_socket *s, const void *data, size_t size);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *data, size_t size);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *data, size_t size)
{
	const struct nlmsghdr *nlh = data, *last = nlh;

	for (int left = (int)size; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		last = nlh;
	lonely += last->nlmsg_type == RTM_DELADDR;
	return __real_mnl_socket_sendto(s, data, size);
}

static void addresses(void **state)
{
	struct address_item four = address("v0", "172.30.0.1", 32),
			    six = address("v0", "fd00::1", 128);
	struct address_vec v = {0};
	struct err e = {0};

	assert_int_equal(count("v0"), 0); /* link-local ones are not told */
	for (int twice = 0; twice < 2; twice++) {
		OK(net_address_add(n, &four, &e));
		OK(net_address_add(n, &six, &e));
		assert_int_equal(count("v0"), 2);
		assert_int_equal(count("v1"), 0);
	}
	/* the same IPv6 address with another length is the same address */
	six.len = 64;
	lonely = 0;
	OK(net_address_add(n, &six, &e));
	assert_int_equal(lonely, 0);
	OK(net_address_list(n, "v0", &v, &e));
	assert_int_equal(v.n, 2);
	VEC_FOREACH (a, &v) {
		assert_string_equal(a->interface, "v0");
		assert_int_equal(a->len, a->addr.family == FAMILY_IPV4 ? 32 : 64);
	}
	VEC_DONE(&v);
	for (int twice = 0; twice < 2; twice++) {
		OK(net_address_delete(n, &four, &e));
		OK(net_address_delete(n, &six, &e));
		assert_int_equal(count("v0"), 0);
	}
	four = address("absent", "172.30.0.1", 32);
	assert_int_equal(net_address_add(n, &four, &e), ERR_NOT_FOUND);
	OK(net_address_delete(n, &four, &e));
	assert_int_equal(net_address_list(n, "absent", &v, &e), ERR_NOT_FOUND);
}

static struct route_item route(const char *ifname, const char *dst, uint32_t metric)
{
	struct route_item r = {.dst = items_prefix(dst), .metric = metric};

	snprintf(r.interface, sizeof(r.interface), "%s", ifname);
	return r;
}

/* Only what somebody else takes away is news. */
static void what_is_taken(void **state)
{
	struct address_item four = address("v0", "172.30.0.1", 32),
			    six = address("v0", "fd00::1", 128);
	struct route_item ours = route("v0", "172.30.9.0/24", 0);
	struct net *another = net_new(NULL);
	struct buf said = {0};
	struct err e = {0};
	int fd;

	OK(net_link_set_up(n, "v0", true, &e));
	OK(net_watch_open(&fd, &e));
	OK(net_address_add(n, &four, &e));
	OK(net_address_add(n, &six, &e));
	OK(net_route_add(n, &ours, &e));
	OK(net_route_delete(n, &ours, &e));
	OK(net_address_delete(n, &four, &e));
	net_watch_read(n, fd, heard, &said);
	assert_null(strstr(buf_str(&said), "from:"));
	buf_reset(&said);
	OK(net_route_add(n, &ours, &e));
	OK(net_route_delete(another, &ours, &e));
	net_watch_read(n, fd, heard, &said);
	assert_string_equal(buf_str(&said), "from:v0 ");
	buf_reset(&said);
	OK(net_address_add(n, &four, &e));
	OK(net_address_delete(another, &four, &e));
	net_watch_read(n, fd, heard, &said);
	assert_string_equal(buf_str(&said), "from:v0 ");
	buf_reset(&said);
	OK(net_address_delete(another, &six, &e));
	net_watch_read(n, fd, heard, &said);
	assert_string_equal(buf_str(&said), "from:v0 ");
	buf_done(&said);
	close(fd);
	net_free(another);
}

static struct route_item only_route(void)
{
	struct route_vec v = {0};
	struct err e = {0};
	struct route_item r;

	OK(net_route_list(n, &v, &e));
	assert_int_equal(v.n, 1);
	r = v.v[0];
	VEC_DONE(&v);
	return r;
}

static void routes_of(const char *dst)
{
	struct route_item r = route("v0", dst, 0), seen;
	struct route_vec none = {0};
	struct err e = {0};

	OK(net_route_add(n, &r, &e));
	OK(net_route_add(n, &r, &e));
	seen = only_route();
	assert_string_equal(seen.interface, "v0");
	assert_int_equal(prefix_compare(seen.dst, r.dst), 0);
	assert_int_equal(seen.metric, 0); /* also where the kernel stores 1024 */
	/* moved to another interface in one step */
	r = route("v1", dst, 0);
	OK(net_route_add(n, &r, &e));
	seen = only_route();
	assert_string_equal(seen.interface, "v1");
	OK(net_route_delete(n, &r, &e));
	OK(net_route_delete(n, &r, &e));
	OK(net_route_list(n, &none, &e));
	assert_int_equal(none.n, 0);
	VEC_DONE(&none);
}

static void routes(void **state)
{
	struct route_item r = route("absent", "10.0.0.0/8", 0);
	struct err e = {0};

	routes_of("10.1.0.0/16");
	routes_of("10.1.2.3/32");
	routes_of("fd00:1::/48");
	routes_of("0.0.0.0/0");
	routes_of("::/0");
	assert_int_equal(net_route_add(n, &r, &e), ERR_NOT_FOUND);
	OK(net_route_delete(n, &r, &e));
}

static void others_routes_are_not_ours(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct route_item r = route("v1", "10.5.0.0/16", 7);
	struct route_item r6 = route("v1", "fd05::/64", 7);
	struct route_vec v = {0};
	struct err e = {0};

	lab_ip("route add 10.5.0.0/16 dev v0 metric 7");
	lab_ip("-6 route add fd05::/64 dev v0 metric 7");
	assert_int_equal(net_route_add(n, &r, &e), ERR_EXISTS);
	assert_int_equal(net_route_add(n, &r6, &e), ERR_EXISTS);
	OK(net_route_delete(n, &r, &e));
	r = route("v0", "10.5.0.0/16", 7);
	OK(net_route_delete(n, &r, &e));
	OK(net_route_list(n, &v, &e));
	assert_int_equal(v.n, 0);
	assert_int_equal(net_route_overlap(n, items_prefix("10.5.1.0/24"), &text, &e), 1);
	assert_string_equal(buf_str(&text), "10.5.0.0/16 dev v0");
	buf_reset(&text);
	assert_int_equal(net_route_overlap(n, items_prefix("10.0.0.0/8"), &text, &e), 1);
	assert_int_equal(net_route_overlap(n, items_prefix("fd05::/56"), &text, &e), 1);
	assert_int_equal(net_route_overlap(n, items_prefix("10.6.0.0/16"), &text, &e), 0);
	/* ours and default routes do not count */
	r = route("v1", "10.6.0.0/16", 0);
	OK(net_route_add(n, &r, &e));
	lab_ip("route add default dev v0");
	assert_int_equal(net_route_overlap(n, items_prefix("10.6.0.0/16"), &text, &e), 0);
}

static void default_address(void **state)
{
	struct route_item r = route("v1", "0.0.0.0/0", 0);
	char text[ADDR_TEXT_LEN];
	struct err e = {0};
	struct addr a;

	assert_int_equal(net_default_address(n, FAMILY_IPV4, &a, &e), ERR_NOT_FOUND);
	lab_ip("address add 198.51.100.9/24 dev v0");
	lab_ip("address add 192.0.2.7/24 dev v0");
	lab_ip("address add 203.0.113.1/24 dev v1");
	assert_int_equal(net_default_address(n, FAMILY_IPV4, &a, &e), ERR_NOT_FOUND);
	/* a full tunnel of ours is not the way out */
	OK(net_route_add(n, &r, &e));
	assert_int_equal(net_default_address(n, FAMILY_IPV4, &a, &e), ERR_NOT_FOUND);
	lab_ip("route add default via 192.0.2.1 metric 50");
	OK(net_default_address(n, FAMILY_IPV4, &a, &e));
	assert_string_equal(addr_format(a, text), "192.0.2.7");
	lab_ip("route add default via 203.0.113.254 metric 20");
	OK(net_default_address(n, FAMILY_IPV4, &a, &e));
	assert_string_equal(addr_format(a, text), "203.0.113.1");
	lab_ip("route add default dev v0 src 198.51.100.9 metric 10");
	OK(net_default_address(n, FAMILY_IPV4, &a, &e));
	assert_string_equal(addr_format(a, text), "198.51.100.9");
	assert_int_equal(net_default_address(n, FAMILY_IPV6, &a, &e), ERR_NOT_FOUND);
	lab_ip("-6 address add 2001:db8::5/64 dev v0 nodad");
	lab_ip("-6 route add default dev v0");
	OK(net_default_address(n, FAMILY_IPV6, &a, &e));
	assert_string_equal(addr_format(a, text), "2001:db8::5");
}

static struct exit_item way(const char *ifname, const char *inside)
{
	struct exit_item x = {.mark = EXIT_MARK | 7};

	snprintf(x.interface, IFNAME_LEN, "%s", ifname);
	VEC_PUSH(&x.inside, items_prefix("fd00:30::/64"));
	VEC_PUSH(&x.inside, items_prefix(inside));
	return x;
}

static void only_way(const struct exit_item *want)
{
	struct exit_vec v = {0};
	struct err e = {0};

	OK(net_exit_list(n, &v, &e));
	assert_int_equal(v.n, 1);
	assert_int_equal(v.v[0].mark, want->mark);
	assert_string_equal(v.v[0].interface, want->interface);
	assert_true(prefix_vec_equal(&v.v[0].inside, &want->inside));
	assert_true(prefix_vec_equal(&v.v[0].back, &want->back));
	net_exit_list_done(&v);
}

static void ways_out(void **state)
{
	struct exit_item one = way("v0", "172.30.0.0/16"), two = way("v1", "10.0.0.0/8");
	struct exit_item broken = {.mark = one.mark};
	struct exit_vec none = {0};
	struct err e = {0};

	OK(net_exit_put(n, &one, &e));
	OK(net_exit_put(n, &one, &e));
	only_way(&one);
	/* another interface, other insides: in one step each, nothing stays */
	OK(net_exit_put(n, &two, &e));
	only_way(&two);
	/* whatever is taken out by hand is seen, and put repairs it */
	prefix_vec_copy(&broken.inside, &two.inside);
	lab_ip("-6 rule del priority 5200");
	only_way(&broken);
	OK(net_exit_put(n, &two, &e));
	only_way(&two);
	lab_ip("route del default dev v1 table 1459617799");
	only_way(&broken);
	OK(net_exit_put(n, &two, &e));
	only_way(&two);
	/* an exit's own: back to the gateways alone */
	VEC_PUSH(&two.back, items_prefix("172.30.0.1/32"));
	VEC_PUSH(&two.back, items_prefix("fd00:30::1/128"));
	VEC_DONE(&two.inside);
	OK(net_exit_put(n, &two, &e));
	only_way(&two);
	OK(net_exit_delete(n, two.mark, &e));
	OK(net_exit_delete(n, two.mark, &e));
	OK(net_exit_list(n, &none, &e));
	assert_int_equal(none.n, 0);
	VEC_DONE(&one.inside);
	VEC_DONE(&two.back);
	VEC_DONE(&broken.inside);
	VEC_DONE(&none);
}

static void many_routes_are_listed_whole(void **state)
{
	struct route_vec v = {0};
	struct err e = {0};

	for (unsigned i = 0; i < 3000; i++) {
		struct route_item r = route("v0", "10.0.0.0/32", 0);

		r.dst.addr.bits += i;
		OK(net_route_add(n, &r, &e));
	}
	OK(net_route_list(n, &v, &e));
	assert_int_equal(v.n, 3000);
	VEC_DONE(&v);
}

static void sysctls(void **state)
{
	static const char *const refused[] = {"kernel.hostname", "net", "net.", "net..ipv4",
		"net.//.x", "net./.x", "net.ipv4.", "/net.ipv4", "net.ipv4.conf.a b", "net.ipv4\n",
		""};
	CLEANUP(buf_done) struct buf b = {0};
	struct err e = {0};

	OK(net_sysctl_set("net.ipv4.conf.v0.forwarding", "1", &e));
	OK(net_sysctl_get("net.ipv4.conf.v0.forwarding", &b, &e));
	assert_string_equal(buf_str(&b), "1");
	buf_reset(&b);
	OK(net_sysctl_set("net.ipv4.conf.v0.forwarding", "0", &e));
	OK(net_sysctl_get("net.ipv4.conf.v0.forwarding", &b, &e));
	assert_string_equal(buf_str(&b), "0");
	/* an interface with a dot in its name */
	lab_ip("link set v1 down");
	lab_ip("link set v1 name v.1");
	OK(net_sysctl_set("net.ipv4.conf.v/1.rp_filter", "2", &e));
	assert_int_equal(net_sysctl_get("net.ipv4.conf.v.1.rp_filter", &b, &e), ERR_NOT_FOUND);
	assert_int_equal(net_sysctl_set("net.ipv4.conf.none.forwarding", "1", &e), ERR_NOT_FOUND);
	assert_int_equal(net_sysctl_set("net.ipv4.conf.v0.forwarding", "x", &e), ERR_SYSTEM);
	assert_int_equal(net_sysctl_set("net.ipv4.conf.v0.forwarding", "", &e), ERR_INVALID);
	assert_int_equal(net_sysctl_set("net.ipv4.conf.v0.forwarding", "1\n0", &e), ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(net_sysctl_get(refused[i], &b, &e), ERR_INVALID);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(links), TEST(links_that_change), TEST(addresses),
		TEST(what_is_taken), TEST(routes), TEST(others_routes_are_not_ours),
		TEST(default_address), TEST(ways_out), TEST(many_routes_are_listed_whole),
		TEST(sysctls)};
	const char *missing = lab_missing("ip");

	if (missing != NULL) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
