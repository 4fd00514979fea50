/*
 * DOC: batches over a netfilter socket; see nfnl.h. A list of elements is cut into messages of
 * MESSAGE_FULL bytes (an attribute's length has 16 bits); the whole batch is one datagram, for
 * which the socket's buffer is made as large as it has to be. The kernel answers while it is being
 * sent: with an error for each message it refuses, and with one acknowledgement for the last.
 */
#include "net/nfnl.h"

#include "net/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_SIZE 32768
#define MESSAGE_FULL 32768
#define MESSAGE_ROOM (MESSAGE_FULL + 1024) /* an element has far less than the rest */

struct nfnl {
	struct net *bus;
	_Alignas(struct nlmsghdr) char message[MESSAGE_ROOM];
};

struct batch {
	struct nfnl *n;
	const char *table;
	struct buf bytes;
	size_t last; /* where the last message that changes something begins */
	uint32_t first_seq, seq;
};

struct nfnl *nfnl_new(struct err *e)
{
	struct net *bus = rtnl_open(NETLINK_NETFILTER, e);
	struct nfnl *n;
	int one = 1;

	if (bus == NULL)
		return NULL;
	n = NEW(struct nfnl);
	n->bus = bus;
	/* refusals without a copy of the message */
	mnl_socket_setsockopt(bus->socket, NETLINK_CAP_ACK, &one, sizeof(one));
	return n;
}

struct nfnl *nfnl_free(struct nfnl *n)
{
	if (n != NULL)
		net_free(n->bus);
	return mem_free(n);
}

struct nlmsghdr *nfnl_request(struct nfnl *n, uint16_t type, uint16_t flags)
{
	struct nfgenmsg *header;
	struct nlmsghdr *nlh = rtnl_begin(n->bus, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
		flags, sizeof(*header), (void **)&header);

	header->nfgen_family = NFPROTO_INET;
	header->version = NFNETLINK_V0;
	return nlh;
}

int nfnl_collect(struct nfnl *n, struct nlmsghdr *nlh, const struct rtnl_sink *sink)
{
	return rtnl_collect(n->bus, nlh, sink);
}

static void forget(void *arg)
{
	*(uint32_t *)arg = 0;
}

static void take_generation(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attrs[NFTA_GEN_MAX + 1];
	const struct nlattr *id;

	rtnl_attrs(nlh, sizeof(struct nfgenmsg), attrs, NFTA_GEN_MAX);
	id = attrs[NFTA_GEN_ID];
	if (id != NULL && mnl_attr_get_payload_len(id) == sizeof(uint32_t))
		*(uint32_t *)arg = ntohl(mnl_attr_get_u32(id));
}

int nfnl_generation(struct nfnl *n, uint32_t *ret, struct err *e)
{
	uint32_t id = 0;
	const struct rtnl_sink sink = {forget, take_generation, &id};
	int errnum = nfnl_collect(n, nfnl_request(n, NFT_MSG_GETGEN, 0), &sink);

	if (errnum != 0)
		return err_errno(e, errnum, "cannot ask for the state of nftables");
	if (id == 0)
		return err_set(e, ERR_UNSUPPORTED, "this kernel's nftables has no generation");
	*ret = id;
	return 0;
}

/* --- batches --------------------------------------------------------------------------------- */

static struct nlmsghdr *message(struct batch *b, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(b->n->message, type, NFPROTO_INET, flags, b->seq++);
}

static void finish(struct batch *b, const struct nlmsghdr *nlh)
{
	b->last = b->bytes.len;
	buf_add(&b->bytes, nlh, NLMSG_ALIGN(nlh->nlmsg_len));
}

/* NFNL_MSG_BATCH_BEGIN or _END, which are of no subsystem. */
static void edge(struct batch *b, uint16_t type, uint32_t generation)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(b->n->message);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = b->seq++;
	header->nfgen_family = AF_UNSPEC;
	header->version = NFNETLINK_V0;
	header->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation != 0)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	buf_add(&b->bytes, nlh, NLMSG_ALIGN(nlh->nlmsg_len));
}

static struct nlmsghdr *elements_message(
	struct batch *b, uint16_t type, uint16_t flags, const char *set)
{
	struct nlmsghdr *nlh = message(b, type, flags);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, b->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	return nlh;
}

static void element(struct nlmsghdr *nlh, const struct nf_elem *x, int number)
{
	struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

	if (elem == NULL)
		abort();
	nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, x->key, x->len);
	if (x->end)
		nftnl_set_elem_set_u32(elem, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	if (x->limit != NULL)
		nftnl_set_elem_set_str(elem, NFTNL_SET_ELEM_OBJREF, x->limit);
	nftnl_set_elem_nlmsg_build(nlh, elem, number);
	nftnl_set_elem_free(elem);
}

static void elements(struct batch *b, uint16_t type, uint16_t flags, const char *set,
	const struct nf_elem_vec *v)
{
	for (size_t i = 0; i < v->n;) {
		struct nlmsghdr *nlh = elements_message(b, type, flags, set);
		struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
		int number = 0;

		for (; i < v->n && nlh->nlmsg_len < MESSAGE_FULL; i++)
			element(nlh, &v->v[i], ++number);
		mnl_attr_nest_end(nlh, list);
		finish(b, nlh);
	}
}

static void limit(struct batch *b, bool add, const struct nf_limit *l)
{
	struct nlmsghdr *nlh = message(
		b, add ? NFT_MSG_NEWOBJ : NFT_MSG_DELOBJ, add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct nftnl_obj *o = nftnl_obj_alloc();

	if (o == NULL)
		abort();
	nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, b->table);
	nftnl_obj_set_str(o, NFTNL_OBJ_NAME, l->name);
	nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, NFT_OBJECT_LIMIT);
	if (add) {
		nftnl_obj_set_u64(o, NFTNL_OBJ_LIMIT_RATE, l->rate);
		nftnl_obj_set_u64(o, NFTNL_OBJ_LIMIT_UNIT, 1); /* second */
		nftnl_obj_set_u32(o, NFTNL_OBJ_LIMIT_BURST, nf_limit_burst(l->rate));
		nftnl_obj_set_u32(o, NFTNL_OBJ_LIMIT_TYPE, NFT_LIMIT_PKT_BYTES);
		nftnl_obj_set_u32(o, NFTNL_OBJ_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	}
	nftnl_obj_nlmsg_build_payload(nlh, o);
	nftnl_obj_free(o);
	finish(b, nlh);
}

static void changes(struct batch *b, const struct nf_changes *c)
{
	VEC_FOREACH (s, &c->sets) {
		if (s->gone) {
			struct nlmsghdr *nlh = message(b, NFT_MSG_DELSET, 0);

			mnl_attr_put_strz(nlh, NFTA_SET_TABLE, b->table);
			mnl_attr_put_strz(nlh, NFTA_SET_NAME, s->set);
			finish(b, nlh);
		} else if (s->flush) {
			finish(b, elements_message(b, NFT_MSG_DELSETELEM, 0, s->set));
		} else {
			elements(b, NFT_MSG_DELSETELEM, 0, s->set, &s->drop);
		}
	}
	VEC_FOREACH (l, &c->drop)
		limit(b, false, l);
	VEC_FOREACH (l, &c->add)
		limit(b, true, l);
	VEC_FOREACH (s, &c->sets)
		elements(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, s->set, &s->add);
}

/* 0, or the errno of the first message that was refused. */
static int answers(struct batch *b)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];
	int fd = mnl_socket_get_fd(b->n->bus->socket), first = 0;
	bool acknowledged = false;

	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)answer;
		int len = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		for (; rtnl_message_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			int errnum;

			if (nlh->nlmsg_seq - b->first_seq >= b->seq - b->first_seq ||
				nlh->nlmsg_type != NLMSG_ERROR ||
				mnl_nlmsg_get_payload_len(nlh) < sizeof(int))
				continue; /* of an earlier request */
			errnum = -*(const int *)mnl_nlmsg_get_payload(nlh);
			if (errnum == 0)
				acknowledged = true;
			else if (first == 0)
				first = errnum;
		}
	}
	if (first == 0 && !acknowledged)
		return errno == ENOBUFS ? ENOBUFS : EPROTO;
	return first;
}

static int send_batch(struct batch *b)
{
	struct mnl_socket *s = b->n->bus->socket;
	struct nlmsghdr *last = (struct nlmsghdr *)(void *)(b->bytes.data + b->last);
	int fd = mnl_socket_get_fd(s), size = (int)b->bytes.len + 4096;

	last->nlmsg_flags |= NLM_F_ACK;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (mnl_socket_sendto(s, b->bytes.data, b->bytes.len) < 0)
		return errno;
	return answers(b);
}

int nfnl_change(struct nfnl *n, const char *table, const struct nf_changes *c, uint32_t generation,
	struct err *e)
{
	struct batch b = {.n = n, .table = table};
	int errnum = 0;

	b.first_seq = b.seq = n->bus->seq + 1;
	edge(&b, NFNL_MSG_BATCH_BEGIN, generation);
	changes(&b, c);
	if (b.last != 0) {
		edge(&b, NFNL_MSG_BATCH_END, 0);
		errnum = send_batch(&b);
	}
	n->bus->seq = b.seq;
	buf_done(&b.bytes);
	if (errnum == ERESTART)
		return err_set(e, ERR_STALE, "somebody else changed nftables at the same time");
	return errnum == 0 ? 0 : err_errno(e, errnum, "cannot change the firewall table %s", table);
}
