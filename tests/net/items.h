/* DOC: short ways to make items for the tests of this folder. */
#ifndef WARREN_TESTS_NET_ITEMS_H
#define WARREN_TESTS_NET_ITEMS_H

#include "model/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct prefix items_prefix(const char *text)
{
	struct prefix p;

	if (prefix_parse(text, "prefix", &p, NULL) < 0)
		abort();
	return p;
}

static inline void items_set(
	struct item_vec *v, const char *network, const char *set, const char *prefix)
{
	struct item *i = item_new(ITEM_SET, network);

	i->set.set = mem_strdup(set);
	i->set.prefix = items_prefix(prefix);
	VEC_PUSH(v, i);
}

/* addresses: NULL = none of that family. rate: bits a second. */
static inline void items_limit(struct item_vec *v, const char *network, const char *device,
	const char *addr, const char *addr6, uint64_t rate)
{
	struct item *i = item_new(ITEM_LIMIT, network);

	id_copy(i->limit.device, device);
	if (addr != NULL && addr_parse(addr, &i->limit.addr) < 0)
		abort();
	if (addr6 != NULL && addr_parse(addr6, &i->limit.addr6) < 0)
		abort();
	i->limit.rate = rate;
	VEC_PUSH(v, i);
}

static inline void items_host(
	struct item_vec *v, const char *name, const char *addr, const char *addr6)
{
	struct item *i = item_new(ITEM_HOST, "net_1");

	i->host.name = mem_strdup(name);
	if (addr != NULL && addr_parse(addr, &i->host.addr) < 0)
		abort();
	if (addr6 != NULL && addr_parse(addr6, &i->host.addr6) < 0)
		abort();
	VEC_PUSH(v, i);
}

/* ports: "" or one entry. */
static inline void items_rule(struct fw_rule_vec *v, const char *from, const char *to,
	const char *protocol, const char *port)
{
	struct fw_rule r = {
		.from = mem_strdup(from), .to = mem_strdup(to), .protocol = mem_strdup(protocol)};

	if (port[0] != '\0')
		strs_push(&r.ports, port);
	VEC_PUSH(v, r);
}

static inline void items_exit(
	struct firewall_item *f, const char *set, uint32_t mark, const char *interface)
{
	struct fw_exit x = {.set = mem_strdup(set), .mark = mark};

	snprintf(x.interface, IFNAME_LEN, "%s", interface);
	VEC_PUSH(&f->exits, x);
}

#endif
