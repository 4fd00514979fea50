/*
 * DOC: the way of a network's names to who answers for them: a zone of 10,000 names in parts and
 * back, each message cut short at every byte, and a responder that is told, asked over a real
 * socket of the loopback, and told again.
 */
#include "agent/responder.h"

#include "agent/message.h"
#include "agent/zone_message.h"
#include "base/loop.h"
#include "dns/query.h"
#include "dns/socket.h"
#include "dns/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define NET "net_00000000000000000000000000000001"
#define NAMES 10000

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void add_name(struct item_vec *v, const char *id, const char *name, struct addr a)
{
	struct item *i = item_new(ITEM_NAME, NET);

	snprintf(i->name.id, sizeof(id_text), "%s", id);
	i->name.name = mem_strdup(name);
	i->name.addr = a;
	i->name.forward = a.bits % 2 != 0;
	VEC_PUSH(v, i);
}

static void add_set(struct item_vec *v, const char *set, struct addr a)
{
	struct item *i = item_new(ITEM_SET, NET);

	i->set.set = mem_strdup(set);
	i->set.prefix = prefix_host(a);
	VEC_PUSH(v, i);
}

/* gw 127.1.0.1 and devices from 127.1.1.0 on, of which even ones may reach gw. */
static void make_items(struct item_vec *v, unsigned names, const char *upstream)
{
	struct item *dns = item_new(ITEM_DNS, NET), *fw = item_new(ITEM_FIREWALL, NET);
	struct prefix pool = {address("127.1.0.0"), 16}, self = prefix_host(address("127.1.0.1"));
	struct fw_rule rule = {.from = mem_strdup("even"), .to = mem_strdup("self")};

	dns->dns.domain = mem_strdup("town");
	VEC_PUSH(&dns->dns.listen, self);
	strs_push(&dns->dns.upstreams, upstream);
	strs_push(&fw->firewall.interfaces, "warren0");
	VEC_PUSH(&fw->firewall.overlay, pool);
	VEC_PUSH(&fw->firewall.input, rule);
	VEC_PUSH(v, dns);
	VEC_PUSH(v, fw);
	VEC_PUSH(v, item_new(ITEM_HOST, NET)); /* nothing for DNS */
	add_name(v, "mem_1", "gw", self.addr);
	add_set(v, "self", self.addr);
	for (unsigned i = 0; i < names; i++) {
		struct addr a = addr_add(address("127.1.1.0"), i);
		char id[32], name[32];

		snprintf(id, sizeof(id), "cl_%u", i);
		snprintf(name, sizeof(name), "device-%u", i);
		add_name(v, id, name, a);
		if (i % 2 == 0)
			add_set(v, "even", a);
	}
}

static void same_items(const struct item_vec *sent, const struct item_vec *got)
{
	struct dns_zone *a = dns_zone_new(sent, NET, 7), *b = dns_zone_new(got, NET, 7);
	const struct name_item *gw = dns_zone_find(b, "gw");

	assert_non_null(b);
	assert_string_equal(dns_zone_domain(b), dns_zone_domain(a));
	assert_true(prefix_vec_equal(dns_zone_listen(b), dns_zone_listen(a)));
	assert_true(prefix_vec_equal(dns_zone_pools(b), dns_zone_pools(a)));
	assert_true(strs_equal(dns_zone_upstreams(b), dns_zone_upstreams(a)));
	assert_true(strs_equal(dns_zone_interfaces(b), dns_zone_interfaces(a)));
	assert_ptr_equal(dns_zone_self(b), gw);
	for (unsigned i = 0; i < NAMES; i++) {
		struct addr at = addr_add(address("127.1.1.0"), i);
		const struct name_item *n = dns_zone_at(b, at);

		if (n == NULL || strcmp(n->name, dns_zone_at(a, at)->name) != 0 ||
			n->forward != dns_zone_at(a, at)->forward ||
			dns_zone_may_learn(b, at, gw) != (i % 2 == 0))
			fail_msg("name %u is another one", i);
	}
	dns_zone_free(a);
	dns_zone_free(b);
}

static void zones_travel_in_parts(void **state)
{
	struct item_vec items = {0}, got = {0};
	struct zone_text t = {0};

	make_items(&items, NAMES, "192.0.2.53");
	zone_text_write(&t, &items, NET);
	assert_true(t.ends.n > 10);
	for (size_t i = 0; i < t.ends.n; i++) {
		struct buf b = {0};
		struct zone_part p;
		struct item *item;

		zone_text_part(&t, i, NET, 7, &b);
		assert_true(b.len < MESSAGE_SMALL_MAX);
		assert_int_equal(zone_part_read(b.data, b.len, &p, NULL), 0);
		assert_string_equal(p.network, NET);
		assert_int_equal(p.serial, 7);
		assert_int_equal(p.first, i == 0);
		assert_int_equal(p.last, i == t.ends.n - 1);
		while ((item = zone_part_next(&p)) != NULL)
			VEC_PUSH(&got, item);
		assert_int_equal(fields_end(&p.items, "zone", NULL), 0);
		buf_done(&b);
	}
	assert_int_equal(got.n, items.n - 1);
	same_items(&items, &got);
	zone_text_done(&t);
	item_vec_done(&items);
	item_vec_done(&got);
}

/* --- a responder -------------------------------------------------------------------------------
 */

struct rig {
	struct loop *loop;
	struct loop_timer *look;
	struct responder *responder;
	struct responder_link link;
	int udp, tcp, client;
	uint16_t port;
	bool silent, upstream; /* what is to be seen */
	unsigned looks;
	uint8_t in[DNS_PLAIN_MAX];
	ssize_t n;
};

static void send_zone(struct rig *r, unsigned names)
{
	struct item_vec items = {0};
	struct zone_text t = {0};

	make_items(&items, names, "127.1.0.1");
	zone_text_write(&t, &items, NET);
	for (size_t i = 0; i < t.ends.n; i++) {
		CLEANUP(buf_done) struct buf b = {0};

		zone_text_part(&t, i, NET, 1, &b);
		r->link.send(r->link.ctx, MESSAGE_ZONE, &b, NULL, 0);
	}
	zone_text_done(&t);
	item_vec_done(&items);
}

static void send_socket(struct rig *r, uint32_t type)
{
	CLEANUP(buf_done) struct buf b = {0};
	const int fds[] = {r->udp, r->tcp};

	responder_put_socket(&b, NET, address("127.1.0.1"));
	r->link.send(r->link.ctx, type, &b, fds, type == MESSAGE_LISTEN ? 2 : 0);
}

static int rig_setup(void **state)
{
	struct rig *r = NEW(struct rig);
	struct prefix_vec pools = {0};
	struct prefix pool = {address("127.1.0.0"), 16};
	struct sockaddr_storage s;
	socklen_t len = dns_sockaddr(address("127.1.0.1"), 0, &s);
	struct err e = {0};

	r->loop = loop_new();
	r->responder = responder_new(r->loop, &clock_real);
	r->link = responder_link(r->responder);
	r->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r->client, (struct sockaddr *)&s, len), 0);
	VEC_PUSH(&pools, pool);
	r->port = (uint16_t)(20000 + (unsigned)getpid() % 12000);
	r->tcp = -1;
	for (int tries = 0; tries < 100 && r->tcp < 0; tries++) {
		r->port++;
		if (dns_socket_open(address("127.1.0.1"), r->port, false, &pools, &r->udp, &e) < 0)
			continue;
		if (dns_socket_open(address("127.1.0.1"), r->port, true, &pools, &r->tcp, &e) < 0)
			close(r->udp);
	}
	if (r->tcp < 0)
		fail_msg("%s", e.text);
	VEC_DONE(&pools);
	len = dns_sockaddr(address("127.1.0.1"), r->port, &s);
	assert_int_equal(connect(r->client, (struct sockaddr *)&s, len), 0);
	*state = r;
	return 0;
}

static int rig_teardown(void **state)
{
	struct rig *r = *state;

	loop_timer_free(r->look);
	responder_free(r->responder);
	loop_free(r->loop);
	close(r->udp);
	close(r->tcp);
	close(r->client);
	mem_free(r);
	return 0;
}

static void on_look(void *arg)
{
	struct rig *r = arg;

	r->n = recv(r->client, r->in, sizeof(r->in), MSG_DONTWAIT);
	if (r->n >= 0 || ++r->looks == (r->silent ? 30u : 3000u))
		loop_stop(r->loop);
}

/* Ask for the name; the answer's code, or -1 for silence. */
static int ask(struct rig *r, const char *name)
{
	uint8_t q[64] = {0, 9, 1, 0, 0, 1};
	size_t n = DNS_HEADER;

	for (const char *at = name; *at != '\0';
		at += strcspn(at, ".") + (strchr(at, '.') != NULL)) {
		size_t len = strcspn(at, ".");

		q[n++] = (uint8_t)len;
		memcpy(q + n, at, len);
		n += len;
	}
	q[n + 2] = DNS_TYPE_A;
	q[n + 4] = DNS_CLASS_IN;
	n += 5;
	assert_int_equal(send(r->client, q, n, 0), (ssize_t)n);
	if (r->look == NULL)
		r->look = loop_timer_new(r->loop, on_look, r);
	r->looks = 0;
	loop_timer_set(r->look, 0, 10);
	loop_run(r->loop);
	loop_timer_stop(r->look);
	return r->n < DNS_HEADER ? -1 : r->in[3] & 15;
}

static void answers_what_it_was_told(void **state)
{
	struct rig *r = *state;

	send_zone(r, 2);
	send_socket(r, MESSAGE_LISTEN);
	assert_int_equal(ask(r, "gw.town"), DNS_NOERROR); /* it asks about itself */
	assert_int_equal(r->in[7], 1);
	assert_int_equal(ask(r, "device-0.town"), DNS_NXDOMAIN); /* no rule that way */
	send_zone(r, NAMES);
	assert_int_equal(ask(r, "gw.town"), DNS_NOERROR);
	r->silent = true;
	send_socket(r, MESSAGE_UNLISTEN);
	assert_int_equal(ask(r, "gw.town"), -1);
	/* what was asked meanwhile waits in the socket for the next one */
	r->silent = false;
	send_socket(r, MESSAGE_LISTEN);
	assert_int_equal(ask(r, "gw.town"), DNS_NOERROR);
	send_socket(r, MESSAGE_ZONE_GONE);
	r->silent = true;
	while (recv(r->client, r->in, sizeof(r->in), MSG_DONTWAIT) >= 0)
		;
	assert_int_equal(ask(r, "gw.town"), -1);
	send_socket(r, MESSAGE_LISTEN); /* of a network it does not know */
	assert_int_equal(ask(r, "gw.town"), -1);
}

static void nonsense_is_refused(void **state)
{
	struct rig *r = *state;
	struct item_vec items = {0};
	struct zone_text t = {0};
	struct buf b = {0};
	const int none[] = {-1, -1};
	struct err e;
	struct addr five[5] = {{0}};

	make_items(&items, 3, "192.0.2.53");
	zone_text_write(&t, &items, NET);
	zone_text_part(&t, 0, NET, 1, &b);
	for (size_t n = 0; n < b.len; n++) {
		char *cut = mem_dup(b.data, n + 1);
		struct zone_part p;

		cut[n] = '\0';
		/* a part may end behind any item, but not inside one */
		if (responder_take(r->responder, MESSAGE_ZONE, cut, n, none, &e) == 0)
			assert_int_equal(zone_part_read(cut, n, &p, NULL), 0);
		mem_free(cut);
	}
	buf_reset(&b);
	responder_put_socket(&b, NET, address("127.1.0.1"));
	for (size_t n = 0; n < b.len; n++) {
		char *cut = mem_dup(b.data, n + 1);

		cut[n] = '\0';
		for (uint32_t type = MESSAGE_ZONE_GONE; type <= MESSAGE_UPSTREAMS; type++)
			assert_int_equal(
				responder_take(r->responder, type, cut, n, none, &e), ERR_INVALID);
		mem_free(cut);
	}
	buf_reset(&b);
	responder_put_upstreams(&b, five, ARRAY_LEN(five)); /* more than are asked */
	buf_str(&b);
	assert_int_equal(responder_take(r->responder, MESSAGE_UPSTREAMS, b.data, b.len, none, &e),
		ERR_INVALID);
	/* the second part of a zone that was never begun */
	buf_reset(&b);
	fields_put_text(&b, "net_other");
	for (int i = 0; i < 3; i++)
		fields_put_number(&b, 0);
	buf_str(&b);
	assert_int_equal(
		responder_take(r->responder, MESSAGE_ZONE, b.data, b.len, none, &e), ERR_INVALID);
	buf_done(&b);
	zone_text_done(&t);
	item_vec_done(&items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_travel_in_parts),
		cmocka_unit_test_setup_teardown(answers_what_it_was_told, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
