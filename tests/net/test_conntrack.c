/*
 * DOC: flows that began under rules which allow less now, with packets:
 *
 *	peer 172.30.0.2 ── warren0 [router] lan0 ── lan 192.0.2.2
 */
#include "items.h"
#include "lab.h"
#include "net/net.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define NETWORK "net_7"
#define QUIET 400     /* ms without a byte: it does not come */
#define PATIENCE 5000 /* ms for one that comes */

static int router, peer, lan;
static struct net *n; /* of the router */

static int setup(void **state)
{
	lab_street(&router, &peer, &lan);
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

/* --- a connection ----------------------------------------------------------------------------- */

struct stream {
	int client, server;
};

static void stream_open(int from, int to, const char *text, uint16_t port, struct stream *ret)
{
	struct sockaddr_storage a;
	socklen_t len = lab_sockaddr(text, port, &a);
	struct timeval limit = {.tv_sec = PATIENCE / 1000};
	int one = 1, listener;

	lab_enter(to);
	listener = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	lab_enter(from);
	ret->client = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(ret->client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(ret->client, (struct sockaddr *)&a, len), 0);
	ret->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(ret->server >= 0);
	close(listener);
	lab_enter(router);
}

static void stream_close(struct stream *s)
{
	close(s->client);
	close(s->server);
}

static bool carries(const struct stream *s, int patience)
{
	struct pollfd p = {.fd = s->server, .events = POLLIN};
	char byte = 'x';

	assert_int_equal(send(s->client, &byte, 1, 0), 1);
	return poll(&p, 1, patience) == 1 && recv(s->server, &byte, 1, 0) == 1;
}

/* --- rules ------------------------------------------------------------------------------------ */

struct rules {
	struct item *item;
	struct item_vec sets;
	struct prefix_vec own;
};

static void rules_init(struct rules *r, bool masquerade)
{
	memset(r, 0, sizeof(*r));
	r->item = item_new(ITEM_FIREWALL, NETWORK);
	strs_push(&r->item->firewall.interfaces, "warren0");
	strs_push(&r->item->firewall.sets, "peers");
	strs_push(&r->item->firewall.sets, "lans");
	VEC_PUSH(&r->item->firewall.overlay, items_prefix("172.30.0.0/16"));
	VEC_PUSH(&r->item->firewall.overlay, items_prefix("fd00:30::/64"));
	if (masquerade)
		VEC_PUSH(&r->item->firewall.masquerade, items_prefix("192.0.2.0/24"));
	VEC_PUSH(&r->own, items_prefix("172.30.0.1/32"));
	VEC_PUSH(&r->own, items_prefix("fd00:30::1/128"));
	items_set(&r->sets, NETWORK, "peers", "172.30.0.2/32");
	items_set(&r->sets, NETWORK, "peers", "fd00:30::2/128");
	items_set(&r->sets, NETWORK, "lans", "192.0.2.0/24");
	items_set(&r->sets, NETWORK, "lans", "2001:db8::/64");
}

static void rules_done(struct rules *r)
{
	item_free(r->item);
	item_vec_done(&r->sets);
	VEC_DONE(&r->own);
}

static int apply(struct rules *r)
{
	struct err e = {0};
	int ended;

	if (net_firewall_load(n, NETWORK, &r->item->firewall, &r->sets, &e) < 0)
		fail_msg("%s", e.text);
	ended = net_flows_prune(NETWORK, &r->item->firewall, &r->sets, &r->own, &e);
	if (ended < 0)
		fail_msg("%s", e.text);
	return ended;
}

static void rules_drop_all(struct fw_rule_vec *v)
{
	VEC_FOREACH (r, v) {
		mem_free(r->from);
		mem_free(r->to);
		mem_free(r->protocol);
		strs_done(&r->ports);
	}
	VEC_DONE(v);
}

/* --- the tests -------------------------------------------------------------------------------- */

/* Two ports are allowed, then one: the other's connection ends at once, this one does not notice.
 */
static void narrowed(const char *lan_address, bool masquerade)
{
	struct stream kept, gone;
	struct rules r;

	rules_init(&r, masquerade);
	items_rule(&r.item->firewall.input, "", "", "icmp", ""); /* neighbours: a veth, no tunnel */
	items_rule(&r.item->firewall.forward, "peers", "lans", "tcp", "8000-8001");
	apply(&r);
	stream_open(peer, lan, lan_address, 8000, &kept);
	stream_open(peer, lan, lan_address, 8001, &gone);
	assert_int_equal(apply(&r), 0); /* the same rules: nothing ends */
	assert_true(carries(&kept, PATIENCE) && carries(&gone, PATIENCE));
	rules_drop_all(&r.item->firewall.forward);
	items_rule(&r.item->firewall.forward, "peers", "lans", "tcp", "8000");
	assert_int_equal(apply(&r), 1);
	assert_false(carries(&gone, QUIET));
	assert_true(carries(&kept, PATIENCE));
	assert_int_equal(apply(&r), 0);
	stream_close(&kept);
	stream_close(&gone);
	rules_done(&r);
}

static void forwarded_ipv4(void **state)
{
	narrowed("192.0.2.2", false);
}

static void forwarded_ipv6(void **state)
{
	narrowed("2001:db8::2", false);
}

static void behind_masquerade(void **state)
{
	narrowed("192.0.2.2", true);
}

/* To the node itself; and a flow of the node's own is left alone. */
static void to_and_from_the_node(void **state)
{
	struct stream in, out;
	struct rules r;

	rules_init(&r, false);
	items_rule(&r.item->firewall.input, "peers", "", "any", "");
	apply(&r);
	stream_open(peer, router, "172.30.0.1", 8002, &in);
	stream_open(router, peer, "172.30.0.2", 8003, &out);
	assert_int_equal(apply(&r), 0);
	rules_drop_all(&r.item->firewall.input);
	/* what the node sends must not bring it back: not even again and again (TCP's first is
	 * 200 ms) */
	assert_int_equal(send(in.server, "y", 1, 0), 1);
	assert_int_equal(apply(&r), 1);
	assert_int_equal(send(in.server, "y", 1, 0), 1);
	assert_false(carries(&in, 3 * QUIET));
	assert_int_equal(apply(&r), 0);
	assert_true(carries(&out, PATIENCE));
	/* a new connection from the same port is a new connection */
	items_rule(&r.item->firewall.input, "peers", "", "tcp", "8002");
	apply(&r);
	stream_close(&in);
	stream_open(peer, router, "172.30.0.1", 8002, &in);
	assert_true(carries(&in, PATIENCE));
	stream_close(&in);
	stream_close(&out);
	rules_done(&r);
}

/* The peer leaves the set. What is not of the overlay is none of our business. */
static void set_shrinks(void **state)
{
	struct stream s, other;
	struct rules r;

	rules_init(&r, false);
	items_rule(&r.item->firewall.forward, "peers", "", "any", "");
	apply(&r);
	stream_open(peer, lan, "192.0.2.2", 8004, &s);
	stream_open(router, lan, "192.0.2.2", 8005, &other);
	item_free(r.sets.v[0]);
	VEC_REMOVE(&r.sets, 0);
	assert_int_equal(apply(&r), 1);
	assert_false(carries(&s, QUIET));
	assert_true(carries(&other, PATIENCE));
	stream_close(&s);
	stream_close(&other);
	rules_done(&r);
}

/* Full tunnels go where no rule leads; they end when their device leaves its exit, and when the
 * exit is no more one. */
static void full_tunnels(void **state)
{
	struct stream s, gateways;
	struct rules r;
	struct firewall_item *f;

	rules_init(&r, false);
	f = &r.item->firewall;
	items_exit(f, "x_here", EXIT_MARK_HERE, "");
	strs_push(&f->sets, "x_here");
	prefix_vec_copy(&f->inside, &f->overlay);
	items_set(&r.sets, NETWORK, "x_here", "172.30.0.2/32");
	apply(&r);
	stream_open(peer, lan, "192.0.2.2", 8006, &s);
	assert_int_equal(apply(&r), 0); /* no rule allows it, its exit does */
	assert_true(carries(&s, PATIENCE));
	item_free(r.sets.v[r.sets.n - 1]);
	VEC_REMOVE(&r.sets, r.sets.n - 1);
	assert_int_equal(apply(&r), 1);
	assert_false(carries(&s, QUIET));
	/* as an exit: what a gateway passes on is known by its mark */
	snprintf(f->exit_interface, IFNAME_LEN, "warren0");
	f->exit_mark = EXIT_MARK | 7;
	apply(&r);
	stream_open(peer, lan, "192.0.2.2", 8007, &gateways);
	assert_int_equal(apply(&r), 0);
	assert_true(carries(&gateways, PATIENCE));
	f->exit_interface[0] = '\0';
	f->exit_mark = 0;
	assert_true(apply(&r) >= 1); /* what the first connection sends again may be one more */
	assert_false(carries(&gateways, QUIET));
	stream_close(&s);
	stream_close(&gateways);
	rules_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(forwarded_ipv4, setup, teardown),
		cmocka_unit_test_setup_teardown(forwarded_ipv6, setup, teardown),
		cmocka_unit_test_setup_teardown(behind_masquerade, setup, teardown),
		cmocka_unit_test_setup_teardown(to_and_from_the_node, setup, teardown),
		cmocka_unit_test_setup_teardown(set_shrinks, setup, teardown),
		cmocka_unit_test_setup_teardown(full_tunnels, setup, teardown),
	};
	const char *missing = lab_missing("nft");

	if (missing != NULL) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
