/*
 * DOC: the firewall in the kernel, with packets, in namespaces of our own:
 *
 *	peer ── warren0 [router] lan0 ── lan
 */
#include "fleet.h"
#include "lab.h"
#include "base/proc.h"
#include "net/net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static int router, peer, lan;
static struct net *n;

static void load(const char *network, const struct firewall_item *f, const struct item_vec *sets)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct err e = {0};

	net_firewall_text(network, f, sets, &text);
	if (net_firewall_load(&text, &e) < 0)
		fail_msg("%s in\n%s", e.text, buf_str(&text));
}

static void digest(const char *network, char d[static 65])
{
	struct err e = {0};

	if (net_firewall_digest(network, d, &e) < 0)
		fail_msg("%s", e.text);
}

static void nft(const char *command)
{
	const char *const argv[] = {"nft", command, NULL};
	struct err e = {0};

	if (proc_run(argv, NULL, 0, NULL, NULL, 10000, &e) < 0)
		fail_msg("nft %s: %s", command, e.text);
}

static size_t occurrences(const char *what)
{
	static const char *const argv[] = {"nft", "list", "ruleset", NULL};
	CLEANUP(buf_done) struct buf out = {0};
	size_t found = 0;

	assert_int_equal(proc_run(argv, NULL, 0, &out, NULL, 60000, NULL), 0);
	for (const char *at = buf_str(&out); (at = strstr(at, what)) != NULL; at++)
		found++;
	return found;
}

static int setup(void **state)
{
	router = lab_new();
	peer = lab_new();
	lan = lab_new();
	lab_veth(router, "warren0", peer, "p0");
	lab_veth(router, "lan0", lan, "l0");
	lab_enter(peer);
	lab_ip("address add 172.30.0.2/16 dev p0");
	lab_ip("-6 address add fd00:30::2/64 dev p0 nodad");
	lab_ip("route add default via 172.30.0.1");
	lab_ip("-6 route add default via fd00:30::1");
	lab_enter(lan);
	lab_ip("address add 192.0.2.2/24 dev l0");
	lab_ip("-6 address add 2001:db8::2/64 dev l0 nodad");
	lab_ip("route add default via 192.0.2.1");
	lab_ip("-6 route add default via 2001:db8::1");
	lab_enter(router);
	lab_ip("address add 172.30.0.1/16 dev warren0");
	lab_ip("-6 address add fd00:30::1/64 dev warren0 nodad");
	lab_ip("address add 192.0.2.1/24 dev lan0");
	lab_ip("-6 address add 2001:db8::1/64 dev lan0 nodad");
	n = net_new(NULL);
	return net_sysctl_set("net.ipv4.ip_forward", "1", NULL) |
		net_sysctl_set("net.ipv6.conf.all.forwarding", "1", NULL);
}

static int teardown(void **state)
{
	n = net_free(n);
	close(router);
	close(peer);
	close(lan);
	return 0;
}

static void sockaddr_of(
	const char *text, uint16_t port, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		*len = sizeof(*four);
		return;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(port);
	*len = sizeof(*six);
}

static int udp(int ns, const char *text, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t len;
	int fd;

	lab_enter(ns);
	sockaddr_of(text, port, &a, &len);
	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	lab_enter(router);
	return fd;
}

static void say(int fd, const char *to, uint16_t port, const char *word)
{
	struct sockaddr_storage a;
	socklen_t len;

	sockaddr_of(to, port, &a, &len);
	assert_int_equal(sendto(fd, word, strlen(word), 0, (struct sockaddr *)&a, len),
		(ssize_t)strlen(word));
}

/* The next word that arrives, and from where ("" after a second without one). */
static void hear(int fd, char word[static 32], char from[static INET6_ADDRSTRLEN])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	ssize_t got;

	word[0] = from[0] = '\0';
	if (poll(&p, 1, 1000) != 1)
		return;
	got = recvfrom(fd, word, 31, 0, (struct sockaddr *)&a, &len);
	assert_true(got >= 0);
	word[got] = '\0';
	inet_ntop(a.ss_family,
		a.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&a)->sin_addr
				       : (void *)&((struct sockaddr_in6 *)&a)->sin6_addr,
		from, INET6_ADDRSTRLEN);
}

static void loads_everything_and_goes(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	struct item *i = fleet_item(&sets);
	char one[65], two[65];
	struct err e = {0};

	assert_int_equal(net_firewall_digest(NETWORK, one, &e), ERR_NOT_FOUND);
	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, one);
	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	assert_int_equal(occurrences("hook forward"), 1);
	assert_int_equal(net_firewall_delete(NETWORK, &e), 0);
	assert_int_equal(net_firewall_delete(NETWORK, &e), 0);
	assert_int_equal(net_firewall_digest(NETWORK, one, &e), ERR_NOT_FOUND);
	item_free(i);
}

static void a_bad_batch_leaves_the_old(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, put = {0}, drop = {0};
	CLEANUP(buf_done) struct buf text = {0};
	struct item *i = fleet_item(&sets);
	char before[65], after[65];
	struct err e = {0};

	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, before);
	net_firewall_text(NETWORK, &i->firewall, &sets, &text);
	buf_adds(&text, "add element inet warren_x nosuch { 10.0.0.1 }\n");
	assert_int_equal(net_firewall_load(&text, &e), ERR_SYSTEM);
	assert_true(e.text[0] != '\0');
	digest(NETWORK, after);
	assert_string_equal(before, after);
	/* one member for a set that is not there: none is added */
	items_set(&put, NETWORK, "nodes", "172.30.9.9/32");
	items_set(&put, NETWORK, "nosuch", "172.30.9.9/32");
	assert_int_equal(net_firewall_members(NETWORK, &put, &drop, &e), ERR_SYSTEM);
	digest(NETWORK, after);
	assert_string_equal(before, after);
	item_free(i);
}

static void digest_sees_a_foreign_hand(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	struct item *i = fleet_item(&sets);
	char before[65], after[65];

	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, before);
	nft("insert rule inet warren_" NETWORK " wr_pass accept");
	digest(NETWORK, after);
	assert_string_not_equal(before, after);
	load(NETWORK, &i->firewall, &sets);
	nft("add element inet warren_" NETWORK " r_fwd_4 { 10.66.0.0/16 }");
	digest(NETWORK, after);
	assert_string_not_equal(before, after);
	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, after);
	assert_string_equal(before, after);
	item_free(i);
}

static void members_of(size_t count, struct item_vec *v)
{
	char text[PREFIX_TEXT_LEN];

	/* neighbours, which must not melt together */
	for (size_t k = 0; k < count; k++) {
		snprintf(text, sizeof(text), "10.%zu.%zu.%zu/32", k >> 16, (k >> 8) & 255, k & 255);
		items_set(v, NETWORK, "nodes", text);
		snprintf(text, sizeof(text), "fd00::%zx/128", 2 * k);
		items_set(v, NETWORK, "nodes", text);
	}
}

static void many(size_t count)
{
	CLEANUP(item_vec_done) struct item_vec none = {0}, all = {0}, odd = {0}, even = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	char empty[65], one[65], two[65];
	struct err e = {0};

	strs_push(&i->firewall.sets, "nodes");
	members_of(count, &all);
	for (size_t k = 0; k < all.n; k++) {
		struct item *copy = item_dup(all.v[k]);

		if (k / 2 % 2)
			VEC_PUSH(&odd, copy);
		else
			VEC_PUSH(&even, copy);
	}
	load(NETWORK, &i->firewall, &none);
	digest(NETWORK, empty);
	load(NETWORK, &i->firewall, &all);
	digest(NETWORK, one);
	/* the same by members only, in two steps and back */
	load(NETWORK, &i->firewall, &none);
	if (net_firewall_members(NETWORK, &odd, &none, &e) < 0 ||
		net_firewall_members(NETWORK, &even, &none, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	if (net_firewall_members(NETWORK, &none, &odd, &e) < 0)
		fail_msg("%s", e.text);
	load(NETWORK, &i->firewall, &even);
	digest(NETWORK, one);
	load(NETWORK, &i->firewall, &all);
	if (net_firewall_members(NETWORK, &none, &odd, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	if (net_firewall_members(NETWORK, &none, &even, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(empty, two);
	item_free(i);
}

static void members_300(void **state)
{
	many(300);
}

static void members_3000(void **state)
{
	many(3000);
}

static void members_3300(void **state)
{
	many(3300);
}

static void members_20000_load(void **state)
{
	CLEANUP(item_vec_done) struct item_vec all = {0}, none = {0}, put = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	char one[65], two[65];
	struct err e = {0};

	strs_push(&i->firewall.sets, "nodes");
	members_of(10000, &all);
	load(NETWORK, &i->firewall, &all);
	digest(NETWORK, one);
	load(NETWORK, &i->firewall, &none);
	if (net_firewall_members(NETWORK, &all, &none, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	items_set(&put, NETWORK, "nodes", "192.168.0.1/32");
	if (net_firewall_members(NETWORK, &put, &none, &e) < 0 ||
		net_firewall_members(NETWORK, &none, &put, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	item_free(i);
}

/* An address inside a range is independent of it; ranges are loaded whole. */
static void overlapping_members(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, inner = {0}, outer = {0}, none = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	char both[65], one[65], after[65];
	struct err e = {0};

	strs_push(&i->firewall.sets, "nodes");
	items_set(&sets, NETWORK, "nodes", "10.1.2.3/32");
	items_set(&sets, NETWORK, "nodes", "10.1.0.0/16");
	items_set(&sets, NETWORK, "nodes", "10.1.4.0/24");
	items_set(&inner, NETWORK, "nodes", "10.1.2.3/32");
	items_set(&outer, NETWORK, "nodes", "10.1.0.0/16");
	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, both);
	assert_int_equal(net_firewall_members(NETWORK, &none, &inner, &e), 0);
	digest(NETWORK, after);
	load(NETWORK, &i->firewall, &outer);
	digest(NETWORK, one);
	assert_string_equal(one, after);
	/* what is absent cannot go; nothing else of the batch happens */
	assert_true(net_firewall_members(NETWORK, &none, &inner, &e) < 0);
	assert_int_equal(net_firewall_members(NETWORK, &inner, &none, &e), 0);
	assert_int_equal(net_firewall_members(NETWORK, &inner, &none, &e), 0);
	digest(NETWORK, after);
	assert_string_equal(both, after);
	assert_int_equal(net_firewall_members(NETWORK, &none, &outer, &e), ERR_STALE);
	assert_int_equal(net_firewall_members(NETWORK, &outer, &none, &e), ERR_STALE);
	digest(NETWORK, after);
	assert_string_equal(both, after);
	item_free(i);
}

/* A rule of an IPv4-only destination lets no IPv6 pass; what is not allowed is dropped. The words
 * go one after the other over one link, so what arrives first tells what was dropped before it. */
static void packets_to_the_node(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, put = {0}, none = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	int at4 = udp(router, "172.30.0.1", 5000), other4 = udp(router, "172.30.0.1", 5001);
	int at6 = udp(router, "fd00:30::1", 5000), from4 = udp(peer, "172.30.0.2", 6000);
	int from6 = udp(peer, "fd00:30::2", 6000), lan4 = udp(lan, "192.0.2.2", 6000);
	char word[32], from[INET6_ADDRSTRLEN];
	struct err e = {0};

	strs_push(&i->firewall.interfaces, "warren0");
	strs_push(&i->firewall.sets, "friends");
	items_rule(&i->firewall.input, "friends", "", "udp", "5000");
	/* this lab's links are Ethernet, where IPv6 needs neighbour discovery */
	items_rule(&i->firewall.input, "", "", "icmp", "");
	load(NETWORK, &i->firewall, &none);
	say(from4, "172.30.0.1", 5000, "empty set");
	say(from6, "fd00:30::1", 5000, "empty set");
	items_set(&put, NETWORK, "friends", "172.30.0.2/32");
	assert_int_equal(net_firewall_members(NETWORK, &put, &none, &e), 0);
	say(from4, "172.30.0.1", 5001, "other port");
	say(from4, "172.30.0.1", 5000, "allowed");
	say(from6, "fd00:30::1", 5000, "no member of this family");
	hear(at4, word, from);
	assert_string_equal(word, "allowed");
	assert_string_equal(from, "172.30.0.2");
	/* replies and what the node itself begins */
	say(other4, "172.30.0.2", 6000, "hello");
	hear(from4, word, from);
	assert_string_equal(word, "hello");
	say(from4, "172.30.0.1", 5001, "reply");
	hear(other4, word, from);
	assert_string_equal(word, "reply");
	/* other interfaces are none of our business */
	say(lan4, "172.30.0.1", 5000, "from the lan");
	hear(at4, word, from);
	assert_string_equal(word, "from the lan");
	items_set(&sets, NETWORK, "friends", "fd00:30::2/128");
	/* one comes, one goes */
	assert_int_equal(net_firewall_members(NETWORK, &sets, &put, &e), 0);
	say(from6, "fd00:30::1", 5000, "allowed six");
	hear(at6, word, from);
	assert_string_equal(word, "allowed six");
	for (int *fd = (int[]){at4, other4, at6, from4, from6, lan4, -1}; *fd >= 0; fd++)
		close(*fd);
	item_free(i);
}

static void packets_through_the_node(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	int lan4 = udp(lan, "192.0.2.2", 7000), lan6 = udp(lan, "2001:db8::2", 7000);
	int from4 = udp(peer, "172.30.0.2", 6000), from6 = udp(peer, "fd00:30::2", 6000);
	char word[32], from[INET6_ADDRSTRLEN];

	strs_push(&i->firewall.interfaces, "warren0");
	strs_push(&i->firewall.sets, "lan");
	items_rule(&i->firewall.input, "", "", "icmp", "");
	VEC_PUSH(&i->firewall.overlay, items_prefix("172.30.0.0/16"));
	VEC_PUSH(&i->firewall.overlay, items_prefix("fd00:30::/64"));
	items_set(&sets, NETWORK, "lan", "192.0.2.0/24");
	load(NETWORK, &i->firewall, &sets);
	say(from4, "192.0.2.2", 7000, "no rule");
	say(lan4, "172.30.0.2", 6000, "no rule");
	items_rule(&i->firewall.forward, "", "lan", "udp", "7000");
	load(NETWORK, &i->firewall, &sets);
	say(from4, "192.0.2.2", 7000, "plain");
	hear(lan4, word, from);
	assert_string_equal(word, "plain");
	assert_string_equal(from, "172.30.0.2");
	say(lan4, "172.30.0.2", 6000, "back");
	hear(from4, word, from);
	assert_string_equal(word, "back");
	/* hidden behind the node, in both families */
	close(from4);
	from4 = udp(peer, "172.30.0.2", 6001);
	items_set(&sets, NETWORK, "lan", "2001:db8::/64");
	VEC_PUSH(&i->firewall.masquerade, items_prefix("192.0.2.0/24"));
	VEC_PUSH(&i->firewall.masquerade, items_prefix("2001:db8::/64"));
	load(NETWORK, &i->firewall, &sets);
	say(from4, "192.0.2.2", 7000, "hidden");
	hear(lan4, word, from);
	assert_string_equal(word, "hidden");
	assert_string_equal(from, "192.0.2.1");
	say(from6, "2001:db8::2", 7000, "hidden six");
	hear(lan6, word, from);
	assert_string_equal(word, "hidden six");
	assert_string_equal(from, "2001:db8::1");
	/* nobody from outside begins */
	say(lan4, "172.30.0.2", 6002, "uninvited");
	for (int *fd = (int[]){lan4, lan6, from4, from6, -1}; *fd >= 0; fd++)
		close(*fd);
	item_free(i);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(loads_everything_and_goes),
		TEST(a_bad_batch_leaves_the_old), TEST(digest_sees_a_foreign_hand),
		TEST(members_300), TEST(members_3000), TEST(members_3300), TEST(members_20000_load),
		TEST(overlapping_members), TEST(packets_to_the_node),
		TEST(packets_through_the_node)};
	const char *missing = lab_missing("ip");

	if (missing == NULL)
		missing = lab_missing("nft");
	if (missing != NULL) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
