/* DOC: see link.h: one request, one answer, on a socket of its own. */
#include "wg/link.h"

#include "wg/nlsock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>

#define REQUEST_SIZE 512
#define LIST_ATTEMPTS 8 /* interfaces may come and go while we list them */

int wg_unsupported(struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED,
		"this kernel has no WireGuard: load its module (modprobe wireguard; Debian's packages "
		"linux-image-* have it) or install package wireguard-go");
}

static struct nlmsghdr *begin(char *buf, uint16_t type, uint16_t flags, const char *ifname)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	if (ifname != NULL)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	return nlh;
}

static int ask(struct nlmsghdr *nlh, struct nl_refusal *ret, struct err *e)
{
	CLEANUP(nlsock_close) struct nlsock s = {0};
	int r = nlsock_open(&s, NETLINK_ROUTE, e);

	return r < 0 ? r : nlsock_ask(&s, nlh, ret, e);
}

/* What is left when a function has named the refusals it knows. */
static int refused(const struct nl_refusal *no, const char *what, const char *ifname, struct err *e)
{
	if (no->errnum == EPERM)
		return err_set(e, ERR_DENIED, "cannot %s interface %s: it takes CAP_NET_ADMIN",
			what, ifname);
	return err_set(e, ERR_SYSTEM, "cannot %s interface %s: %s%s", what, ifname,
		strerror(no->errnum), no->text);
}

int wg_link_exists(const char *ifname)
{
	return if_nametoindex(ifname) != 0;
}

int wg_link_delete(const char *ifname, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nl_refusal no;
	int r = ask(begin(buf, RTM_DELLINK, 0, ifname), &no, e);

	if (r < 0)
		return r;
	if (no.errnum == ENODEV)
		return err_set(e, ERR_NOT_FOUND, "there is no interface %s", ifname);
	return no.errnum == 0 ? 0 : refused(&no, "delete", ifname, e);
}

int wg_link_add(const char *ifname, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = begin(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifname);
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	struct nl_refusal no;
	int r;

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, WG_LINK_KIND);
	mnl_attr_nest_end(nlh, info);
	r = ask(nlh, &no, e);
	if (r < 0)
		return r;
	if (no.errnum == EEXIST)
		return err_set(e, ERR_EXISTS, "there is an interface %s already", ifname);
	if (no.errnum == EOPNOTSUPP)
		return wg_unsupported(e);
	return no.errnum == 0 ? 0 : refused(&no, "make", ifname, e);
}

/* A NUL-terminated string of at most size - 1 bytes. */
static int read_text(struct span s, char *ret, size_t size)
{
	const uint8_t *end = memchr(s.p, 0, s.n);

	if (end == NULL || (size_t)(end - s.p) >= size)
		return ERR_CORRUPT;
	memcpy(ret, s.p, (size_t)(end - s.p) + 1);
	return 0;
}

int link_info_read(struct span payload, struct link_info *ret)
{
	static const struct attr_policy link_policy[IFLA_LINKINFO + 1] = {
		[IFLA_IFNAME] = {2, IFNAMSIZ}, [IFLA_LINKINFO] = {0, UINT16_MAX}};
	static const struct attr_policy info_policy[IFLA_INFO_KIND + 1] = {
		[IFLA_INFO_KIND] = {1, UINT16_MAX}};
	struct span a[IFLA_LINKINFO + 1], info[IFLA_INFO_KIND + 1];
	struct link_info found = {0};

	if (payload.n < sizeof(struct ifinfomsg))
		return ERR_CORRUPT;
	payload.p += sizeof(struct ifinfomsg);
	payload.n -= sizeof(struct ifinfomsg);
	if (attr_table(payload, link_policy, ARRAY_LEN(a), a) < 0 || a[IFLA_IFNAME].p == NULL ||
		read_text(a[IFLA_IFNAME], found.name, sizeof(found.name)) < 0 ||
		attr_table(a[IFLA_LINKINFO], info_policy, ARRAY_LEN(info), info) < 0)
		return ERR_CORRUPT;
	/* A kind too long for us is not one we look for. */
	if (info[IFLA_INFO_KIND].p != NULL &&
		read_text(info[IFLA_INFO_KIND], found.kind, sizeof(found.kind)) < 0)
		strcpy(found.kind, "?");
	*ret = found;
	return 0;
}

/* One answer of RTM_GETLINK: each link goes to found(). *ret_interrupted: read again. */
static int get_links(struct nlmsghdr *nlh, void (*found)(void *to, const struct link_info *info),
	void *to, struct nl_refusal *ret, bool *ret_interrupted, struct err *e)
{
	CLEANUP(nlsock_close) struct nlsock s = {0};
	struct span datagram, payload;
	struct nlmsghdr h;
	int r = nlsock_open(&s, NETLINK_ROUTE, e);

	if (r == 0)
		r = nlsock_send(&s, nlh, e);
	if (r < 0)
		return r;
	*ret_interrupted = false;
	while (r == 0) {
		r = nlsock_receive(&s, &datagram, e);
		if (r < 0)
			return r;
		while ((r = message_next(&datagram, &h, &payload)) > 0) {
			struct link_info info;

			if (h.nlmsg_seq != s.seq)
				continue;
			*ret_interrupted |= (h.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (h.nlmsg_type == NLMSG_ERROR || h.nlmsg_type == NLMSG_DONE) {
				r = refusal_read(&h, payload, ret);
				if (r == 0)
					return 0;
				break;
			}
			if (h.nlmsg_type != RTM_NEWLINK)
				continue;
			r = link_info_read(payload, &info);
			if (r < 0)
				break;
			found(to, &info);
		}
	}
	return err_set(e, r, "the kernel's answer about interfaces is malformed");
}

static void take_kind(void *to, const struct link_info *info)
{
	memcpy(to, info->kind, LINK_KIND_LEN);
}

int wg_link_kind(const char *ifname, char ret[static LINK_KIND_LEN], struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nl_refusal no = {0};
	bool interrupted;
	int r = get_links(
		begin(buf, RTM_GETLINK, NLM_F_ACK, ifname), take_kind, ret, &no, &interrupted, e);

	if (r < 0)
		return r;
	if (no.errnum == ENODEV)
		return err_set(e, ERR_NOT_FOUND, "there is no interface %s", ifname);
	return no.errnum == 0 ? 0 : refused(&no, "look at", ifname, e);
}

static void take_name(void *to, const struct link_info *info)
{
	if (strcmp(info->kind, WG_LINK_KIND) == 0)
		strs_push(to, info->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int wg_link_list(struct strs *ret, struct err *e)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_SIZE];
	struct nl_refusal no = {0};
	bool interrupted = true;

	for (int i = 0; i < LIST_ATTEMPTS && interrupted; i++) {
		CLEANUP(strs_done) struct strs names = {0};
		int r = get_links(begin(buf, RTM_GETLINK, NLM_F_DUMP, NULL), take_name, &names, &no,
			&interrupted, e);

		if (r < 0)
			return r;
		if (no.errnum != 0)
			return refused(&no, "list", "of kind " WG_LINK_KIND, e);
		if (interrupted)
			continue;
		if (names.n > 0)
			qsort(names.v, names.n, sizeof(*names.v), by_name);
		VEC_FOREACH (name, &names)
			strs_push(ret, *name);
	}
	return interrupted ? err_set(e, ERR_UNAVAILABLE, "interfaces keep coming and going") : 0;
}
