/* DOC: see flow.h. Attribute layouts: linux/netfilter/nfnetlink_conntrack.h. */
#include "net/flow.h"

#include "net/rtnl.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

static uint16_t u16_of(const struct nlattr *a)
{
	return a != NULL && mnl_attr_get_payload_len(a) == 2 ? mnl_attr_get_u16(a) : 0;
}

static uint8_t u8_of(const struct nlattr *a)
{
	return a != NULL && mnl_attr_get_payload_len(a) == 1 ? mnl_attr_get_u8(a) : 0;
}

static bool read_tuple(const struct nlattr *nest, unsigned af, struct flow_tuple *ret)
{
	const struct nlattr *tuple[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1],
		*proto[CTA_PROTO_MAX + 1];
	bool four = af == AF_INET;

	rtnl_nested(nest, tuple, CTA_TUPLE_MAX);
	rtnl_nested(tuple[CTA_TUPLE_IP], ip, CTA_IP_MAX);
	rtnl_nested(tuple[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX);
	ret->src = rtnl_get_addr(ip[four ? CTA_IP_V4_SRC : CTA_IP_V6_SRC], af);
	ret->dst = rtnl_get_addr(ip[four ? CTA_IP_V4_DST : CTA_IP_V6_DST], af);
	ret->protocol = u8_of(proto[CTA_PROTO_NUM]);
	ret->sport = ntohs(u16_of(proto[CTA_PROTO_SRC_PORT]));
	ret->dport = ntohs(u16_of(proto[CTA_PROTO_DST_PORT]));
	return addr_is_set(ret->src) && addr_is_set(ret->dst);
}

static bool read_judged(const struct nlattr *const *a, unsigned af, struct flow_tuple *ret)
{
	struct flow_tuple reply;

	if (a[CTA_TUPLE_MASTER] != NULL)
		return read_tuple(a[CTA_TUPLE_MASTER], af, ret);
	if (!read_tuple(a[CTA_TUPLE_ORIG], af, ret) || !read_tuple(a[CTA_TUPLE_REPLY], af, &reply))
		return false;
	ret->dst = reply.src;
	ret->dport = reply.sport;
	return true;
}

static uint8_t read_tcp_state(const struct nlattr *info)
{
	const struct nlattr *kinds[CTA_PROTOINFO_MAX + 1], *tcp[CTA_PROTOINFO_TCP_MAX + 1];

	rtnl_nested(info, kinds, CTA_PROTOINFO_MAX);
	rtnl_nested(kinds[CTA_PROTOINFO_TCP], tcp, CTA_PROTOINFO_TCP_MAX);
	return u8_of(tcp[CTA_PROTOINFO_TCP_STATE]);
}

bool flow_read(const struct nlmsghdr *nlh, struct flow_seen *ret)
{
	const struct nlattr *a[CTA_MAX + 1];
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
		mnl_nlmsg_get_payload_len(nlh) < sizeof(*header))
		return false;
	rtnl_attrs(nlh, sizeof(*header), a, CTA_MAX);
	*ret = (struct flow_seen){.af = header->nfgen_family, .tuple = a[CTA_TUPLE_ORIG]};
	if (ret->tuple == NULL || !read_judged(a, ret->af, &ret->judged))
		return false;
	ret->tcp_state = read_tcp_state(a[CTA_PROTOINFO]);
	ret->has_id = a[CTA_ID] != NULL && mnl_attr_get_payload_len(a[CTA_ID]) == 4;
	ret->id = rtnl_u32(a[CTA_ID], 0);
	ret->has_zone = a[CTA_ZONE] != NULL && mnl_attr_get_payload_len(a[CTA_ZONE]) == 2;
	ret->zone = u16_of(a[CTA_ZONE]);
	ret->mark = ntohl(rtnl_u32(a[CTA_MARK], 0));
	return true;
}
