/* DOC: a machine in the place of a node: what stays the node's, and that what the machine before it
 * knew is worth nothing at once, at the control plane and at its peers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include "control/register.h"

#include <inttypes.h>
#include <stdio.h>

#define MINUTES ((msec)60 * 1000)

struct trio {
	struct rig r;
	struct agent gw, box; /* gw is the one that is lost */
};

static void start(struct trio *t)
{
	CLEANUP(buf_done) struct buf token = {0};

	memset(t, 0, sizeof(*t));
	rig_start(&t->r, false);
	rig_second(&t->r);
	rig_token(&t->r, ROLE_PEER | ROLE_GATEWAY, 1, 0, &token);
	assert_int_equal(agent_join(&t->gw, &t->r, "gw", buf_str(&token)), 201);
	rig_token(&t->r, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(&t->box, &t->r, "box", buf_str(&token)), 201);
	assert_int_equal(agent_call(&t->gw, "POST", "heartbeat", NULL, "{}", NULL), 200);
	agent_fetch(&t->gw, &t->gw.state);
	agent_fetch(&t->box, &t->box.state);
}

static void stop(struct trio *t)
{
	agent_done(&t->gw);
	agent_done(&t->box);
	rig_stop(&t->r);
}

static void listen_here(struct agent *a)
{
	char id[24];

	snprintf(id, sizeof(id), "%" PRIu64, a->state.revision);
	agent_listen(a, id);
}

/* Peers of a state that have the key. */
static size_t peers_with(const struct state *s, const struct public_key *key)
{
	size_t n = 0;

	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_PEER)
			n += public_key_equal(&(*i)->peer.public_key, key) ||
				public_key_equal(&(*i)->peer.next_public_key, key);
	return n;
}

static const struct interface_item *devices_of(const struct state *s)
{
	VEC_FOREACH (i, &s->items)
		if ((*i)->kind == ITEM_INTERFACE && (*i)->interface.role == IFACE_DEVICES)
			return &(*i)->interface;
	fail_msg("no devices interface");
	return NULL;
}

/* Call with a bearer of old as if nothing had happened. */
static int state_by(struct rig *r, const struct agent *old)
{
	AUTOFREE char *path = mem_printf("/v1/nodes/%s/state?nonce=1", old->id);

	return rig_call(r, "GET", path, old->bearer, NULL, NULL, NULL);
}

static void what_is_the_nodes_stays(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent again = {0};
	struct node before = {0}, after = {0};
	struct state now = {0};
	struct trio t;

	start(&t);
	rig_get(&t.r, &schema_node, t.gw.id, &before);
	rig_token_for(&t.r, t.gw.id, &token);
	assert_int_equal(agent_join(&again, &t.r, "some-other-name", buf_str(&token)), 201);
	assert_string_equal(again.id, t.gw.id);
	rig_get(&t.r, &schema_node, t.gw.id, &after);
	assert_string_equal(after.name, "gw");
	assert_int_equal(after.generation, before.generation + 1);
	assert_int_equal(after.confirmed_at, 0);
	agent_fetch(&again, &now);
	/* addresses, roles and the group's key, sealed anew */
	VEC_FOREACH (i, &t.gw.state.items)
		if ((*i)->kind == ITEM_ADDRESS) {
			bool found = false;

			VEC_FOREACH (k, &now.items)
				found |= (*k)->kind == ITEM_ADDRESS &&
					strcmp((*k)->address.interface, (*i)->address.interface) ==
						0 &&
					addr_compare((*k)->address.addr, (*i)->address.addr) == 0;
			assert_true(found || strcmp((*i)->network, t.r.second) == 0);
		}
	assert_true(public_key_equal(
		&devices_of(&now)->public_key, &devices_of(&t.gw.state)->public_key));
	assert_string_not_equal(devices_of(&now)->sealed_key, devices_of(&t.gw.state)->sealed_key);
	state_done(&now);
	schema_done(&schema_node, &before);
	schema_done(&schema_node, &after);
	stop(&t);
}

static void what_was_known_is_worth_nothing(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct agent again = {0};
	struct trio t;

	start(&t);
	listen_here(&t.gw);
	listen_here(&t.box);
	assert_int_equal(peers_with(&t.box.state, &t.gw.public_key), 1);
	rig_token_for(&t.r, t.gw.id, &token);
	assert_int_equal(agent_join(&again, &t.r, "gw", buf_str(&token)), 201);
	assert_string_not_equal(again.bearer, t.gw.bearer);
	/* at once: what is there is closed, what comes is refused */
	agent_wait_end(&t.gw);
	assert_int_equal(agent_call(&t.gw, "POST", "heartbeat", NULL, "{}", NULL), 401);
	assert_int_equal(state_by(&t.r, &t.gw), 401);
	assert_int_equal(agent_announce(&t.gw, &t.gw.public_key), 401);
	assert_int_equal(agent_call(&t.gw, "POST", "deregister", NULL, "{}", NULL), 401);
	/* its peer swaps the key by an event; the old one is nowhere, not even waiting (P-2) */
	agent_wait(&t.box, rig_revision(&t.r, t.box.id));
	assert_int_equal(peers_with(&t.box.state, &t.gw.public_key), 0);
	assert_int_equal(peers_with(&t.box.state, &again.public_key), 1);
	agent_check(&t.box);
	assert_int_equal(agent_call(&again, "POST", "heartbeat", NULL, "{}", NULL), 200);
	agent_hang_up(&t.gw);
	stop(&t);
}

/* A rotation that was under way is called off: the next key was the old machine's, too. */
static void a_key_on_its_way_goes_too(void **state)
{
	CLEANUP(buf_done) struct buf token = {0};
	struct member before = {0}, after = {0};
	struct agent again = {0};
	struct state now = {0};
	struct trio t;
	id_text member = "";

	start(&t);
	VEC_FOREACH (i, &t.box.state.items)
		if ((*i)->kind == ITEM_PEER &&
			public_key_equal(&(*i)->peer.public_key, &t.gw.public_key))
			id_copy(member, (*i)->peer.id);
	rig_get(&t.r, &schema_member, member, &before);
	schema_copy(&schema_member, &after, &before);
	memset(after.next_public_key.bytes, 7, KEY_LEN);
	after.switching = true;
	rig_change(&t.r, &schema_member, &before, &after);
	agent_fetch(&t.box, &now);
	assert_int_equal(peers_with(&now, &after.next_public_key), 2);
	state_done(&now);
	rig_token_for(&t.r, t.gw.id, &token);
	assert_int_equal(agent_join(&again, &t.r, "gw", buf_str(&token)), 201);
	agent_fetch(&t.box, &now);
	assert_int_equal(peers_with(&now, &after.next_public_key), 0);
	assert_int_equal(peers_with(&now, &again.public_key), 1);
	state_done(&now);
	schema_done(&schema_member, &before);
	schema_done(&schema_member, &after);
	stop(&t);
}

static void tokens_for_a_node_work_once(void **state)
{
	CLEANUP(buf_done) struct buf token = {0}, plain = {0};
	struct agent again = {0}, repeat = {0}, other = {0};
	struct http_response response;
	struct trio t;

	start(&t);
	/* without one, the name stays taken, and the answer says what to do */
	rig_token(&t.r, ROLE_PEER, 1, 0, &plain);
	AUTOFREE char *body = mem_printf(
		"{\"token\":\"%s\",\"public_key\":\"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\","
		"\"hostname\":\"gw\"}",
		buf_str(&plain));
	assert_int_equal(
		rig_call(&t.r, "POST", "/v1/register", buf_str(&plain), NULL, body, &response),
		409);
	assert_non_null(strstr(buf_str(&response.body), "warren token add --kind join --node"));
	http_response_done(&response);

	rig_token_for(&t.r, t.gw.id, &token);
	assert_int_equal(agent_join(&again, &t.r, "gw", buf_str(&token)), 201);
	/* the answer was lost: the same request, the same answer, for ten minutes of this joining
	 */
	rig_advance(&t.r, 9 * MINUTES);
	repeat.key = again.key;
	assert_int_equal(agent_join(&repeat, &t.r, "gw", buf_str(&token)), 201);
	assert_string_equal(repeat.bearer, again.bearer);
	/* another machine has no use for it */
	assert_int_equal(agent_join(&other, &t.r, "gw", buf_str(&token)), 401);
	assert_int_equal(agent_call(&again, "POST", "heartbeat", NULL, "{}", NULL), 200);
	assert_int_equal(agent_join(&repeat, &t.r, "gw", buf_str(&token)), 409);

	rig_token_for(&t.r, t.box.id, &token);
	assert_int_equal(agent_call(&t.box, "POST", "deregister", NULL, "{}", NULL), 200);
	assert_int_equal(agent_join(&other, &t.r, "box", buf_str(&token)), 401);
	stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_nodes_stays),
		cmocka_unit_test(what_was_known_is_worth_nothing),
		cmocka_unit_test(a_key_on_its_way_goes_too),
		cmocka_unit_test(tokens_for_a_node_work_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
