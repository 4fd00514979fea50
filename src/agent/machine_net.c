/* DOC: machine operations over the net room. */
#include "agent/machine.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct machine_net {
	struct net *net;
	char *hosts_path;
};

struct machine_net *machine_net_new(const char *hosts_path, struct err *e)
{
	struct net *net = net_new(e);
	struct machine_net *n;

	if (net == NULL)
		return NULL;
	n = NEW(struct machine_net);
	n->net = net;
	n->hosts_path = mem_strdup(hosts_path == NULL ? "/etc/hosts" : hosts_path);
	return n;
}

struct machine_net *machine_net_free(struct machine_net *n)
{
	if (n == NULL)
		return NULL;
	net_free(n->net);
	mem_free(n->hosts_path);
	return mem_free(n);
}

void machine_net_watch_read(struct machine_net *n, int fd, net_watch_fn each, void *arg)
{
	net_watch_read(n->net, fd, each, arg);
}

static struct net *net_of(void *ctx)
{
	return ((struct machine_net *)ctx)->net;
}

static int link_get(void *ctx, const char *ifname, struct net_link *ret, struct err *e)
{
	return net_link_get(net_of(ctx), ifname, ret, e);
}

static int link_set_up(void *ctx, const char *ifname, bool up, struct err *e)
{
	return net_link_set_up(net_of(ctx), ifname, up, e);
}

static int link_set_mtu(void *ctx, const char *ifname, uint32_t mtu, struct err *e)
{
	return net_link_set_mtu(net_of(ctx), ifname, mtu, e);
}

static int address_list(void *ctx, const char *ifname, struct address_vec *ret, struct err *e)
{
	return net_address_list(net_of(ctx), ifname, ret, e);
}

/* New interfaces have IPv6 switched off on machines that keep it off by default (containers, some
 * hardening guides). On one of ours it is for us to say. */
static bool switch_ipv6_on(const char *ifname)
{
	AUTOFREE char *name = mem_printf("net.ipv6.conf.%s.disable_ipv6", ifname);
	CLEANUP(buf_done) struct buf now = {0};

	for (char *dot = strchr(name + strlen("net.ipv6.conf."), '.');
		dot != NULL && strcmp(dot, ".disable_ipv6") != 0; dot = strchr(dot, '.'))
		*dot = '/';
	return net_sysctl_get(name, &now, NULL) == 0 && strcmp(buf_str(&now), "1") == 0 &&
		net_sysctl_set(name, "0", NULL) == 0;
}

static int address_add(void *ctx, const struct address_item *a, struct err *e)
{
	int rc = net_address_add(net_of(ctx), a, e);

	if (rc < 0 && a->addr.family == FAMILY_IPV6 && switch_ipv6_on(a->interface))
		rc = net_address_add(net_of(ctx), a, e);
	return rc;
}

static int address_delete(void *ctx, const struct address_item *a, struct err *e)
{
	return net_address_delete(net_of(ctx), a, e);
}

static int route_list(void *ctx, struct route_vec *ret, struct err *e)
{
	return net_route_list(net_of(ctx), ret, e);
}

static int route_others(void *ctx, struct route_vec *ret, struct err *e)
{
	return net_route_others(net_of(ctx), ret, e);
}

static int route_add(void *ctx, const struct route_item *r, struct err *e)
{
	return net_route_add(net_of(ctx), r, e);
}

static int route_delete(void *ctx, const struct route_item *r, struct err *e)
{
	return net_route_delete(net_of(ctx), r, e);
}

static int exit_list(void *ctx, struct exit_vec *ret, struct err *e)
{
	return net_exit_list(net_of(ctx), ret, e);
}

static int exit_put(void *ctx, const struct exit_item *x, struct err *e)
{
	return net_exit_put(net_of(ctx), x, e);
}

static int exit_delete(void *ctx, uint32_t mark, struct err *e)
{
	return net_exit_delete(net_of(ctx), mark, e);
}

static int default_address(void *ctx, enum family f, struct addr *ret, struct err *e)
{
	return net_default_address(net_of(ctx), f, ret, e);
}

static int sysctl_get(void *ctx, const char *name, struct buf *out, struct err *e)
{
	return net_sysctl_get(name, out, e);
}

static int sysctl_set(void *ctx, const char *name, const char *value, struct err *e)
{
	return net_sysctl_set(name, value, e);
}

static int firewall_load(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *sets, struct err *e)
{
	return net_firewall_load(net_of(ctx), network, f, sets, e);
}

static int firewall_members(void *ctx, const char *network, const struct item_vec *all,
	const struct item_vec *put, const struct item_vec *drop, struct err *e)
{
	return net_firewall_members(net_of(ctx), network, all, put, drop, e);
}

static int firewall_intact(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e)
{
	return net_firewall_intact(net_of(ctx), network, f, items, e);
}

static int flows_prune(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *sets, const struct prefix_vec *own, struct err *e)
{
	return net_flows_prune(network, f, sets, own, e);
}

static int firewall_there(void *ctx, const char *network, struct err *e)
{
	return net_firewall_there(net_of(ctx), network, e);
}

static int firewall_delete(void *ctx, const char *network, struct err *e)
{
	return net_firewall_delete(net_of(ctx), network, e);
}

static int hosts_write(void *ctx, const struct item_vec *hosts, struct err *e)
{
	return net_hosts_write(((struct machine_net *)ctx)->hosts_path, hosts, e);
}

static int hosts_stamp(void *ctx, struct buf *out, struct err *e)
{
	const char *path = ((struct machine_net *)ctx)->hosts_path;
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(e, errno, "cannot look at %s", path);
	buf_addf(out, "%ju:%jd:%jd.%09ld", (uintmax_t)st.st_ino, (intmax_t)st.st_size,
		(intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return 0;
}

const struct machine_ops machine_net_ops = {
	.link_get = link_get,
	.link_set_up = link_set_up,
	.link_set_mtu = link_set_mtu,
	.address_list = address_list,
	.address_add = address_add,
	.address_delete = address_delete,
	.route_list = route_list,
	.route_others = route_others,
	.route_add = route_add,
	.route_delete = route_delete,
	.exit_list = exit_list,
	.exit_put = exit_put,
	.exit_delete = exit_delete,
	.default_address = default_address,
	.sysctl_get = sysctl_get,
	.sysctl_set = sysctl_set,
	.firewall_load = firewall_load,
	.firewall_members = firewall_members,
	.firewall_intact = firewall_intact,
	.firewall_there = firewall_there,
	.firewall_delete = firewall_delete,
	.flows_prune = flows_prune,
	.hosts_write = hosts_write,
	.hosts_stamp = hosts_stamp,
};
