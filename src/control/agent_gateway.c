/*
 * DOC: what a gateway's own configuration says of it (spec 3, Enable): endpoint, port, region. It
 * is as if an operator had said it, for a machine whose join token granted the role; roles
 * themselves are never taken from here.
 */
#include "control/agent_call.h"

#include "codec/json.h"
#include "control/change.h"
#include "control/world.h"
#include "model/validate.h"

struct member_list {
	VEC(struct member *) v;
};

static int copy_member(void *arg, const void *object)
{
	struct member_list *l = arg;
	const struct member *m = object;

	if (m->roles & ROLE_GATEWAY)
		VEC_PUSH(&l->v, schema_dup(&schema_member, m));
	return 0;
}

static int set_member(
	struct tx *tx, const struct agent_call *c, const struct member *m, struct err *e)
{
	struct member after = {0};
	int r = 0;

	schema_copy(&schema_member, &after, m);
	if (c->endpoint != NULL) {
		mem_free(after.endpoint); /* empty: the observed one again */
		after.endpoint = c->endpoint[0] != '\0' ? mem_strdup(c->endpoint) : NULL;
	}
	if (c->listen_port != 0)
		after.listen_port = c->listen_port; /* its first interface is the devices' */
	if (c->region != NULL) {
		mem_free(after.region);
		after.region = mem_strdup(c->region);
	}
	if (!schema_equal(&schema_member, m, &after)) {
		r = member_check(&after, e);
		if (r == 0)
			r = change_store(
				tx, &schema_member, m, &after, c->node, "member.gateway", e);
	}
	schema_done(&schema_member, &after);
	return r;
}

/* The devices' port is the group's: a machine speaks for it while it is the only member. */
static int set_port(
	struct tx *tx, const struct agent_call *c, const struct member *m, struct err *e)
{
	const struct tx_filter members[6] = {{"group", m->group}};
	struct group before = {0}, after = {0};
	uint64_t n = 0;
	int r;

	if (c->listen_port == 0 || m->group[0] == '\0')
		return 0;
	r = tx_get(tx, &schema_group, m->group, &before, e);
	if (r < 0)
		return r;
	schema_copy(&schema_group, &after, &before);
	after.listen_port = c->listen_port;
	if (after.listen_port != before.listen_port)
		r = tx_count(tx, &schema_member, members, &n, e);
	if (n > 1)
		r = err_field(e, ERR_EXISTS, "listen_port",
			"the gateways of group %s listen on port %u, all of them: change it there",
			before.name, before.listen_port);
	if (r >= 0 && n == 1) {
		r = world_check(tx, after.project, &schema_group, &after, e);
		if (r == 0)
			r = change_store(
				tx, &schema_group, &before, &after, c->node, "group.gateway", e);
	}
	schema_done(&schema_group, &before);
	schema_done(&schema_group, &after);
	return r < 0 ? r : 0;
}

static int store_gateway(struct tx *tx, struct agent_call *c, struct err *e)
{
	const struct tx_query q = {.filters = {{"node", c->node}}};
	struct member_list gateways = {0};
	int r = tx_list(tx, &schema_member, &q, copy_member, &gateways, NULL, NULL, e);

	if (r >= 0 && gateways.v.n == 0)
		r = err_field(e, ERR_DENIED, "gateway",
			"this machine is no gateway: it joined with a token without the role "
			"gateway");
	for (size_t i = 0; r >= 0 && i < gateways.v.n; i++) {
		r = set_member(tx, c, gateways.v.v[i], e);
		if (r >= 0)
			r = set_port(tx, c, gateways.v.v[i], e);
	}
	VEC_FOREACH (m, &gateways.v)
		schema_free(&schema_member, *m);
	VEC_DONE(&gateways.v);
	return r;
}

static int read_gateway(const struct json *j, struct agent_call *c, struct err *e)
{
	const char *endpoint = json_str(j, "endpoint"), *region = json_str(j, "region");
	int64_t port = json_int(j, "listen_port", 0);

	if (json_get(j, "listen_port") != NULL && listen_port_check(port, "listen_port", e) < 0)
		return ERR_INVALID;
	if (endpoint != NULL && endpoint[0] != '\0' && endpoint_check(endpoint, "endpoint", e) < 0)
		return ERR_INVALID;
	c->listen_port = (uint16_t)port;
	c->endpoint = mem_strdup(endpoint);
	c->region = mem_strdup(region);
	return 0;
}

void agent_gateway(struct http_request *rq, const struct http_route *route, void *ctx)
{
	agent_call_change(agent_call_read(rq, ctx, read_gateway), store_gateway);
}
