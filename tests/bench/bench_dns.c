/* DOC: the responder with many names, until it is killed; for `dns` beside this, which asks it.
 * Says what making a zone costs, then "ready". */
#include "base/loop.h"
#include "base/text.h"
#include "bench/row.h"
#include "agent/zone_message.h"
#include "dns/server.h"
#include "dns/socket.h"

#include <string.h>

#define RULES 50

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (struct addr){FAMILY_IPV4, (u128)(a << 24 | b << 16 | c << 8 | d)};
}

static void add_name(struct item_vec *v, const char *id, const char *name, struct addr a)
{
	struct item *i = item_new(ITEM_NAME, "net_1");

	id_copy(i->name.id, id);
	i->name.name = mem_strdup(name);
	i->name.addr = a;
	VEC_PUSH(v, i);
}

/* The last rule is the one that allows: every question tries them all. */
static void add_rules(struct item_vec *v)
{
	struct item *fw = item_new(ITEM_FIREWALL, "net_1");
	struct prefix pool = {v4(172, 30, 0, 0), 16};

	VEC_PUSH(&fw->firewall.overlay, pool);
	for (unsigned i = 0; i < RULES; i++) {
		struct fw_rule r = {.from = mem_strdup("clients"),
			.to = i == RULES - 1 ? mem_strdup("clients") : mem_printf("s%u", i),
			.protocol = mem_strdup("any")};

		VEC_PUSH(&fw->firewall.forward, r);
	}
	VEC_PUSH(v, fw);
}

static void fill(struct item_vec *v, unsigned names)
{
	struct item *dns = item_new(ITEM_DNS, "net_1");
	struct prefix self = prefix_host(v4(172, 30, 0, 1));

	dns->dns.domain = mem_strdup("net");
	VEC_PUSH(&dns->dns.listen, self);
	VEC_PUSH(v, dns);
	add_rules(v);
	add_name(v, "mem_1", "gw", v4(172, 30, 0, 1));
	for (unsigned i = 0; i < names; i++) {
		struct item *set = item_new(ITEM_SET, "net_1");
		struct addr a = addr_add(v4(172, 30, 100, 2), i);
		char name[32];

		snprintf(name, sizeof(name), "c%u", i);
		add_name(v, name, name, a);
		set->set.set = mem_strdup("clients");
		set->set.prefix = prefix_host(a);
		VEC_PUSH(v, set);
	}
}

/* What goes to the net process when a name has changed. */
static void message_of(const struct item_vec *items)
{
	struct zone_text t = {0};
	double from = ms_of_clock(CLOCK_PROCESS_CPUTIME_ID);

	zone_text_write(&t, items, "net_1");
	printf("its text, CPU\t%.1f ms\nits text\t%zu KiB in %zu parts\n",
		ms_of_clock(CLOCK_PROCESS_CPUTIME_ID) - from, t.items.len / 1024, t.ends.n);
	zone_text_done(&t);
}

int main(int argc, char **argv)
{
	const struct dns_server_options o = {
		.rate = 100000000, .burst = 100000000, .any_interface = true};
	struct loop *l = loop_new();
	struct dns_server *s = dns_server_new(l, &clock_real, &o);
	struct item_vec items = {0};
	struct dns_zone *z;
	struct err e = {0};
	uint64_t names = 10000;
	double from;

	if (argc > 1 && text_u64(argv[1], 30000, &names) < 0)
		return 64;
	fill(&items, (unsigned)names);
	from = ms_of_clock(CLOCK_PROCESS_CPUTIME_ID);
	z = dns_zone_new(&items, "net_1", 1);
	printf("a zone made, CPU\t%.1f ms\n", ms_of_clock(CLOCK_PROCESS_CPUTIME_ID) - from);
	message_of(&items);
	dns_server_set_zone(s, z);
	item_vec_done(&items);
	VEC_FOREACH (p, dns_zone_listen(z)) {
		int udp = -1, tcp = -1;

		if (dns_socket_open(p->addr, 53, false, dns_zone_pools(z), &udp, &e) < 0 ||
			dns_socket_open(p->addr, 53, true, dns_zone_pools(z), &tcp, &e) < 0) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
		dns_server_add(s, "net_1", p->addr, udp, tcp);
	}
	puts("ready");
	fflush(stdout);
	loop_run(l);
	return 0;
}
