/*
 * DOC: WireGuard in the kernel. Interfaces come and go by rtnetlink, what they carry by generic
 * netlink; nothing is executed. Each call opens its own socket, in the network namespace of the
 * thread that calls, and asks for the family anew: a module may have been unloaded meanwhile.
 */
#include "wg/backend.h"

#include "wg/device.h"
#include "wg/kernel_decode.h"
#include "wg/kernel_encode.h"
#include "wg/link.h"
#include "wg/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#define REQUEST_SIZE 256
#define READ_ATTEMPTS 8 /* a device may change while we read it */

/* Memory a message is written to: keys do not stay behind. */
struct scratch {
	void *p;
};

static void scratch_done(struct scratch *s)
{
	mem_wipe(s->p, WG_MESSAGE_MAX);
	mem_free(s->p);
}

static struct nlmsghdr *begin(char *buf, uint16_t type, uint16_t flags, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	genl->cmd = cmd;
	genl->version = 1; /* of the controller as of WireGuard */
	return nlh;
}

/* The number of WireGuard's family in an answer of the controller, or 0. */
static uint16_t family_read(const struct nlmsghdr *h, struct span payload)
{
	static const struct attr_policy policy[CTRL_ATTR_FAMILY_ID + 1] = {
		[CTRL_ATTR_FAMILY_ID] = {2, 2}};
	struct span a[CTRL_ATTR_FAMILY_ID + 1];

	if (h->nlmsg_type != GENL_ID_CTRL || payload.n < GENL_HDRLEN ||
		attr_table((struct span){payload.p + GENL_HDRLEN, payload.n - GENL_HDRLEN}, policy,
			ARRAY_LEN(a), a) < 0 ||
		a[CTRL_ATTR_FAMILY_ID].p == NULL)
		return 0;
	return attr_u16(a[CTRL_ATTR_FAMILY_ID]);
}

/* Asking makes the kernel load the module, where it can. */
static int family_find(struct nlsock *s, uint16_t *ret_family, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = begin(buf, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);
	struct span datagram, payload;
	struct nlmsghdr h;
	uint16_t family = 0;
	int r;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	r = nlsock_send(s, nlh, e);
	while (r == 0) {
		r = nlsock_receive(s, &datagram, e);
		if (r < 0)
			return r;
		while ((r = message_next(&datagram, &h, &payload)) > 0) {
			struct nl_refusal no;

			if (h.nlmsg_type != NLMSG_ERROR) {
				family = family_read(&h, payload);
				continue;
			}
			r = refusal_read(&h, payload, &no);
			if (r < 0)
				break;
			if (no.errnum == ENOENT)
				return wg_unsupported(e);
			if (no.errnum != 0)
				return err_errno(
					e, no.errnum, "cannot ask the kernel for WireGuard");
			if (family == 0)
				r = ERR_CORRUPT;
			else
				*ret_family = family;
			goto out;
		}
	}
out:
	return r < 0 ? err_set(e, ERR_CORRUPT, "the kernel's answer about WireGuard is malformed")
		     : 0;
}

static int kernel_open(struct nlsock *s, uint16_t *ret_family, struct err *e)
{
	int r = nlsock_open(s, NETLINK_GENERIC, e);

	return r < 0 ? r : family_find(s, ret_family, e);
}

/* The refusals of both commands, as a sentence. */
static int refused(const struct nl_refusal *no, const char *what, const char *ifname,
	const struct wg_change *c, struct err *e)
{
	switch (no->errnum) {
	case 0:
		return 0;
	case ENODEV:
		return err_set(e, ERR_NOT_FOUND, "there is no interface %s", ifname);
	case EOPNOTSUPP:
		return err_set(e, ERR_NOT_FOUND, "interface %s is not WireGuard", ifname);
	case ENOENT:
		return wg_unsupported(e);
	case EPERM:
		return err_set(e, ERR_DENIED, "cannot %s %s: it takes CAP_NET_ADMIN", what, ifname);
	case EADDRINUSE:
		if (c != NULL && (c->flags & WG_DEVICE_LISTEN_PORT))
			return err_field(e, ERR_EXISTS, "listen_port",
				"UDP port %u is held by another program or interface",
				c->listen_port);
	}
	return err_set(
		e, ERR_SYSTEM, "cannot %s %s: %s%s", what, ifname, strerror(no->errnum), no->text);
}

static int kernel_change(
	struct wg_backend *b, const char *ifname, const struct wg_change *c, struct err *e)
{
	CLEANUP(nlsock_close) struct nlsock s = {0};
	CLEANUP(scratch_done) struct scratch message = {mem_alloc(WG_MESSAGE_MAX)};
	struct wg_encoder w;
	uint16_t family = 0;
	int r = wg_change_check(ifname, c, e);

	if (r == 0)
		r = kernel_open(&s, &family, e);
	wg_encoder_init(&w, family, ifname, c);
	while (r == 0 && wg_encoder_next(&w, message.p, WG_MESSAGE_MAX) > 0) {
		struct nl_refusal no = {0};

		r = nlsock_ask(&s, message.p, &no, e);
		if (r == 0)
			r = refused(&no, "change", ifname, c, e);
	}
	return r;
}

/* One attempt. 1 = the device changed meanwhile, ret is to be thrown away. */
static int read_once(
	struct nlsock *s, uint16_t family, const char *ifname, struct wg_device *ret, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = begin(buf, family, NLM_F_DUMP, WG_CMD_GET_DEVICE);
	struct span datagram;
	struct wg_dump d;
	int r;

	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, ifname);
	r = nlsock_send(s, nlh, e);
	wg_dump_init(&d, ret, family, s->seq, s->portid);
	while (r == 0 && d.state == WG_DUMP_MORE) {
		r = nlsock_receive(s, &datagram, e);
		if (r == 0)
			wg_dump_feed(&d, datagram);
	}
	if (r < 0)
		return r;
	if (d.state == WG_DUMP_BAD)
		return err_set(e, ERR_CORRUPT, "what the kernel says about %s is malformed: %s",
			ifname, d.problem);
	if (d.interrupted || d.refusal.errnum == EINTR)
		return 1;
	return refused(&d.refusal, "read", ifname, NULL, e);
}

static int kernel_read(
	struct wg_backend *b, const char *ifname, struct wg_device *ret, struct err *e)
{
	int r = wg_change_check(ifname, NULL, e);

	for (int i = 0; r == 0 && i < READ_ATTEMPTS; i++) {
		CLEANUP(wg_device_done) struct wg_device found = {0};
		CLEANUP(nlsock_close) struct nlsock s = {0};
		uint16_t family;

		r = kernel_open(&s, &family, e);
		if (r == 0)
			r = read_once(&s, family, ifname, &found, e);
		if (r == 0) {
			*ret = found;
			found = (struct wg_device){0};
			return 0;
		}
		if (r > 0)
			r = 0;
	}
	return r < 0 ? r
		     : err_set(e, ERR_UNAVAILABLE, "%s changes faster than it can be read", ifname);
}

/* The kind of what is there already; somebody else's interface is left alone. */
static int check_kind(const char *ifname, struct err *e)
{
	char kind[LINK_KIND_LEN] = "";
	int r = wg_link_kind(ifname, kind, e);

	if (r < 0 || strcmp(kind, WG_LINK_KIND) == 0)
		return r;
	return err_field(e, ERR_EXISTS, "interface",
		"interface %s is there and is not WireGuard in the kernel but %s", ifname,
		kind[0] ? kind : "a device of its own kind");
}

static int kernel_create(struct wg_backend *b, const char *ifname, bool *ret_adopted, struct err *e)
{
	int r = wg_change_check(ifname, NULL, e);

	if (r == 0)
		r = wg_link_add(ifname, e);
	if (r == 0) {
		*ret_adopted = false;
		return 0;
	}
	if (r == ERR_EXISTS)
		r = check_kind(ifname, e);
	if (r == 0)
		*ret_adopted = true;
	return r;
}

/* A link that goes with its peers waits for each of them; gone before it, they go fast. And each
 * message holds the kernel's lock over network devices only for its own peers. */
static int remove_peers(struct wg_backend *b, const char *ifname, struct err *e)
{
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct wg_change c = {0};
	struct wg_peer_op *ops;
	int r = kernel_read(b, ifname, &d, e);

	if (r < 0 || d.peers.n == 0)
		return r;
	ops = mem_zalloc(d.peers.n * sizeof(*ops));
	for (size_t i = 0; i < d.peers.n; i++) {
		ops[i].flags = WG_PEER_REMOVE;
		ops[i].public_key = d.peers.v[i].public_key;
	}
	c.peers = ops;
	c.n_peers = d.peers.n;
	r = kernel_change(b, ifname, &c, e);
	mem_free(ops);
	return r;
}

static int kernel_destroy(struct wg_backend *b, const char *ifname, struct err *e)
{
	int r = wg_change_check(ifname, NULL, e);

	if (r == 0)
		r = check_kind(ifname, e);
	if (r == 0)
		r = remove_peers(b, ifname, e);
	if (r == 0)
		r = wg_link_delete(ifname, e);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int kernel_list(struct wg_backend *b, struct strs *ret, struct err *e)
{
	return wg_link_list(ret, e);
}

static struct wg_backend *kernel_free(struct wg_backend *b)
{
	return mem_free(b);
}

static const struct wg_backend_ops kernel_ops = {
	.name = "kernel",
	.create = kernel_create,
	.destroy = kernel_destroy,
	.change = kernel_change,
	.read = kernel_read,
	.list = kernel_list,
	.free = kernel_free,
};

int wg_kernel_new(struct wg_backend **ret, struct err *e)
{
	CLEANUP(nlsock_close) struct nlsock s = {0};
	struct wg_backend *b;
	uint16_t family;
	int r = kernel_open(&s, &family, e);

	if (r < 0)
		return r;
	b = NEW(struct wg_backend);
	b->ops = &kernel_ops;
	*ret = b;
	return 0;
}
