/* DOC: types and payloads of agent events; see event.h. */
#include "control/event.h"

#include "codec/state.h"

#include <inttypes.h>
#include <string.h>

/* What the change did to the WireGuard peer it is about. */
enum turn { TURN_OTHER, TURN_ADDED, TURN_REMOVED, TURN_KEY, TURN_ENDPOINT };

static enum turn appearance(bool was, bool is)
{
	if (was == is)
		return TURN_OTHER;
	return is ? TURN_ADDED : TURN_REMOVED;
}

static enum turn device_turn(const struct device *before, const struct device *after)
{
	enum turn t = appearance(before && before->enabled, after && after->enabled);

	if (t == TURN_OTHER && before && after &&
		!public_key_equal(&before->public_key, &after->public_key))
		return TURN_KEY;
	return t;
}

static bool differ(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

static enum turn member_turn(const struct member *before, const struct member *after)
{
	/* a member is nobody's peer until its key is announced */
	enum turn t = appearance(before && !public_key_is_zero(&before->public_key),
		after && !public_key_is_zero(&after->public_key));

	if (t != TURN_OTHER || before == NULL || after == NULL)
		return t;
	if (!public_key_equal(&before->public_key, &after->public_key))
		return TURN_KEY;
	if (differ(before->endpoint, after->endpoint) ||
		differ(before->observed_endpoint, after->observed_endpoint) ||
		differ(before->near_endpoint, after->near_endpoint) ||
		prefix_compare(before->calls_from, after->calls_from) != 0)
		return TURN_ENDPOINT;
	return t;
}

static enum turn turn_of(const struct fleet_change *c)
{
	const struct node *before = c->before, *after = c->after;

	if (c->schema == &schema_device)
		return device_turn(c->before, c->after);
	if (c->schema == &schema_member)
		return member_turn(c->before, c->after);
	if (c->schema == &schema_node)
		return appearance(before && before->enabled, after && after->enabled);
	return TURN_OTHER;
}

struct shape {
	const char *peer; /* the one peer, or NULL */
	size_t peers;     /* how many different ones */
	size_t puts, drops;
	size_t kinds[ITEM_KINDS];
};

static void look(const struct item_vec *items, struct shape *s, size_t *peer_items)
{
	VEC_FOREACH (i, items) {
		s->kinds[(*i)->kind]++;
		if ((*i)->kind != ITEM_PEER)
			continue;
		if (strncmp((*i)->peer.id, PEER_NEXT_PREFIX, strlen(PEER_NEXT_PREFIX)) == 0)
			continue; /* waits for another peer's new key, and goes with it */
		(*peer_items)++;
		/* one peer may be on several interfaces */
		if (s->peer == NULL || strcmp(s->peer, (*i)->peer.id) != 0)
			s->peers++;
		s->peer = (*i)->peer.id;
	}
}

const char *event_type(const struct fleet_change *c, const struct delta *d, const char **ret_peer)
{
	/* needs: puts (1) or drops (2) of the peer, and nothing of the other */
	static const struct {
		enum turn turn;
		bool put;
		const char *type;
	} types[] = {
		{TURN_ADDED, true, "peer_added"},
		{TURN_REMOVED, false, "peer_removed"},
		{TURN_KEY, true, "peer_key_rotated"},
		{TURN_ENDPOINT, true, "peer_endpoint_changed"},
	};
	struct shape s = {0};
	enum turn turn = turn_of(c);
	size_t heavy, companions;

	*ret_peer = NULL;
	look(&d->put, &s, &s.puts);
	look(&d->drop, &s, &s.drops);
	heavy = s.kinds[ITEM_INTERFACE] + s.kinds[ITEM_ADDRESS] + s.kinds[ITEM_SYSCTL] +
		s.kinds[ITEM_DNS];
	/* a peer's routes, set members, limits and names come and go with it */
	companions =
		s.kinds[ITEM_ROUTE] + s.kinds[ITEM_HOST] + s.kinds[ITEM_LIMIT] + s.kinds[ITEM_NAME];
	if (s.peers == 1 && heavy == 0 && s.kinds[ITEM_FIREWALL] == 0)
		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			if (types[i].turn == turn && (types[i].put ? s.drops : s.puts) == 0) {
				*ret_peer = s.peer;
				return types[i].type;
			}
	if (s.peers + heavy + companions == 0 && s.kinds[ITEM_FIREWALL] + s.kinds[ITEM_SET] > 0)
		return "policy_updated";
	return "node_state_updated";
}

void event_payload(const char *type, const char *peer, const struct delta *d, struct buf *out)
{
	CLEANUP(buf_done) struct buf text = {0};

	delta_write(&text, d);
	if (peer != NULL && strcmp(type, "peer_removed") == 0) {
		buf_adds(out, "{\"peer_id\":");
		json_quote(out, peer);
		buf_addc(out, ',');
		buf_adds(out, buf_str(&text) + 1); /* behind its brace */
	} else {
		buf_add(out, text.data, text.len);
	}
}

void event_payload_refetch(uint64_t previous, uint64_t revision, struct buf *out)
{
	buf_addf(out, "{\"previous\":%" PRIu64 ",\"revision\":%" PRIu64 ",\"refetch\":true}",
		previous, revision);
}
