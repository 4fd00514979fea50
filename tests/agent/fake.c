/* DOC: the machine in memory; see fake.h. */
#include "fake.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct fake *self(void *ctx)
{
	return ctx;
}

static int enter(struct fake *f, struct err *e)
{
	if (f->fail_in > 0 && --f->fail_in == 0)
		return err_set(e, ERR_SYSTEM, "failure asked for");
	return 0;
}

/* Links that wg made come into being when they are first looked at, down. */
static int link_at(struct fake *f, const char *ifname, struct net_link **ret, struct err *e)
{
	struct strs names = {0};
	bool there;
	int rc = f->wg->ops->list(f->wg, &names, e);

	if (rc < 0)
		return rc;
	there = strs_has(&names, ifname);
	strs_done(&names);
	*ret = map_get(&f->links, ifname);
	if (*ret != NULL && (*ret)->index != 99 && !there) {
		mem_free(map_remove(&f->links, ifname));
		*ret = NULL;
	}
	if (*ret == NULL && there) {
		*ret = NEW(struct net_link);
		(*ret)->index = 7;
		(*ret)->mtu = 1420;
		map_set(&f->links, ifname, *ret);
	}
	if (*ret != NULL)
		return 0;
	for (size_t i = f->addresses.n; i-- > 0;)
		if (strcmp(f->addresses.v[i].interface, ifname) == 0)
			VEC_REMOVE(&f->addresses, i);
	for (size_t i = f->routes.n; i-- > 0;)
		if (strcmp(f->routes.v[i].interface, ifname) == 0)
			VEC_REMOVE(&f->routes, i);
	return err_set(e, ERR_NOT_FOUND, "no interface %s", ifname);
}

static int link_get(void *ctx, const char *ifname, struct net_link *ret, struct err *e)
{
	struct net_link *l;
	int rc = enter(self(ctx), e);

	if (rc == 0)
		rc = link_at(self(ctx), ifname, &l, e);
	if (rc == 0)
		*ret = *l;
	return rc;
}

static int link_set_up(void *ctx, const char *ifname, bool up, struct err *e)
{
	struct net_link *l;
	int rc = enter(self(ctx), e);

	if (rc == 0)
		rc = link_at(self(ctx), ifname, &l, e);
	if (rc == 0) {
		l->up = up;
		self(ctx)->writes++;
	}
	return rc;
}

static int link_set_mtu(void *ctx, const char *ifname, uint32_t mtu, struct err *e)
{
	struct net_link *l;
	int rc = enter(self(ctx), e);

	if (rc == 0)
		rc = link_at(self(ctx), ifname, &l, e);
	if (rc == 0) {
		l->mtu = mtu;
		self(ctx)->writes++;
	}
	return rc;
}

static size_t address_at(const struct fake *f, const struct address_item *a)
{
	size_t i = 0;

	while (i < f->addresses.n &&
		(strcmp(f->addresses.v[i].interface, a->interface) != 0 ||
			addr_compare(f->addresses.v[i].addr, a->addr) != 0))
		i++;
	return i;
}

static int address_list(void *ctx, const char *ifname, struct address_vec *ret, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc < 0)
		return rc;
	VEC_FOREACH (a, &self(ctx)->addresses)
		if (strcmp(a->interface, ifname) == 0)
			VEC_PUSH(ret, *a);
	return 0;
}

static int address_add(void *ctx, const struct address_item *a, struct err *e)
{
	struct fake *f = self(ctx);
	struct net_link *l;
	int rc = enter(f, e);

	if (rc == 0)
		rc = link_at(f, a->interface, &l, e);
	if (rc < 0)
		return rc;
	if (address_at(f, a) == f->addresses.n)
		VEC_PUSH(&f->addresses, *a);
	f->writes++;
	return 0;
}

static int address_delete(void *ctx, const struct address_item *a, struct err *e)
{
	struct fake *f = self(ctx);
	int rc = enter(f, e);
	size_t at = address_at(f, a);

	if (rc == 0 && at < f->addresses.n)
		VEC_REMOVE(&f->addresses, at);
	f->writes += rc == 0;
	return rc;
}

static size_t route_at(const struct fake *f, const struct route_item *r)
{
	size_t i = 0;

	while (i < f->routes.n &&
		(prefix_compare(f->routes.v[i].dst, r->dst) != 0 ||
			f->routes.v[i].metric != r->metric))
		i++;
	return i;
}

static int route_list(void *ctx, struct route_vec *ret, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc < 0)
		return rc;
	VEC_FOREACH (r, &self(ctx)->routes)
		VEC_PUSH(ret, *r);
	return 0;
}

static int route_others(void *ctx, struct route_vec *ret, struct err *e)
{
	VEC_FOREACH (r, &self(ctx)->others)
		VEC_PUSH(ret, *r);
	return 0;
}

static int route_add(void *ctx, const struct route_item *r, struct err *e)
{
	struct fake *f = self(ctx);
	struct net_link *l;
	size_t at = route_at(f, r);
	int rc = enter(f, e);

	if (rc == 0)
		rc = link_at(f, r->interface, &l, e);
	if (rc < 0)
		return rc;
	if (at < f->routes.n)
		f->routes.v[at] = *r;
	else
		VEC_PUSH(&f->routes, *r);
	f->writes++;
	return 0;
}

static int route_delete(void *ctx, const struct route_item *r, struct err *e)
{
	struct fake *f = self(ctx);
	int rc = enter(f, e);
	size_t at = route_at(f, r);

	if (rc == 0 && at < f->routes.n)
		VEC_REMOVE(&f->routes, at);
	f->writes += rc == 0;
	return rc;
}

static void copy_lists(struct exit_item *x)
{
	const struct exit_item was = *x;

	x->inside = x->back = (struct prefix_vec){0};
	prefix_vec_copy(&x->inside, &was.inside);
	prefix_vec_copy(&x->back, &was.back);
}

static int exit_list(void *ctx, struct exit_vec *ret, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc < 0)
		return rc;
	VEC_FOREACH (x, &self(ctx)->exits) {
		struct exit_item copy = *x;

		copy_lists(&copy);
		VEC_PUSH(ret, copy);
	}
	return 0;
}

static int exit_delete(void *ctx, uint32_t mark, struct err *e)
{
	struct fake *f = self(ctx);
	int rc = enter(f, e);

	for (size_t i = 0; rc == 0 && i < f->exits.n; i++)
		if (f->exits.v[i].mark == mark) {
			VEC_DONE(&f->exits.v[i].inside);
			VEC_DONE(&f->exits.v[i].back);
			VEC_REMOVE(&f->exits, i);
			break;
		}
	f->writes += rc == 0;
	return rc;
}

static int exit_put(void *ctx, const struct exit_item *x, struct err *e)
{
	struct fake *f = self(ctx);
	struct exit_item copy = *x;
	struct net_link *l;
	int rc = exit_delete(ctx, x->mark, e);

	if (rc == 0)
		rc = link_at(f, x->interface, &l, e);
	if (rc < 0)
		return rc;
	copy_lists(&copy);
	VEC_PUSH(&f->exits, copy);
	return 0;
}

static int default_address(void *ctx, enum family f, struct addr *ret, struct err *e)
{
	if (f != FAMILY_IPV4)
		return err_set(e, ERR_NOT_FOUND, "no default route");
	return addr_parse("192.0.2.7", ret);
}

static int sysctl_get(void *ctx, const char *name, struct buf *out, struct err *e)
{
	int rc = enter(self(ctx), e);
	const char *v = map_get(&self(ctx)->sysctls, name);

	if (rc < 0)
		return rc;
	if (v == NULL)
		return err_set(e, ERR_NOT_FOUND, "no sysctl %s", name);
	buf_adds(out, v);
	return 0;
}

static int sysctl_set(void *ctx, const char *name, const char *value, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc < 0)
		return rc;
	mem_free(map_set(&self(ctx)->sysctls, name, mem_strdup(value)));
	self(ctx)->writes++;
	return 0;
}

static int firewall_load(void *ctx, const char *network, const struct firewall_item *fw,
	const struct item_vec *sets, struct err *e)
{
	int rc = enter(self(ctx), e);
	struct buf text = {0};

	if (rc < 0)
		return rc;
	buf_addf(&text, "loaded %zu", sets->n);
	mem_free(map_set(&self(ctx)->firewalls, network, buf_take(&text)));
	self(ctx)->writes++;
	return 0;
}

static int firewall_members(void *ctx, const char *network, const struct item_vec *all,
	const struct item_vec *put, const struct item_vec *drop, struct err *e)
{
	int rc = enter(self(ctx), e);
	const char *now = map_get(&self(ctx)->firewalls, network);

	if (rc < 0)
		return rc;
	if (now == NULL)
		return err_set(e, ERR_SYSTEM, "no table");
	mem_free(map_set(
		&self(ctx)->firewalls, network, mem_printf("%s +%zu-%zu", now, put->n, drop->n)));
	self(ctx)->writes++;
	return 0;
}

static int firewall_intact(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e)
{
	int rc = enter(self(ctx), e);
	const char *now = map_get(&self(ctx)->firewalls, network);

	if (rc < 0)
		return rc;
	if (now == NULL)
		return err_set(e, ERR_NOT_FOUND, "no table");
	return 1;
}

static int flows_prune(void *ctx, const char *network, const struct firewall_item *f,
	const struct item_vec *sets, const struct prefix_vec *own, struct err *e)
{
	self(ctx)->prunes++;
	return 0;
}

static int firewall_there(void *ctx, const char *network, struct err *e)
{
	return map_get(&self(ctx)->firewalls, network) != NULL;
}

static int firewall_delete(void *ctx, const char *network, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc < 0)
		return rc;
	mem_free(map_remove(&self(ctx)->firewalls, network));
	self(ctx)->writes++;
	return 0;
}

static int hosts_write(void *ctx, const struct item_vec *hosts, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc < 0)
		return rc;
	strs_done(&self(ctx)->hosts);
	VEC_FOREACH (i, hosts)
		strs_push(&self(ctx)->hosts, (*i)->host.name);
	self(ctx)->hosts_writes++;
	self(ctx)->writes++;
	return 0;
}

static int hosts_stamp(void *ctx, struct buf *out, struct err *e)
{
	int rc = enter(self(ctx), e);

	if (rc == 0)
		buf_addf(out, "%u", self(ctx)->hosts_writes);
	return rc;
}

const struct machine_ops fake_ops = {
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

/* --- the world ----------------------------------------------------------------------------------
 */

static void nothing_changed(void *arg)
{
}

void world_start(struct world *w)
{
	struct err e = {0};

	if (identity_load(w->dir, &w->identity, &e) < 0)
		fail_msg("%s", e.text);
	w->resolver = resolver_new(NULL, &w->clock, nothing_changed, NULL);
	if (machine_init(&w->machine, w->fake.wg, &fake_ops, &w->fake, &w->clock, &w->identity,
		    w->resolver, &e) < 0 ||
		core_init(&w->core, &w->identity, &w->machine, &w->clock, &e) < 0)
		fail_msg("%s", e.text);
}

void world_stop(struct world *w)
{
	core_done(&w->core);
	machine_done(&w->machine);
	w->resolver = resolver_free(w->resolver);
	identity_done(&w->identity);
}

void world_restart(struct world *w)
{
	world_stop(w);
	world_start(w);
}

void world_init(struct world *w)
{
	char dir[] = "/tmp/warren-agent-XXXXXX";
	struct identity id = {0};
	struct err e = {0};

	crypto_init();
	*w = (struct world){.clock = clock_fake(1700000000000, 1000000)};
	assert_non_null(mkdtemp(dir));
	w->dir = mem_strdup(dir);
	w->fake.wg = wg_memory_new();
	map_set(&w->fake.sysctls, "net.ipv4.ip_forward", mem_strdup("0"));
	memset(w->signing.bytes, 5, KEY_LEN);
	id.dir = mem_strdup(dir);
	id.url = mem_strdup("https://127.0.0.1:1");
	id.pins_at = mem_strdup("2026-01-01T00:00:00Z");
	strs_push(&id.pins, "pin");
	id_copy(id.node, NODE);
	id_copy(id.project, "prj_00000000000000000000000000000001");
	memset(id.node_secret.bytes, 9, KEY_LEN);
	sign_public(&w->signing, &id.signing);
	id.root = id.signing;
	if (identity_save(&id, &e) < 0)
		fail_msg("%s", e.text);
	identity_done(&id);
	world_start(w);
}

static void free_value(void *p)
{
	mem_free(p);
}

void world_done(struct world *w)
{
	AUTOFREE char *clean = mem_printf("rm -rf %s", w->dir);

	world_stop(w);
	w->fake.wg->ops->free(w->fake.wg);
	map_done(&w->fake.links, free_value);
	map_done(&w->fake.sysctls, free_value);
	map_done(&w->fake.firewalls, free_value);
	VEC_DONE(&w->fake.addresses);
	VEC_DONE(&w->fake.routes);
	VEC_DONE(&w->fake.others);
	net_exit_list_done(&w->fake.exits);
	strs_done(&w->fake.hosts);
	assert_int_equal(system(clean), 0);
	mem_free(w->dir);
}

int world_setup(void **state)
{
	struct world *w = NEW(struct world);

	world_init(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	world_done(*state);
	mem_free(*state);
	return 0;
}

/* --- items --------------------------------------------------------------------------------------
 */

void key_of(unsigned n, struct public_key *ret)
{
	struct secret s = {{0}};

	s.bytes[0] = (uint8_t)(8 * (n % 31) + 8);
	s.bytes[1] = (uint8_t)(n / 31 + 1);
	s.bytes[31] = 64;
	key_public(&s, ret);
}

static struct addr address(unsigned n)
{
	char text[ADDR_TEXT_LEN];
	struct addr a;

	snprintf(text, sizeof(text), "172.30.%u.%u", n / 250, n % 250 + 1);
	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct item *peer_make(unsigned n, unsigned key_n)
{
	struct item *i = item_new(ITEM_PEER, NET);

	snprintf(i->peer.interface, IFNAME_LEN, "warren0");
	snprintf(i->peer.id, ID_LEN, "node_%032u", n + 100);
	key_of(key_n, &i->peer.public_key);
	i->peer.mesh_ip = address(n);
	VEC_PUSH(&i->peer.allowed_ips, prefix_host(address(n)));
	i->peer.endpoint = mem_printf("198.51.100.%u:51820", n % 250 + 1);
	i->peer.generation = 1;
	i->peer.keepalive = 25;
	return i;
}

struct item *route_make(unsigned n)
{
	struct item *i = item_new(ITEM_ROUTE, NET);

	snprintf(i->route.interface, IFNAME_LEN, "warren0");
	i->route.dst = prefix_host(address(n));
	return i;
}

void state_base(struct state *s, uint64_t revision)
{
	struct item *i = item_new(ITEM_INTERFACE, NET);

	*s = (struct state){.revision = revision};
	id_copy(s->node, NODE);
	id_copy(s->project, "prj_00000000000000000000000000000001");
	snprintf(i->interface.name, IFNAME_LEN, "warren0");
	i->interface.listen_port = 51820;
	state_put(s, i);
	i = item_new(ITEM_ADDRESS, NET);
	snprintf(i->address.interface, IFNAME_LEN, "warren0");
	assert_int_equal(addr_parse("172.30.200.1", &i->address.addr), 0);
	i->address.len = 32;
	state_put(s, i);
	i = item_new(ITEM_SYSCTL, NET);
	i->sysctl.name = mem_strdup("net.ipv4.ip_forward");
	i->sysctl.value = mem_strdup("1");
	state_put(s, i);
	i = item_new(ITEM_FIREWALL, NET);
	strs_push(&i->firewall.interfaces, "warren0");
	state_put(s, i);
	i = item_new(ITEM_HOST, NET);
	i->host.name = mem_strdup("a.mesh");
	i->host.addr = address(1);
	state_put(s, i);
}

void assert_converged(struct world *w)
{
	struct core_corrections drift = {0};
	struct err e = {0};
	unsigned before;

	core_settle(&w->core);
	before = w->fake.writes;
	if (core_reconcile(&w->core, &drift, &e) < 0)
		fail_msg("reconcile: %s", e.text);
	VEC_FOREACH (k, &drift)
		print_error("drift: %s %s\n", k->type, k->detail);
	assert_int_equal(drift.n, 0);
	assert_int_equal(w->fake.writes, before); /* equal = no write */
	if (w->core.error != NULL)
		fail_msg("error: %s", w->core.error);
	core_corrections_done(&drift);
}

const struct wg_peer *device_peer(struct world *w, struct wg_device *d, unsigned key_n)
{
	struct public_key key;
	struct err e = {0};

	*d = (struct wg_device){0};
	if (w->fake.wg->ops->read(w->fake.wg, "warren0", d, &e) < 0)
		fail_msg("%s", e.text);
	key_of(key_n, &key);
	VEC_FOREACH (p, &d->peers)
		if (public_key_equal(&p->public_key, &key))
			return p;
	return NULL;
}
