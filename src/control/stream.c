/* DOC: event streams of agents; see stream.h. */
#include "control/stream.h"

#include "base/log.h"
#include "base/rand.h"
#include "base/text.h"
#include "codec/envelope.h"
#include "control/bulk.h"
#include "control/conn.h"
#include "control/event.h"
#include "control/hub_state.h"
#include "control/panel_events.h"
#include "control/ring.h"
#include "control/telemetry.h"
#include "crypto/key.h"

#include <inttypes.h>
#include <stdio.h>

/* Where an agent that was cut begins to wait before it comes back (spec 1, Reconnect). */
static const char hello[] = "retry: 1000\n\n";

/* Nodes that have something to be sent, before it is. */
#define FLUSH_AT 32

struct slot {
	id_text node;
	struct conn *conn; /* NULL: away since left_at */
	msec left_at;
	uint64_t revision; /* reached by the last step, or when the slot was made */
	struct ring ring;
	struct buf pending; /* events to be sent at the next flush */
};

struct streams {
	struct hub *hub;
	struct map slots; /* node -> struct slot * */
	VEC(struct slot *) dirty;
	size_t ring_bytes;
	struct sign_key key;
	struct public_key key_of; /* whose it is */
};

struct streams *streams_new(struct hub *h)
{
	struct streams *s = NEW(struct streams);

	s->hub = h;
	return s;
}

static void slot_free(void *p)
{
	struct slot *slot = p;

	ring_done(&slot->ring);
	buf_wipe(&slot->pending); /* PSKs */
	mem_free(slot);
}

struct streams *streams_free(struct streams *s)
{
	if (s != NULL) {
		map_done(&s->slots, slot_free);
		VEC_DONE(&s->dirty);
		mem_wipe(&s->key, sizeof(s->key));
	}
	return mem_free(s);
}

bool streams_watch(const struct streams *s, const char *node)
{
	return map_get(&s->slots, node) != NULL;
}

/* The present signing key, ready for use. */
static const struct sign_key *signing_key(struct streams *s)
{
	const struct control_keys *k = &s->hub->control->keys;

	if (!public_key_equal(&s->key_of, &k->signing_public)) {
		sign_key_make(&k->signing_seed, &s->key);
		s->key_of = k->signing_public;
	}
	return &s->key;
}

/* Sign and queue one event. payload is JSON text. */
static void queue(struct streams *s, struct slot *slot, const char *type, uint64_t previous,
	uint64_t revision, char *payload)
{
	char issued[CLOCK_TEXT_LEN], id[24], random[33];
	uint8_t bytes[16];
	struct envelope v = {.event_type = (char *)(uintptr_t)type,
		.event_id = id,
		.issued_at = issued,
		.payload = payload};
	AUTOFREE char *nonce = NULL;
	size_t before = slot->pending.len;
	struct err e = {0};

	rand_bytes(bytes, sizeof(bytes));
	text_hex(bytes, sizeof(bytes), random);
	nonce = mem_printf("%s:%" PRIu64 ":%s", slot->node, previous, random);
	v.nonce = nonce;
	snprintf(id, sizeof(id), "%" PRIu64, revision);
	clock_format(clock_wall(s->hub->clock), issued);
	buf_addf(&slot->pending, "id: %s\nevent: %s\ndata: ", id, type);
	if (envelope_seal(&v, signing_key(s), &slot->pending, &e) < 0) {
		log_error("an event could not be signed", LOG_KV_STR("node", slot->node),
			LOG_KV_STR("error", e.text));
		slot->pending.len = before;
		return;
	}
	buf_adds(&slot->pending, "\n\n");
	if (before == 0)
		VEC_PUSH(&s->dirty, slot);
	atomic_fetch_add(&s->hub->events_sent, 1);
}

static void queue_refetch(struct streams *s, struct slot *slot, uint64_t previous)
{
	CLEANUP(buf_done) struct buf payload = {0};

	event_payload_refetch(previous, slot->revision, &payload);
	queue(s, slot, EVENT_REFETCH, previous, slot->revision, payload.data);
	atomic_fetch_add(&s->hub->refetches, 1);
}

void streams_record(struct streams *s, const char *node, uint64_t previous, uint64_t revision,
	const struct fleet_change *c, struct delta *d)
{
	struct slot *slot = map_get(&s->slots, node);
	struct ring_record record = {.previous = previous, .revision = revision};
	struct buf payload = {0};
	const char *peer;
	size_t before;

	if (slot == NULL)
		return;
	before = slot->ring.bytes;
	record.type = event_type(c, d, &peer);
	record.at = clock_mono(s->hub->clock);
	d->previous = previous;
	d->revision = revision;
	event_payload(record.type, peer, d, &payload);
	record.len = payload.len;
	record.payload = buf_take(&payload);
	if (slot->conn != NULL)
		queue(s, slot, record.type, previous, revision, record.payload);
	slot->revision = revision;
	ring_push(&slot->ring, record);
	if (s->ring_bytes - before + slot->ring.bytes > STREAMS_BYTES)
		ring_trim(&slot->ring, record.at, 0);
	s->ring_bytes += slot->ring.bytes - before;
	/* what one change tells many goes out while the others' part of it is still made */
	if (s->dirty.n >= FLUSH_AT)
		streams_flush(s);
}

void streams_flush(struct streams *s)
{
	VEC_FOREACH (p, &s->dirty) {
		struct slot *slot = *p;

		if (slot->conn != NULL)
			conn_send(slot->conn, slot->pending.data, slot->pending.len);
		buf_wipe(&slot->pending);
	}
	s->dirty.n = 0;
}

void streams_ask_keys(struct streams *s, const char *node)
{
	struct slot *slot = map_get(&s->slots, node);
	char payload[] = "{}";

	if (slot == NULL || slot->conn == NULL)
		return;
	queue(s, slot, "rotate_keys", slot->revision, slot->revision, payload);
	streams_flush(s);
}

void streams_new_signing_key(struct streams *s, const struct public_key *next)
{
	char key[KEY_TEXT_LEN];
	AUTOFREE char *payload =
		mem_printf("{\"signing_keys\":{\"current\":\"%s\"}}", key_format_public(next, key));

	MAP_FOREACH (e, &s->slots) {
		struct slot *slot = e->value;

		if (slot->conn != NULL)
			queue(s, slot, "signing_key_rotated", slot->revision, slot->revision,
				payload);
	}
	streams_flush(s);
}

static void tell(struct streams *s, const char *node, bool connected)
{
	const struct node *n = map_get(&s->hub->fleet->nodes, node);

	telemetry_connected(s->hub->telemetry, node, connected);
	panel_events_node(s->hub->panel, node, n ? n->project : "", connected);
}

static void left(void *arg, struct conn *c)
{
	struct streams *s = arg;

	struct slot *slot = map_get(&s->slots, conn_name(c));

	atomic_fetch_sub(&s->hub->streams_open, 1);
	if (slot == NULL || slot->conn != c)
		return; /* the node is gone, or a newer stream took over */
	slot->conn = NULL;
	slot->left_at = clock_mono(s->hub->clock);
	tell(s, slot->node, false);
}

/* What the agent missed. */
static void resume(struct streams *s, struct slot *slot, const char *last_event_id)
{
	const struct ring_record *record;
	uint64_t from = 0;
	size_t n = 0;

	if (last_event_id == NULL || text_u64(last_event_id, UINT64_MAX, &from) < 0) {
		queue_refetch(s, slot, 0);
		return;
	}
	if (from == slot->revision)
		return;
	record = ring_find(&slot->ring, from, &n);
	if (record == NULL) {
		queue_refetch(s, slot, from);
		return;
	}
	for (size_t i = 0; i < n; i++)
		queue(s, slot, record[i].type, record[i].previous, record[i].revision,
			record[i].payload);
}

void streams_open(struct streams *s, struct http_request *rq, const char *node,
	const char *last_event_id, uint64_t revision)
{
	struct slot *slot = map_get(&s->slots, node);
	struct conn *older;

	bulks_settle(s->hub->bulks, node);
	if (slot == NULL) {
		slot = NEW(struct slot);
		id_copy(slot->node, node);
		slot->revision = revision;
		map_set(&s->slots, node, slot);
	}
	streams_flush(s); /* what waits is for the older stream */
	older = STEAL(slot->conn);
	if (older != NULL)
		conn_close(older);
	atomic_fetch_add(&s->hub->streams_open, 1);
	slot->conn = conn_open(s->hub, rq, node, left, s);
	conn_send(slot->conn, hello, sizeof(hello) - 1);
	resume(s, slot, last_event_id);
	streams_flush(s);
	tell(s, node, true);
}

static void forget(struct streams *s, struct slot *slot)
{
	map_remove(&s->slots, slot->node);
	s->ring_bytes -= slot->ring.bytes;
	slot_free(slot);
}

void streams_drop(struct streams *s, const char *node)
{
	struct slot *slot = map_get(&s->slots, node);

	if (slot == NULL)
		return;
	streams_flush(s);
	if (slot->conn != NULL)
		conn_close(slot->conn);
	forget(s, slot);
}

void streams_tick(struct streams *s)
{
	msec now = clock_mono(s->hub->clock);
	VEC(struct slot *) old = {0};

	MAP_FOREACH (e, &s->slots) {
		struct slot *slot = e->value;
		size_t before = slot->ring.bytes;

		ring_trim(&slot->ring, now, RING_BYTES);
		s->ring_bytes -= before - slot->ring.bytes;
		if (slot->conn == NULL && now - slot->left_at > RING_AGE)
			VEC_PUSH(&old, slot);
	}
	VEC_FOREACH (p, &old)
		forget(s, *p);
	VEC_DONE(&old);
}
