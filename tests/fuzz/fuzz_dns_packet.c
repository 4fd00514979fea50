/* DOC: packets to the responder: a client's question (the first byte's lowest bit: over TCP; the
 * next one chooses the asker), and an upstream's answer to it, which is what follows. */
#include "base/mem.h"
#include "dns/answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct addr addr(const char *text)
{
	struct addr a = {0};

	addr_parse(text, &a);
	return a;
}

static struct item *name(
	struct item_vec *v, const char *id, const char *label, const char *a4, const char *a6)
{
	struct item *i = item_new(ITEM_NAME, "net_1");

	id_copy(i->name.id, id);
	i->name.name = mem_strdup(label);
	i->name.addr = addr(a4);
	i->name.addr6 = addr(a6);
	VEC_PUSH(v, i);
	return i;
}

static struct dns_zone *zone(void)
{
	struct item_vec items = {0};
	struct item *dns = item_new(ITEM_DNS, "net_1"), *fw = item_new(ITEM_FIREWALL, "net_1");
	struct prefix pools[] = {{addr("172.30.0.0"), 16}, {addr("fd00::"), 64}};
	struct prefix self = prefix_host(addr("172.30.0.1"));
	struct fw_rule any = {mem_strdup(""), mem_strdup(""), mem_strdup("any"), {0}};
	struct dns_zone *z;

	dns->dns.domain = mem_strdup("a.b");
	VEC_PUSH(&dns->dns.listen, self);
	for (size_t i = 0; i < ARRAY_LEN(pools); i++)
		VEC_PUSH(&fw->firewall.overlay, pools[i]);
	VEC_PUSH(&fw->firewall.forward, any);
	VEC_PUSH(&items, dns);
	VEC_PUSH(&items, fw);
	name(&items, "mem_1", "g", "172.30.0.1", "fd00::1");
	name(&items, "cl_1", "p", "172.30.0.2", "fd00::2")->name.forward = true;
	z = dns_zone_new(&items, "net_1", 1);
	item_vec_done(&items);
	return z;
}

static void upstream(
	const struct dns_query *q, const uint8_t *packet, bool stream, const uint8_t *p, size_t n)
{
	uint8_t out[DNS_PLAIN_MAX];
	uint8_t *in = mem_alloc(n < DNS_REPLY_MAX ? DNS_REPLY_MAX : n);

	if (dns_query_relay(q, packet, q->id, out) > sizeof(out))
		abort();
	memcpy(in, p, n);
	if (dns_response_check(q, in, n, q->id) &&
		dns_answer_relay(q, packet, stream, in, n) > DNS_PACKET_MAX)
		abort();
	mem_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct dns_zone *z;
	static const char *const askers[] = {"172.30.0.2", "172.30.0.9", "fd00::1", "192.0.2.1"};
	bool stream;
	struct dns_reply r;
	struct dns_query q, again;
	size_t size;

	if (z == NULL)
		z = zone();
	if (n < 4 || n > 2 * DNS_QUERY_MAX)
		return 0;
	stream = data[0] & 1;
	size = dns_get16(data + 2) % (n - 3);
	switch (dns_answer(z, addr(askers[data[1] & 3]), data + 4, size, stream, &q, &r)) {
	case DNS_DROP:
		break;
	case DNS_FORWARD:
		upstream(&q, data + 4, stream, data + 4 + size, n - 4 - size);
		break;
	case DNS_REPLY:
		/* what we say is an answer, to that question, within what the asker takes */
		if (!dns_response_check(&q, r.data, r.n, q.id) && (q.flags & DNS_OPCODE) == 0)
			abort();
		if (!stream && r.n > DNS_EDNS_MAX)
			abort();
		if (dns_query_parse(r.data, r.n, &again) == 0)
			abort();
		break;
	}
	return 0;
}
