/* DOC: a node is heard by its heartbeats and when it opens its event stream: after a restart of the
 * control plane nobody who is there is called lost until the next heartbeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rig.h"

#include <time.h>

#define PATIENCE 20000 /* ms */

/* Opening is seen by another thread; there is no event for the test to wait on. */
static void wait_connected(struct rig *r, const char *node)
{
	struct timespec pause = {.tv_nsec = 1000000};
	struct node_status s;

	for (int i = 0; i < PATIENCE; i++) {
		hub_node_status(r->control.hub, node, &s);
		if (s.connected)
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("the stream is not open");
}

static const char *liveness(struct rig *r, const char *node)
{
	struct node_status s;

	hub_node_status(r->control.hub, node, &s);
	return s.liveness;
}

static void who_opens_its_stream_is_heard(void **state)
{
	struct agent a = {0};
	struct rig r;

	rig_start(&r, false);
	rig_join(&r, ROLE_PEER, "box", &a);
	assert_string_equal(liveness(&r, a.id), "never");
	agent_listen(&a, NULL);
	wait_connected(&r, a.id);
	assert_string_equal(liveness(&r, a.id), "online");

	/* an open stream alone is no sign of life: nothing is sent by the node on it */
	rig_advance(&r, 90000);
	assert_string_equal(liveness(&r, a.id), "unreachable");
	agent_hang_up(&a);
	agent_done(&a);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(who_opens_its_stream_is_heard)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
