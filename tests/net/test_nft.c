/*
 * DOC: the firewall in the kernel, with packets, in namespaces of our own:
 *
 *	peer ── warren0 [router] lan0 ── lan
 */
#include "fleet.h"
#include "lab.h"
#include "base/proc.h"
#include "base/rand.h"
#include "model/objects.h"
#include "net/net.h"
#include "net/nfnl.h"

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
	struct err e = {0};

	if (net_firewall_load(n, network, f, sets, &e) < 0)
		fail_msg("%s", e.text);
}

static void digest(const char *network, char d[static 65])
{
	struct err e = {0};

	if (net_firewall_digest(n, network, d, &e) < 0)
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

static int udp(int ns, const char *text, uint16_t port)
{
	struct sockaddr_storage a;
	socklen_t len = lab_sockaddr(text, port, &a);
	int fd;

	lab_enter(ns);
	fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	lab_enter(router);
	return fd;
}

static void say(int fd, const char *to, uint16_t port, const char *word)
{
	struct sockaddr_storage a;
	socklen_t len = lab_sockaddr(to, port, &a);

	assert_int_equal(sendto(fd, word, strlen(word), 0, (struct sockaddr *)&a, len),
		(ssize_t)strlen(word));
}

/* The next word that arrives within patience ms, and from where ("" without one). */
static void hear_for(int patience, int fd, char word[static 32], char from[static INET6_ADDRSTRLEN])
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	ssize_t got;

	word[0] = from[0] = '\0';
	if (poll(&p, 1, patience) != 1)
		return;
	got = recvfrom(fd, word, 31, 0, (struct sockaddr *)&a, &len);
	assert_true(got >= 0);
	word[got] = '\0';
	inet_ntop(a.ss_family,
		a.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&a)->sin_addr
				       : (void *)&((struct sockaddr_in6 *)&a)->sin6_addr,
		from, INET6_ADDRSTRLEN);
}

/* One that has to come. */
static void hear(int fd, char word[static 32], char from[static INET6_ADDRSTRLEN])
{
	hear_for(20000, fd, word, from);
}

/* Nothing comes. */
static void hear_nothing(int fd)
{
	char word[32], from[INET6_ADDRSTRLEN];

	hear_for(1000, fd, word, from);
	assert_string_equal(word, "");
}

static void loads_everything_and_goes(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	struct item *i = fleet_item(&sets);
	char one[65], two[65];
	struct err e = {0};

	assert_int_equal(net_firewall_digest(n, NETWORK, one, &e), ERR_NOT_FOUND);
	assert_int_equal(net_firewall_there(n, NETWORK, &e), 0);
	load(NETWORK, &i->firewall, &sets);
	assert_int_equal(net_firewall_there(n, NETWORK, &e), 1);
	digest(NETWORK, one);
	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	assert_int_equal(occurrences("hook forward"), 1);
	assert_int_equal(net_firewall_delete(n, NETWORK, &e), 0);
	assert_int_equal(net_firewall_delete(n, NETWORK, &e), 0);
	assert_int_equal(net_firewall_digest(n, NETWORK, one, &e), ERR_NOT_FOUND);
	item_free(i);
}

/* Who is connected when the first firewall comes (an interface taken over) shall not notice: one
 * transaction brings the rules and all they let pass. */
static void first_load_is_one_transaction(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	struct item *i = fleet_item(&sets);
	struct nfnl *kernel = nfnl_new(NULL);
	uint32_t before, after;
	struct err e = {0};

	assert_non_null(kernel);
	assert_int_equal(nfnl_generation(kernel, &before, &e), 0);
	load(NETWORK, &i->firewall, &sets);
	assert_int_equal(nfnl_generation(kernel, &after, &e), 0);
	assert_int_equal(after, before + 1);
	assert_int_equal(net_firewall_intact(n, NETWORK, &i->firewall, &sets, &e), 1);
	nfnl_free(kernel);
	item_free(i);
}

static void a_bad_batch_leaves_the_old(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, put = {0}, drop = {0}, none = {0};
	AUTOFREE char *path = mem_strdup(getenv("PATH"));
	struct item *i = fleet_item(&sets);
	char before[65], after[65];
	struct err e = {0};

	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, before);
	/* other rules, and nothing to load them with */
	items_rule(&i->firewall.input, "", "", "udp", "53");
	setenv("PATH", "/nonexistent", 1);
	assert_true(net_firewall_load(n, NETWORK, &i->firewall, &sets, &e) < 0);
	setenv("PATH", path, 1);
	assert_true(e.text[0] != '\0');
	digest(NETWORK, after);
	assert_string_equal(before, after);
	/* one member for a set that is not there: none is added */
	items_set(&put, NETWORK, "nodes", "172.30.9.9/32");
	items_set(&put, NETWORK, "nosuch", "172.30.9.9/32");
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &put, &drop, &e), ERR_SYSTEM);
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
	if (net_firewall_members(n, NETWORK, &none, &odd, &none, &e) < 0 ||
		net_firewall_members(n, NETWORK, &none, &even, &none, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	if (net_firewall_members(n, NETWORK, &none, &none, &odd, &e) < 0)
		fail_msg("%s", e.text);
	load(NETWORK, &i->firewall, &even);
	digest(NETWORK, one);
	load(NETWORK, &i->firewall, &all);
	if (net_firewall_members(n, NETWORK, &none, &none, &odd, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	if (net_firewall_members(n, NETWORK, &none, &none, &even, &e) < 0)
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
	if (net_firewall_members(n, NETWORK, &none, &all, &none, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	items_set(&put, NETWORK, "nodes", "192.168.0.1/32");
	if (net_firewall_members(n, NETWORK, &none, &put, &none, &e) < 0 ||
		net_firewall_members(n, NETWORK, &none, &none, &put, &e) < 0)
		fail_msg("%s", e.text);
	digest(NETWORK, two);
	assert_string_equal(one, two);
	item_free(i);
}

/* An address inside a range is independent of it. */
static void overlapping_members(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, inner = {0}, outer = {0}, none = {0};
	struct item_vec rest = {0}; /* borrowed */
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
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &none, &inner, &e), 0);
	digest(NETWORK, after);
	load(NETWORK, &i->firewall, &outer);
	digest(NETWORK, one);
	assert_string_equal(one, after);
	/* what is absent cannot go; nothing else of the batch happens */
	assert_true(net_firewall_members(n, NETWORK, &none, &none, &inner, &e) < 0);
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &inner, &none, &e), 0);
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &inner, &none, &e), 0);
	digest(NETWORK, after);
	assert_string_equal(both, after);
	/* a range goes: what lay inside it is a range again */
	for (size_t k = 0; k < sets.n; k++)
		if (k != 1)
			VEC_PUSH(&rest, sets.v[k]);
	assert_int_equal(net_firewall_members(n, NETWORK, &rest, &none, &outer, &e), 0);
	digest(NETWORK, after);
	load(NETWORK, &i->firewall, &rest);
	digest(NETWORK, one);
	assert_string_equal(one, after);
	assert_string_not_equal(both, after);
	assert_int_equal(net_firewall_members(n, NETWORK, &sets, &outer, &none, &e), 0);
	digest(NETWORK, after);
	assert_string_equal(both, after);
	VEC_DONE(&rest);
	item_free(i);
}

/* The number of a set: another one means that it was made anew. */
static unsigned long handle_of(const char *set)
{
	static const char *const argv[] = {"nft", "-a", "list", "ruleset", NULL};
	CLEANUP(buf_done) struct buf out = {0};
	AUTOFREE char *want = mem_printf("set %s { # handle ", set);
	const char *at;

	assert_int_equal(proc_run(argv, NULL, 0, &out, NULL, 60000, NULL), 0);
	at = strstr(buf_str(&out), want);
	if (at == NULL)
		fail_msg("no set %s in\n%s", set, buf_str(&out));
	return strtoul(at + strlen(want), NULL, 10);
}

/* Other rules, masquerade, ranges and limits come and go in place; each state is what a load from
 * nothing makes. */
static void rules_change_and_sets_stay(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, fewer = {0};
	struct item *i = fleet_item(&sets), *other = item_new(ITEM_FIREWALL, NETWORK);
	const struct {
		const struct firewall_item *f;
		const struct item_vec *sets;
	} steps[] = {{&other->firewall, &sets}, {&i->firewall, &fewer}, {&other->firewall, &fewer},
		{&i->firewall, &sets}, {&i->firewall, &fewer}};
	unsigned long handle;

	strs_push(&other->firewall.interfaces, "warren0");
	strs_push(&other->firewall.sets, "nodes");
	items_rule(&other->firewall.input, "nodes", "", "any", "");
	items_set(&fewer, NETWORK, "nodes", "172.30.0.9/32");
	items_set(&fewer, NETWORK, "nodes", "172.31.0.0/16");
	items_limit(&fewer, NETWORK, "cl_2", "172.30.100.3", NULL, 128000);
	load(NETWORK, &i->firewall, &sets);
	handle = handle_of("s_nodes_4");
	for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
		char one[65], two[65];
		struct net *fresh = net_new(NULL);
		struct err e = {0};

		load(NETWORK, steps[k].f, steps[k].sets);
		digest(NETWORK, one);
		assert_int_equal(handle_of("s_nodes_4"), handle);
		/* in a namespace without anything */
		close(lab_new());
		net_free(fresh);
		fresh = net_new(NULL);
		if (net_firewall_load(fresh, NETWORK, steps[k].f, steps[k].sets, &e) < 0 ||
			net_firewall_digest(fresh, NETWORK, two, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(one, two);
		net_free(fresh);
		lab_enter(router);
	}
	item_free(i);
	item_free(other);
}

/* Whatever somebody does to the table is seen, and mended without touching the rest. */
static void drift_is_mended(void **state)
{
	static const struct {
		const char *command;
		bool whole; /* the table is made anew */
	} rows[] = {
		{"delete element inet warren_" NETWORK " s_nodes_4 { 172.30.0.1 }", false},
		{"flush set inet warren_" NETWORK " s_nodes_4", false},
		{"flush set inet warren_" NETWORK " r_fwd_4", false},
		{"add element inet warren_" NETWORK " s_fwd_6 { 2001:db8::1 }", false},
		{"delete element inet warren_" NETWORK " limit_up_4 { 172.30.100.2 }", false},
		{"add limit inet warren_" NETWORK " x { rate over 1 bytes/second }", false},
		{"flush chain inet warren_" NETWORK " wr_pass", true},
		{"add element inet warren_" NETWORK " interfaces { \"eth0\" }", true},
		{"add chain inet warren_" NETWORK " more", true},
		{"delete table inet warren_" NETWORK, true},
		{"flush ruleset", true},
	};
	CLEANUP(item_vec_done) struct item_vec sets = {0};
	struct item *i = fleet_item(&sets);
	char before[65], after[65];
	struct err e = {0};

	load(NETWORK, &i->firewall, &sets);
	digest(NETWORK, before);
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		unsigned long handle = handle_of("r_fwd_4");

		nft(rows[k].command);
		if (net_firewall_digest(n, NETWORK, after, &e) == 0)
			assert_string_not_equal(before, after);
		load(NETWORK, &i->firewall, &sets);
		digest(NETWORK, after);
		if (strcmp(before, after) != 0)
			fail_msg("not mended: %s", rows[k].command);
		if (!rows[k].whole)
			assert_int_equal(handle_of("r_fwd_4"), handle);
	}
	item_free(i);
}

/* The first limit brings rules for limits, the last one takes them along. */
static void first_and_last_limit(void **state)
{
	CLEANUP(item_vec_done) struct item_vec one = {0}, two = {0}, none = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	struct err e = {0};

	items_limit(&one, NETWORK, "cl_1", "172.30.100.2", NULL, 64000);
	items_limit(&two, NETWORK, "cl_2", "172.30.100.3", "fd00:30::3", 64000);
	load(NETWORK, &i->firewall, &none);
	assert_int_equal(occurrences("limit"), 0);
	assert_int_equal(net_firewall_members(n, NETWORK, &one, &one, &none, &e), ERR_STALE);
	load(NETWORK, &i->firewall, &one);
	assert_int_equal(occurrences("limit up_cl_1_64000 {"), 1);
	assert_int_equal(net_firewall_members(n, NETWORK, &one, &two, &none, &e), 0);
	assert_int_equal(occurrences("\"up_cl_2_64000\""), 2);
	assert_int_equal(net_firewall_members(n, NETWORK, &one, &none, &two, &e), 0);
	assert_int_equal(occurrences("up_cl_2_64000"), 0);
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &none, &one, &e), ERR_STALE);
	load(NETWORK, &i->firewall, &none);
	assert_int_equal(occurrences("limit"), 0);
	item_free(i);
}

/* The least and the most a client can be given is what a kernel takes: by a load and in place. */
static void the_kernel_takes_every_rate(void **state)
{
	CLEANUP(item_vec_done) struct item_vec most = {0}, both = {0}, none = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	struct err e = {0};

	items_limit(&most, NETWORK, "cl_1", "172.30.100.2", NULL, DEVICE_RATE_MAX);
	items_limit(&both, NETWORK, "cl_2", "172.30.100.3", NULL, DEVICE_RATE_MAX);
	items_limit(&both, NETWORK, "cl_3", "172.30.100.4", NULL, DEVICE_RATE_MIN);
	load(NETWORK, &i->firewall, &most);
	assert_int_equal(net_firewall_members(n, NETWORK, &most, &both, &none, &e), 0);
	assert_int_equal(occurrences("limit up_cl_"), 3);
	item_free(i);
}

static bool intact(const struct item *i, const struct item_vec *sets)
{
	struct err e = {0};
	int r = net_firewall_intact(n, NETWORK, &i->firewall, sets, &e);

	if (r < 0)
		fail_msg("%s", e.text);
	return r == 1;
}

/* Intact is what is wanted, not what was there when somebody looked first. */
static void intact_is_as_wanted(void **state)
{
	CLEANUP(item_vec_done) struct item_vec sets = {0}, put = {0}, none = {0};
	struct item *i = fleet_item(&sets);
	struct err e = {0};

	assert_int_equal(net_firewall_intact(n, NETWORK, &i->firewall, &sets, &e), ERR_NOT_FOUND);
	load(NETWORK, &i->firewall, &sets);
	nft("insert rule inet warren_" NETWORK " wr_pass accept");
	assert_false(intact(i, &sets));
	load(NETWORK, &i->firewall, &sets);
	assert_true(intact(i, &sets));
	nft("add table inet foreign");
	assert_true(intact(i, &sets));
	nft("add element inet warren_" NETWORK " s_nodes_4 { 192.0.2.9 }");
	assert_false(intact(i, &sets));
	nft("delete element inet warren_" NETWORK " s_nodes_4 { 192.0.2.9 }");
	assert_true(intact(i, &sets));
	/* a change of members counts as wanted only when it is */
	items_set(&put, NETWORK, "nodes", "192.0.2.9/32");
	assert_int_equal(net_firewall_members(n, NETWORK, &sets, &put, &none, &e), 0);
	assert_false(intact(i, &sets));
	items_set(&sets, NETWORK, "nodes", "192.0.2.9/32");
	assert_true(intact(i, &sets));
	/* nor do rules that were not loaded */
	items_rule(&i->firewall.input, "", "", "udp", "53");
	nft("add table inet foreign2");
	assert_false(intact(i, &sets));
	load(NETWORK, &i->firewall, &sets);
	assert_true(intact(i, &sets));
	item_free(i);
}

static void list_table(struct buf *out)
{
	static const char *const argv[] = {"nft", "list", "table", "inet", "warren_" NETWORK, NULL};

	assert_int_equal(proc_run(argv, NULL, 0, out, NULL, 60000, NULL), 0);
}

static struct item *range_item(const char *set, const char *prefix)
{
	struct item *i = item_new(ITEM_SET, NETWORK);

	i->set.set = mem_strdup(set);
	i->set.prefix = items_prefix(prefix);
	return i;
}

static bool has_item(const struct item_vec *v, const struct item *x)
{
	VEC_FOREACH (i, v)
		if (item_compare(*i, x) == 0)
			return true;
	return false;
}

static struct item *random_item(struct rand *r)
{
	struct item_vec v = {0};
	char text[PREFIX_TEXT_LEN], device[ID_LEN];
	struct item *i;

	switch (rand_below(r, 5)) {
	case 0:
		snprintf(text, sizeof(text), "10.%u.0.0/%u", 2 * (unsigned)rand_below(r, 8), 15);
		items_set(&v, NETWORK, "nodes", text);
		break;
	case 1:
		snprintf(text, sizeof(text), "fd00:%x::/32", (unsigned)rand_below(r, 6));
		items_set(&v, NETWORK, "fwd", text);
		break;
	case 2:
		snprintf(text, sizeof(text), "172.30.100.%u", (unsigned)rand_below(r, 40));
		/* one device, one limit: named by its address here */
		snprintf(device, sizeof(device), "cl_%.20s", strrchr(text, '.') + 1);
		items_limit(&v, NETWORK, device, text, NULL, 1000 * strlen(device));
		break;
	default:
		snprintf(text, sizeof(text), "10.0.0.%u/32", (unsigned)rand_below(r, 200));
		items_set(&v, NETWORK, rand_below(r, 2) ? "nodes" : "fwd", text);
	}
	i = v.v[0];
	VEC_DONE(&v);
	return i;
}

/* Any sequence of changes of members leaves what a load of the outcome from nothing makes, as this
 * program and as nft reads it. */
static void members_by_chance(void **state)
{
	CLEANUP(buf_done) struct buf by_changes = {0}, by_load = {0};
	struct item *i = item_new(ITEM_FIREWALL, NETWORK);
	struct state now = {0};
	struct item *stays;
	char one[65], two[65];
	struct net *fresh;
	struct rand r = {42};
	struct err e = {0};

	strs_push(&i->firewall.interfaces, "warren0");
	items_rule(&i->firewall.input, "nodes", "fwd", "any", "");
	/* ranges of each, so that the sets for them are there */
	state_put(&now, range_item("nodes", "192.0.2.0/24"));
	state_put(&now, range_item("fwd", "2001:db8::/32"));
	/* and a limit that stays */
	state_put(&now, stays = item_new(ITEM_LIMIT, NETWORK));
	stays->limit.rate = 16000;
	load(NETWORK, &i->firewall, &now.items);
	for (int round = 0; round < 150; round++) {
		CLEANUP(item_vec_done) struct item_vec put = {0}, drop = {0};

		for (uint64_t k = 1 + rand_below(&r, 6); k > 0; k--) {
			struct item *x = random_item(&r);

			if (state_find(&now, x) == NULL) {
				VEC_PUSH(&put, item_dup(x));
				state_put(&now, x);
			} else if (!rand_below(&r, 2) || has_item(&put, x)) {
				item_free(x);
			} else {
				state_drop(&now, x);
				VEC_PUSH(&drop, x);
			}
		}
		if (net_firewall_members(n, NETWORK, &now.items, &put, &drop, &e) < 0)
			fail_msg("round %d: %s", round, e.text);
	}
	digest(NETWORK, one);
	list_table(&by_changes);
	close(lab_new());
	fresh = net_new(NULL);
	if (net_firewall_load(fresh, NETWORK, &i->firewall, &now.items, &e) < 0 ||
		net_firewall_digest(fresh, NETWORK, two, &e) < 0)
		fail_msg("%s", e.text);
	list_table(&by_load);
	/* limits come first, in the order in which they were made */
	assert_string_equal(
		strstr(buf_str(&by_changes), "\tset "), strstr(buf_str(&by_load), "\tset "));
	assert_string_equal(one, two);
	net_free(fresh);
	state_done(&now);
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
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &put, &none, &e), 0);
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
	/* but nobody there takes a network's address for himself; the node may, on its loopback */
	VEC_PUSH(&i->firewall.overlay, items_prefix("172.30.0.0/16"));
	VEC_PUSH(&i->firewall.overlay, items_prefix("fd00:30::/64"));
	load(NETWORK, &i->firewall, &put);
	lab_enter(lan);
	lab_ip("address add 172.30.0.2/32 dev l0");
	lab_ip("-6 address add fd00:30::2/128 dev l0 nodad");
	lab_enter(router);
	{
		int false4 = udp(lan, "172.30.0.2", 6000), false6 = udp(lan, "fd00:30::2", 6000);

		say(false4, "172.30.0.1", 5000, "not the peer");
		say(false6, "fd00:30::1", 5000, "not the peer");
		hear_nothing(at4);
		hear_nothing(at6);
		close(false4);
		close(false6);
	}
	say(other4, "172.30.0.1", 5000, "from itself");
	hear(at4, word, from);
	assert_string_equal(word, "from itself");
	items_set(&sets, NETWORK, "friends", "fd00:30::2/128");
	/* one comes, one goes */
	assert_int_equal(net_firewall_members(n, NETWORK, &none, &sets, &put, &e), 0);
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
	/* whatever members may do, who comes from outside with a member's address is none */
	items_set(&sets, NETWORK, "friends", "172.30.0.0/16");
	items_set(&sets, NETWORK, "friends", "fd00:30::/64");
	strs_push(&i->firewall.sets, "friends");
	items_rule(&i->firewall.forward, "friends", "friends", "any", "");
	load(NETWORK, &i->firewall, &sets);
	lab_enter(lan);
	lab_ip("address add 172.30.0.3/32 dev l0");
	lab_ip("-6 address add fd00:30::3/128 dev l0 nodad");
	lab_enter(router);
	{
		int false4 = udp(lan, "172.30.0.3", 7000), false6 = udp(lan, "fd00:30::3", 7000);

		say(false4, "172.30.0.2", 6001, "not a member");
		say(false6, "fd00:30::2", 6000, "not a member");
		hear_nothing(from4);
		hear_nothing(from6);
		close(false4);
		close(false6);
	}
	for (int *fd = (int[]){lan4, lan6, from4, from6, -1}; *fd >= 0; fd++)
		close(*fd);
	item_free(i);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(loads_everything_and_goes),
		TEST(first_load_is_one_transaction), TEST(a_bad_batch_leaves_the_old),
		TEST(digest_sees_a_foreign_hand), TEST(members_300), TEST(members_3000),
		TEST(members_3300), TEST(members_20000_load), TEST(overlapping_members),
		TEST(rules_change_and_sets_stay), TEST(drift_is_mended), TEST(first_and_last_limit),
		TEST(the_kernel_takes_every_rate), TEST(intact_is_as_wanted),
		TEST(members_by_chance), TEST(packets_to_the_node), TEST(packets_through_the_node)};
	const char *missing = lab_missing("ip");

	if (missing == NULL)
		missing = lab_missing("nft");
	if (missing != NULL) {
		printf("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
