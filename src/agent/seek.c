/* DOC: see seek.h. */
#include "agent/seek.h"

#include "base/log.h"

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static bool has_two(const struct peer_item *p)
{
	return is_set(p->endpoint) && is_set(p->near_endpoint);
}

bool seek_has_hint(const struct peer_item *p)
{
	return is_set(p->endpoint) || is_set(p->near_endpoint);
}

/* The near one answers at once, or not at all. */
static const char *hint_of(const struct peer_item *p, uint64_t turn)
{
	bool near = is_set(p->near_endpoint) && (turn % 2 == 0 || !is_set(p->endpoint));

	return near ? p->near_endpoint : p->endpoint;
}

static int resolve(struct resolver *r, const char *hint, struct addr *ret_addr, uint16_t *ret_port)
{
	return is_set(hint) ? resolver_endpoint(r, hint, ret_addr, ret_port) : ERR_NOT_FOUND;
}

int seek_first(
	struct resolver *r, const struct peer_item *p, struct addr *ret_addr, uint16_t *ret_port)
{
	return resolve(r, hint_of(p, 0), ret_addr, ret_port);
}

static bool is_at(const struct wg_peer *p, struct addr addr, uint16_t port)
{
	return p->endpoint_port == port && addr_compare(p->endpoint_addr, addr) == 0;
}

int seek_next(struct resolver *r, const struct peer_item *p, const struct wg_peer *now,
	struct addr *ret_addr, uint16_t *ret_port)
{
	struct addr addr;
	uint16_t port;
	bool first = resolve(r, hint_of(p, 0), &addr, &port) == 0 && is_at(now, addr, port);

	return resolve(r, hint_of(p, first ? 1 : 0), ret_addr, ret_port);
}

bool seek_hint(struct resolver *r, const struct peer_item *want, struct path *s,
	const struct wg_peer *p, const struct path_look *now, struct wg_peer_op *op)
{
	bool fresh = s->generation != want->generation;
	msec length = now->mono - s->silent_at < SEEK_LONG ? SEEK_TURN : SEEK_TURN_LONG;
	uint64_t turn = (uint64_t)(now->wall / length);

	if (s->state == PATH_ALIVE || (!fresh && (!has_two(want) || s->turn == turn)) ||
		resolve(r, hint_of(want, fresh ? 0 : turn), &op->endpoint_addr,
			&op->endpoint_port) < 0)
		return false;
	s->generation = want->generation;
	s->turn = turn;
	if (!is_at(p, op->endpoint_addr, op->endpoint_port))
		op->flags |= WG_PEER_ENDPOINT;
	return fresh || (op->flags & WG_PEER_ENDPOINT);
}

/* --- to the engine ---------------------------------------------------------------------------- */

void seek_anew(const struct peer_item *want, const struct wg_peer *p, const struct wg_peer_op *op,
	struct seek_ops *ret)
{
	struct wg_peer_op gone = {.flags = WG_PEER_REMOVE, .public_key = p->public_key};
	struct wg_peer_op come = {
		.flags = WG_PEER_PSK | WG_PEER_ENDPOINT | WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS,
		.public_key = p->public_key,
		.psk = want->psk,
		.endpoint_addr = p->endpoint_addr,
		.endpoint_port = p->endpoint_port,
		.keepalive = want->keepalive,
		.allowed_ips = &want->allowed_ips};

	if (op->flags & WG_PEER_ENDPOINT) {
		come.endpoint_addr = op->endpoint_addr;
		come.endpoint_port = op->endpoint_port;
	}
	VEC_PUSH(ret, gone);
	VEC_PUSH(ret, come);
	secret_wipe(&come.psk);
}

void seek_ops_done(struct seek_ops *ops)
{
	if (ops->n > 0)
		mem_wipe(ops->v, ops->n * sizeof(*ops->v));
	VEC_DONE(ops);
}

static void say(const char *what, const char *ifname, const struct err *e)
{
	/* the next reconcile puts right what this left */
	log_debug(what, LOG_KV_STR("interface", ifname), LOG_KV_STR("error", e->text));
}

/* A keepalive that is switched on is sent at once, and nothing is sent without a handshake. */
void seek_knock(struct machine *m, const char *ifname, struct wg_peer_op *ops, size_t n)
{
	struct wg_change c = {.peers = ops, .n_peers = n};
	uint16_t *planned = mem_alloc(n * sizeof(*planned) + 1);
	struct err e = {0};

	for (size_t i = 0; i < n; i++) {
		planned[i] = ops[i].keepalive;
		ops[i].keepalive = planned[i] != 0 ? 0 : WAKE_KEEPALIVE;
	}
	if (m->wg->ops->change(m->wg, ifname, &c, &e) == 0) {
		for (size_t i = 0; i < n; i++) {
			ops[i].flags &= ~(unsigned)WG_PEER_ENDPOINT;
			ops[i].keepalive = planned[i];
		}
		m->wg->ops->change(m->wg, ifname, &c, &e);
	}
	if (e.code != 0)
		say("peers not probed", ifname, &e);
	mem_free(planned);
}

/* In one change: no packet finds the peer's prefixes without a peer. */
void seek_renew(struct machine *m, const char *ifname, const struct seek_ops *ops)
{
	struct wg_change c = {.peers = ops->v, .n_peers = ops->n};
	struct err e = {0};

	if (ops->n == 0)
		return;
	if (m->wg->ops->change(m->wg, ifname, &c, &e) < 0)
		say("sessions not made anew", ifname, &e);
	else
		log_debug("sessions made anew", LOG_KV_STR("interface", ifname),
			LOG_KV_INT("count", ops->n / 2));
}
