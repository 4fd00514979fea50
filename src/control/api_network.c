/*
 * DOC: networks. A new one gets what nobody should have to think about: a pool that overlaps
 * nothing else of the project, a random ULA /64 (RFC 4193), a PSK root, and a starting policy that
 * people see and may edit.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "base/rand.h"
#include "control/reachable.h"
#include "control/rotation.h"
#include "control/secrets.h"
#include "control/world.h"
#include "crypto/key.h"
#include "model/validate.h"

#include <string.h>

#define KEEPALIVE_DEFAULT 25
#define PORT_DEFAULT 51820

struct network_job {
	struct network network;
	bool pool_chosen; /* by us: may yield */
};

static void network_job_free(void *data)
{
	struct network_job *job = data;
	schema_done(&schema_network, &job->network);
	mem_free(job);
}

static int add_pool(void *arg, const void *object)
{
	struct prefix_vec *pools = arg;
	const struct network *n = object;
	if (addr_is_set(n->ipv4.addr))
		VEC_PUSH(pools, n->ipv4);
	return 0;
}

static int choose_pool(struct tx *tx, struct network *n, struct err *e)
{
	struct prefix_vec pools = {0};
	struct tx_query q = {.filters = {{"project", n->project}}};
	int r = tx_list(tx, &schema_network, &q, add_pool, &pools, NULL, NULL, e);
	struct prefix p;
	bool found = false;
	for (unsigned i = 0; r == 0 && !found && network_pool_candidate(i, &p); i++) {
		found = true;
		VEC_FOREACH (other, &pools)
			found = found && !prefix_overlaps(p, *other);
	}
	VEC_DONE(&pools);
	if (r == 0 && !found)
		return err_field(e, ERR_EXHAUSTED, "ipv4",
			"every default pool overlaps a network of this project: give one");
	n->ipv4 = p;
	return r;
}

void network_random_ula(struct prefix *ret)
{
	uint8_t bytes[16] = {0xfd};
	rand_bytes(bytes + 1, 5);
	*ret = (struct prefix){addr_from_bytes(FAMILY_IPV6, bytes), 64};
}

/* spec 0: nodes to nodes, clients to nodes, sites and nodes both ways. */
static int insert_policy(struct tx *tx, struct call *c, const struct network *n, struct err *e)
{
	static const struct {
		const char *from, *to;
	} starting[] = {
		{"nodes", "nodes"}, {"clients", "nodes"}, {"sites", "nodes"}, {"nodes", "sites"}};
	struct policy p = {.enabled = true, .created_at = tx_now(tx)};
	id_make("pol", tx_now(tx), p.id);
	id_copy(p.project, n->project);
	id_copy(p.network, n->id);
	p.name = mem_strdup("starting policy");
	for (size_t i = 0; i < ARRAY_LEN(starting); i++) {
		struct rule rule = {.protocol = mem_strdup("any")};
		strs_push(&rule.from, starting[i].from);
		strs_push(&rule.to, starting[i].to);
		VEC_PUSH(&p.rules, rule);
	}
	int r = change_store(tx, &schema_policy, NULL, &p, c->who.id, "policy.create", e);
	schema_done(&schema_policy, &p);
	return r;
}

/* Defaults, but a keepalive that was turned off stays off. */
static int fill(struct network *n, struct err *e)
{
	uint16_t keepalive = n->keepalive;
	int r = network_defaults(n, e);
	n->keepalive = keepalive;
	return r;
}

int network_store(struct tx *tx, struct call *c, struct network *n, struct err *e)
{
	CLEANUP(secret_wipe) struct secret root = {0};
	int r = fill(n, e);
	if (r == 0)
		r = network_check(n, NULL, e);
	if (r == 0)
		r = world_check(tx, n->project, &schema_network, n, e);
	if (r == 0)
		r = change_store(tx, &schema_network, NULL, n, c->who.id, "network.create", e);
	key_generate(&root);
	if (r == 0)
		r = secrets_put(tx, &c->control->keys, n->id, SECRET_PSK_ROOT, &root, e);
	return r < 0 ? r : insert_policy(tx, c, n, e);
}

static int insert_network(struct tx *tx, struct call *c, struct err *e)
{
	struct network_job *job = c->data;
	struct network *n = &job->network;
	int r = api_need_project(tx, c, e);
	if (r < 0)
		return r;
	id_copy(n->project, c->project);
	n->created_at = tx_now(tx);
	if (job->pool_chosen)
		r = choose_pool(tx, n, e);
	if (r == 0)
		r = network_store(tx, c, n, e);
	if (r == 0)
		api_put(c, &schema_network, n);
	return r;
}

void api_network_create(struct call *c)
{
	struct network_job *job = NEW(struct network_job);
	struct network *n = &job->network;
	c->data = job;
	c->free_data = network_job_free;
	c->status = 201;
	n->listen_port = PORT_DEFAULT;
	n->keepalive = KEEPALIVE_DEFAULT;
	n->psk = true;
	n->dns_serve = true;
	id_make("net", clock_wall(c->control->clock), n->id);
	if (object_read(c->body, &schema_network, FIELD_SET, NULL, n, &c->err) < 0) {
		api_fail(c);
		return;
	}
	/* "ipv4": null asks for a network without IPv4. */
	job->pool_chosen = json_get(c->body, "ipv4") == NULL;
	if (!addr_is_set(n->ipv6.addr))
		network_random_ula(&n->ipv6);
	api_write(c, insert_network, NULL);
}

/* --- one network, and whether it can work ----------------------------------------------------- */

static void show_network(const struct fleet *f, void *arg)
{
	struct call *c = arg;
	const struct fleet_network *fn = fleet_network(f, c->id);
	struct json_writer w = {.out = &c->out};
	struct strs warnings = {0};
	if (fn == NULL) {
		err_set(&c->err, ERR_NOT_FOUND, "there is no network %s", c->id);
		api_fail(c);
		return;
	}
	reachable_warnings(c->control->hub, f, fn, &warnings);
	json_begin_object(&w, NULL);
	object_write(&w, &schema_network, fn->network);
	etag_of(&schema_network, fn->network,
		c->etag); /* as shown: the hub's may be an older one */
	json_begin_array(&w, "warnings");
	VEC_FOREACH (text, &warnings)
		json_put_str(&w, NULL, *text);
	json_end_array(&w);
	json_end_object(&w);
	strs_done(&warnings);
	api_reply(c, 200);
}

void api_network_show(struct call *c)
{
	api_see(c, &schema_network, show_network);
}

/* --- changes ---------------------------------------------------------------------------------- */

struct keepers {
	uint16_t port;
	size_t n;
};

static int see_port(void *arg, const void *object)
{
	struct keepers *k = arg;
	uint16_t own = ((const struct member *)object)->listen_port;
	k->n += own != 0 && own != k->port;
	return 0;
}

/* The network, and what the change does not do: its port is the one that new members begin with. */
static int put_changed(struct tx *tx, struct call *c, const struct network *before,
	const struct network *after, struct err *e)
{
	struct keepers k = {.port = after->listen_port};
	struct tx_query q = {.filters = {{"network", after->id}}};
	struct json_writer w = {.out = &c->out};
	int r = after->listen_port == before->listen_port
		? 0
		: tx_list(tx, &schema_member, &q, see_port, &k, NULL, NULL, e);
	AUTOFREE char *text =
		mem_printf("%zu member%s another port: a network's is for those that "
			   "come to it; to move one: warren node set NODE --network %s "
			   "--port %u",
			k.n, k.n == 1 ? " keeps" : "s keep", after->name, after->listen_port);
	json_begin_object(&w, NULL);
	object_write(&w, &schema_network, after);
	json_begin_array(&w, "warnings");
	if (k.n > 0)
		json_put_str(&w, NULL, text);
	json_end_array(&w);
	json_end_object(&w);
	return r;
}

static int update_network(struct tx *tx, struct call *c, struct err *e)
{
	struct network before = {0}, after = {0};
	int r = api_change(tx, c, &schema_network, NULL, &before, &after, e);
	/* An epoch that comes back brings back pre-shared keys that were given up. */
	if (r == 0 && after.psk_epoch < before.psk_epoch)
		r = err_field(e, ERR_INVALID, "psk_epoch", "psk_epoch only grows; it is %llu",
			(unsigned long long)before.psk_epoch);
	if (r == 0)
		r = fill(&after, e);
	if (r == 0)
		r = network_check(&after, &before, e);
	if (r == 0)
		r = world_check(tx, after.project, &schema_network, &after, e);
	if (r == 0 && before.topology != after.topology)
		r = world_mesh_fits(tx, &after, 0, "topology", e);
	if (r == 0)
		r = change_store(
			tx, &schema_network, &before, &after, c->who.id, "network.update", e);
	if (r == 0)
		r = put_changed(tx, c, &before, &after, e);
	schema_done(&schema_network, &before);
	schema_done(&schema_network, &after);
	return r;
}

void api_network_change(struct call *c)
{
	c->status = 200;
	api_write(c, update_network, NULL);
}

static int take_object(void *arg, const void *object)
{
	id_vec_add(arg, object);
	return 0;
}

/* Delete all rows of s in the network; they hold nothing by then. */
static int delete_all(
	struct tx *tx, struct call *c, const struct schema *s, const char *network, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec ids = {0};
	AUTOFREE char *action = mem_printf("%s.delete", s->name);
	struct tx_query q = {.filters = {{"network", network}}};
	int r = tx_list(tx, s, &q, take_object, &ids, NULL, NULL, e);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		void *object = mem_zalloc(s->size);
		r = tx_get(tx, s, ids.v[i].id, object, e);
		if (r == 0)
			r = change_store(tx, s, object, NULL, c->who.id, action, e);
		if (r == 0)
			r = tx_secret_delete(tx, ids.v[i].id, e);
		schema_free(s, object);
	}
	return r;
}

static int delete_network(struct tx *tx, struct call *c, struct err *e)
{
	struct network n = {0};
	int r = api_get(tx, c, &schema_network, c->id, &n, e);
	AUTOFREE char *what = mem_printf("network %s", r == 0 ? n.name : "");
	if (r == 0)
		r = api_refuse_holders(tx, &schema_member, "network", n.id, what, e);
	if (r == 0)
		r = api_refuse_holders(tx, &schema_device, "network", n.id, what, e);
	if (r == 0)
		r = delete_all(tx, c, &schema_policy, n.id, e);
	if (r == 0)
		r = delete_all(tx, c, &schema_group, n.id, e);
	if (r == 0)
		r = tx_lease_forget(tx, n.id, e);
	if (r == 0)
		r = change_store(tx, &schema_network, &n, NULL, c->who.id, "network.delete", e);
	if (r == 0)
		r = tx_secret_delete(tx, n.id, e);
	schema_done(&schema_network, &n);
	return r;
}

void api_network_delete(struct call *c)
{
	api_write(c, delete_network, api_deleted);
}

/* --- new keys --------------------------------------------------------------------------------- */

struct asking_keys {
	struct tx *tx;
	struct call *call;
	VEC(struct member *) members;
};

static int take_member(void *arg, const void *object)
{
	struct asking_keys *a = arg;
	VEC_PUSH(&a->members, schema_dup(&schema_member, object));
	return 0;
}

/* Every node of the network is asked; the answer says how many. */
static int rotate_network(struct tx *tx, struct call *c, struct err *e)
{
	struct asking_keys a = {.tx = tx, .call = c};
	struct network n = {0};
	struct tx_query q = {.filters = {{"network", c->id}}};
	struct json_writer w = {.out = &c->out};
	int r = api_get(tx, c, &schema_network, c->id, &n, e);
	if (r == 0)
		r = tx_list(tx, &schema_member, &q, take_member, &a, NULL, NULL, e);
	VEC_FOREACH (m, &a.members) {
		if (r >= 0)
			r = rotation_ask(tx, *m, api_flag(c, "now"), c->who.id, e);
	}
	if (r >= 0)
		r = tx_audit(tx, n.project, c->who.id, "network.rotate", n.id, n.name, e);
	json_begin_object(&w, NULL);
	json_put_int(&w, "members", (int64_t)a.members.n);
	json_end_object(&w);
	VEC_FOREACH (m, &a.members)
		schema_free(&schema_member, *m);
	VEC_DONE(&a.members);
	schema_done(&schema_network, &n);
	return r < 0 ? r : 0;
}

static void network_asked(struct call *c)
{
	hub_ask_keys(c->control->hub, c->id);
	api_reply(c, 200);
}

void api_network_rotate(struct call *c)
{
	api_write(c, rotate_network, network_asked);
}
