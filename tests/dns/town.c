/* DOC: see town.h. */
#include "town.h"

#include "dns/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct addr town_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, "p", &p, NULL), 0);
	return p;
}

struct item *town_name(struct item_vec *v, const char *id, const char *name, const char *a4,
	const char *a6, bool forward)
{
	struct item *i = item_new(ITEM_NAME, "net_1");

	id_copy(i->name.id, id);
	i->name.name = mem_strdup(name);
	if (a4 != NULL)
		i->name.addr = town_addr(a4);
	if (a6 != NULL)
		i->name.addr6 = town_addr(a6);
	i->name.forward = forward;
	VEC_PUSH(v, i);
	return i;
}

struct item *town_set(struct item_vec *v, const char *set, const char *text)
{
	struct item *i = item_new(ITEM_SET, "net_1");

	i->set.set = mem_strdup(set);
	i->set.prefix = prefix(text);
	VEC_PUSH(v, i);
	return i;
}

static void add_rule(struct fw_rule_vec *v, const char *from, const char *to)
{
	struct fw_rule r = {
		.from = mem_strdup(from), .to = mem_strdup(to), .protocol = mem_strdup("any")};

	VEC_PUSH(v, r);
}

void town_items(struct item_vec *ret)
{
	static const char *const sets[][2] = {{"clients", "172.30.100.2/31"},
		{"clients", "172.30.100.4/30"}, {"clients", "fd00::ac1e:6400/120"},
		{"nodes", "172.30.0.0/24"}, {"nodes", "fd00::ac1e:0/120"},
		{"phone", "172.30.100.2/32"}, {"laptop", "172.30.100.3/32"},
		{"self", "172.30.0.1/32"}, {"self", "172.30.100.1/32"}};
	static const char *const listen[] = {"172.30.0.1", "172.30.100.1", "fd00::ac1e:1"};
	struct item *dns = item_new(ITEM_DNS, "net_1"), *fw = item_new(ITEM_FIREWALL, "net_1");
	struct item *self;

	dns->dns.domain = mem_strdup("town.example");
	for (size_t i = 0; i < ARRAY_LEN(listen); i++)
		VEC_PUSH(&dns->dns.listen, prefix(listen[i]));
	VEC_PUSH(&fw->firewall.overlay, prefix("172.30.0.0/16"));
	VEC_PUSH(&fw->firewall.overlay, prefix("fd00::/64"));
	strs_push(&fw->firewall.interfaces, "warren0");
	add_rule(&fw->firewall.forward, "clients", "nodes");
	add_rule(&fw->firewall.forward, "phone", "laptop");
	add_rule(&fw->firewall.forward, "nobody", "");
	add_rule(&fw->firewall.input, "clients", "self");
	VEC_PUSH(ret, dns);
	VEC_PUSH(ret, fw);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		town_set(ret, sets[i][0], sets[i][1]);
	self = town_name(ret, "mem_1", "gw", "172.30.0.1", "fd00::ac1e:1", false);
	self->name.all = true;
	town_name(ret, "mem_2", "web", "172.30.0.2", "fd00::ac1e:2", false);
	town_name(ret, "cl_1", "phone", "172.30.100.2", "fd00::ac1e:6402", true);
	town_name(ret, "cl_2", "laptop", "172.30.100.3", "fd00::ac1e:6403", false);
	town_name(ret, "cl_3", "printer", "172.30.100.4", NULL, false);
}

struct dns_zone *town_zone(void)
{
	struct item_vec items = {0};
	struct dns_zone *z;

	town_items(&items);
	z = dns_zone_new(&items, "net_1", 7);
	item_vec_done(&items);
	assert_non_null(z);
	return z;
}

size_t town_ask(uint8_t *p, uint16_t id, const char *name, unsigned type, unsigned edns)
{
	static const uint8_t opt[] = {0, 0, DNS_TYPE_OPT, 0, 0, 0, 0, 0, 0, 0, 0};
	size_t n = DNS_HEADER;

	memset(p, 0, DNS_HEADER);
	dns_put16(p, id);
	dns_put16(p + 2, DNS_RD);
	dns_put16(p + 4, 1);
	while (*name != '\0') {
		size_t len = strcspn(name, ".");

		p[n++] = (uint8_t)len;
		memcpy(p + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	p[n++] = 0;
	dns_put16(p + n, type);
	dns_put16(p + n + 2, DNS_CLASS_IN);
	n += 4;
	if (edns > 0) {
		memcpy(p + n, opt, sizeof(opt));
		dns_put16(p + n + 3, edns);
		dns_put16(p + 10, 1);
		n += sizeof(opt);
	}
	return n;
}
