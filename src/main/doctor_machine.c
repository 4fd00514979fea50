/*
 * DOC: doctor's look at a node: is what its agent was told what the machine has? Each check names
 * what is broken and what to do about it. The agent repairs much of this by itself within a minute;
 * what it cannot repair is what people come here with.
 */
#include "main/doctor.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOSTS_MAX (16 * 1024 * 1024)
#define NAMED_MAX 5 /* items of one kind that are named one by one */
#define RESTORES "the agent restores it within a minute when it runs: systemctl start warren-agent"

/* --- the agent and its interfaces ------------------------------------------------------------- */

static void check_agent(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	AUTOFREE char *path = mem_printf("%s/lock", p->identity.dir);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	finding_add(f, FINE, "", "%s of %s", p->identity.node, p->identity.url);
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0)
		finding_add(f, WRONG,
			"start it: systemctl start warren-agent (or warren agent run)",
			"no agent is running");
	if (fd >= 0)
		close(fd);
	if (p->desired.revision == 0)
		finding_add(f, WRONG, "see whether the control plane can be reached, below",
			"it was never told what to do");
	else
		finding_add(f, FINE, "", "revision %llu", (unsigned long long)p->desired.revision);
}

/* The device of a wanted interface; false and a finding when it is not there. */
static bool read_device(
	struct patient *p, const struct interface_item *i, struct finding *f, struct wg_device *ret)
{
	struct err e = {0};
	int r;

	if (ledger_link(&p->machine.ledger, i->name) == NULL) {
		struct net_link l;

		r = net_link_get(p->net, i->name, &l, NULL);
		finding_add(f, WRONG,
			r == 0 ? "rename or remove it; the agent takes nothing that is not its own"
			       : RESTORES,
			r == 0 ? "%s is there and was not made by the agent" : "%s is not there",
			i->name);
		return false;
	}
	r = p->wg->ops->read(p->wg, i->name, ret, &e);
	if (r < 0)
		finding_add(f, WRONG, RESTORES, "%s: %s", i->name,
			r == ERR_NOT_FOUND ? "it is not there, or its engine died" : e.text);
	return r == 0;
}

static void check_interfaces(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;

	VEC_FOREACH (i, &p->desired.items) {
		struct wg_device device = {0};
		struct net_link link;

		if ((*i)->kind != ITEM_INTERFACE || !read_device(p, &(*i)->interface, f, &device))
			continue;
		if (net_link_get(p->net, (*i)->interface.name, &link, NULL) < 0 || !link.up)
			finding_add(f, WRONG, RESTORES, "%s is down", (*i)->interface.name);
		else
			finding_add(f, FINE, "", "%s by %s, %zu peers, MTU %u",
				(*i)->interface.name, p->wg->ops->name, device.peers.n, link.mtu);
		wg_device_done(&device);
	}
	VEC_FOREACH (i, &p->drift.want)
		if ((*i)->kind == ITEM_ADDRESS) {
			char text[ADDR_TEXT_LEN];

			finding_add(f, WRONG, RESTORES, "%s lacks its address %s",
				(*i)->address.interface, addr_format((*i)->address.addr, text));
		}
}

static void check_port(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;

	VEC_FOREACH (i, &p->desired.items) {
		const struct interface_item *want = &(*i)->interface;
		CLEANUP(buf_done) struct buf holder = {0};
		struct wg_device device = {0};

		if ((*i)->kind != ITEM_INTERFACE || want->listen_port == 0)
			continue;
		if (p->wg->ops->read(p->wg, want->name, &device, NULL) == 0 &&
			device.listen_port == want->listen_port)
			finding_add(f, FINE, "", "UDP %u is %s's", want->listen_port, want->name);
		else if (net_port_holder(false, want->listen_port, (struct addr){0}, &holder) == 0)
			finding_add(f, WRONG,
				"stop that process, or give the node another port: "
				"warren node set NAME --port PORT",
				"UDP %u, which %s needs, is held by %s", want->listen_port,
				want->name, buf_str(&holder));
		else
			finding_add(f, WRONG, RESTORES, "%s does not listen on UDP %u", want->name,
				want->listen_port);
		wg_device_done(&device);
	}
}

/* --- keys ------------------------------------------------------------------------------------- */

static const struct item *wanted_peer(const struct patient *p, const char *id)
{
	VEC_FOREACH (i, &p->desired.items)
		if ((*i)->kind == ITEM_PEER && strcmp((*i)->peer.id, id) == 0)
			return *i;
	return NULL;
}

/* Our keys as the control plane tells them to others, and theirs as it told us. */
static void check_keys(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	size_t peers = 0, missing = 0, strange = 0;

	VEC_FOREACH (i, &p->desired.items) {
		struct wg_device device = {0};

		peers += (*i)->kind == ITEM_PEER;
		if ((*i)->kind != ITEM_INTERFACE ||
			p->wg->ops->read(p->wg, (*i)->interface.name, &device, NULL) < 0)
			continue;
		if (!public_key_is_zero(&(*i)->interface.public_key) &&
			!public_key_equal(&(*i)->interface.public_key, &device.public_key))
			finding_add(f, WRONG, RESTORES,
				"%s has another key than the one its peers were told",
				(*i)->interface.name);
		wg_device_done(&device);
	}
	VEC_FOREACH (i, &p->drift.want)
		if ((*i)->kind == ITEM_PEER && missing++ < NAMED_MAX)
			finding_add(f, WRONG, RESTORES,
				"%s does not have the peer %s with its key and addresses",
				(*i)->peer.interface, (*i)->peer.id);
	VEC_FOREACH (i, &p->drift.have)
		if ((*i)->kind == ITEM_PEER && wanted_peer(p, (*i)->peer.id) == NULL)
			strange++;
	if (missing > NAMED_MAX)
		finding_add(f, WRONG, RESTORES, "and %zu more", missing - NAMED_MAX);
	if (strange > 0)
		finding_add(f, WRONG, RESTORES, "%zu peers nobody wants", strange);
	if (f->verdict == FINE)
		finding_add(f, FINE, "", "ours, and those of %zu peers", peers);
}

/* --- firewall --------------------------------------------------------------------------------- */

static void network_items(const struct patient *p, const char *network, struct item_vec *ret)
{
	VEC_FOREACH (i, &p->desired.items)
		if (((*i)->kind == ITEM_SET || (*i)->kind == ITEM_LIMIT) &&
			strcmp((*i)->network, network) == 0)
			VEC_PUSH(ret, *i);
}

/* In a child of our own: the table as it should be, in a network namespace of nobody's. */
static void load_aside(const struct patient *p, const struct item *firewall, int out)
{
	struct item_vec items = {0};
	struct net *n;
	char digest[65];

	if (unshare(CLONE_NEWNET) < 0 || (n = net_new(NULL)) == NULL)
		return;
	network_items(p, firewall->network, &items);
	if (net_firewall_load(n, firewall->network, &firewall->firewall, &items, NULL) == 0 &&
		net_firewall_digest(n, firewall->network, digest, NULL) == 0)
		(void)!write(out, digest, sizeof(digest));
}

/* What the table's digest would be if it were as it should be; ERR_UNSUPPORTED. */
static int wanted_digest(const struct patient *p, const struct item *firewall, char ret[static 65])
{
	int fds[2];
	ssize_t got;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ERR_UNSUPPORTED;
	pid = fork();
	if (pid == 0) {
		load_aside(p, firewall, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	got = pid < 0 ? -1 : read(fds[0], ret, 65);
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return got == 65 && ret[64] == '\0' ? 0 : ERR_UNSUPPORTED;
}

static void check_firewall(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;

	VEC_FOREACH (i, &p->desired.items) {
		char is[65], should[65];
		struct err e = {0};
		int r;

		if ((*i)->kind != ITEM_FIREWALL)
			continue;
		r = net_firewall_digest(p->net, (*i)->network, is, &e);
		if (r == ERR_NOT_FOUND)
			finding_add(
				f, WRONG, RESTORES, "the table of %s is not there", (*i)->network);
		else if (r < 0)
			finding_add(f, NOTE, "run it with sudo", "%s", e.text);
		else if (wanted_digest(p, *i, should) < 0)
			finding_add(f, NOTE, "", "it is there; it cannot be compared here");
		else if (strcmp(is, should) != 0)
			finding_add(f, WRONG, RESTORES,
				"the table of %s was changed: it is not as the plan has it",
				(*i)->network);
		else
			finding_add(f, FINE, "", "there and intact");
	}
}

/* --- routes, sysctls, hosts ------------------------------------------------------------------- */

struct overlap_seen {
	struct route_vec others;
	bool read;
};

static void overlapping(
	struct patient *p, const struct route_item *r, struct finding *f, struct overlap_seen *seen)
{
	char ours[PREFIX_TEXT_LEN], other[PREFIX_TEXT_LEN];

	if (!seen->read)
		net_route_others(p->net, &seen->others, NULL);
	seen->read = true;
	VEC_FOREACH (o, &seen->others)
		if (prefix_overlaps(o->dst, r->dst) &&
			ledger_link(&p->machine.ledger, o->interface) == NULL) {
			finding_add(f, WRONG,
				"give the network or the subnet another range, or remove that "
				"route",
				"%s overlaps this machine's own route %s by %s",
				prefix_format(r->dst, ours), prefix_format(o->dst, other),
				o->interface);
			return;
		}
}

static void check_routes(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	struct overlap_seen seen = {0};
	size_t routes = 0;

	VEC_FOREACH (i, &p->desired.items)
		if ((*i)->kind == ITEM_ROUTE && routes++ < 1000)
			overlapping(p, &(*i)->route, f, &seen);
	VEC_FOREACH (i, &p->drift.want) {
		char text[PREFIX_TEXT_LEN];

		if ((*i)->kind == ITEM_ROUTE)
			finding_add(f, WRONG, RESTORES, "the route %s by %s is missing",
				prefix_format((*i)->route.dst, text), (*i)->route.interface);
	}
	VEC_DONE(&seen.others);
	if (f->verdict == FINE)
		finding_add(f, FINE, "", "%zu, none in another's way", routes);
}

static void check_sysctls(struct doctor *d, struct finding *f)
{
	struct patient *p = d->patient;
	size_t n = 0;

	VEC_FOREACH (i, &p->desired.items)
		n += (*i)->kind == ITEM_SYSCTL;
	VEC_FOREACH (i, &p->drift.want)
		if ((*i)->kind == ITEM_SYSCTL)
			finding_add(f, WRONG, RESTORES, "%s is not %s", (*i)->sysctl.name,
				(*i)->sysctl.value);
	if (f->verdict == FINE)
		finding_add(f, FINE, "", "%zu as they should be", n);
}

/* Writing the block once more, into a copy, must change nothing. */
static void check_hosts(struct doctor *d, struct finding *f)
{
	char copy[] = "/tmp/warren-hosts.XXXXXX";
	CLEANUP(buf_done) struct buf before = {0}, after = {0};
	struct item_vec hosts = {0};
	int fd, r;

	VEC_FOREACH (i, &d->patient->desired.items)
		if ((*i)->kind == ITEM_HOST)
			VEC_PUSH(&hosts, *i);
	fd = mkstemp(copy);
	r = fd < 0 ? ERR_SYSTEM : file_read(d->hosts_path, HOSTS_MAX, &before, NULL);
	if (fd >= 0)
		close(fd);
	if (r == ERR_NOT_FOUND)
		r = 0;
	if (r == 0)
		r = file_write(copy, before.data, before.len, 0600, NULL);
	if (r == 0)
		r = net_hosts_write(copy, &hosts, NULL);
	if (r == 0)
		r = file_read(copy, HOSTS_MAX, &after, NULL);
	unlink(copy);
	if (r < 0)
		finding_add(f, NOTE, "", "%s cannot be read", d->hosts_path);
	else if (before.len != after.len || strcmp(buf_str(&before), buf_str(&after)) != 0)
		finding_add(f, WRONG,
			hosts.n > 0
				? RESTORES
				: "remove the lines from \"# BEGIN warren\" to \"# END warren\"",
			"the block of names in %s is not as it should be", d->hosts_path);
	else
		finding_add(f, FINE, "", "%zu names", hosts.n);
	VEC_DONE(&hosts);
}

const struct check patient_checks[] = {
	{"agent", check_agent},
	{"interfaces", check_interfaces},
	{"port", check_port},
	{"keys", check_keys},
	{"firewall rules", check_firewall},
	{"routes", check_routes},
	{"sysctls", check_sysctls},
	{"hosts", check_hosts},
	{0},
};
