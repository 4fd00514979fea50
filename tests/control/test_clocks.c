/* DOC: a node's clock that is off is not fatal (spec 1): how far is seen by people and scrapers. */
#include "serve.h"

#include "control/hub_state.h"
#include "control/telemetry.h"

static struct fixture *f;

static void clocks_that_are_off_are_seen(void **state)
{
	struct gateway g = make_gateway(f, "", "clocks", "slow");
	struct heartbeat beat = {0};
	struct heartbeat_answer answer;
	struct err e = {0};
	char path[100];
	msec now;

	snprintf(path, sizeof(path), "/api/v1/nodes/%s", g.node);
	ANSWER before = call(f, "GET", path, NULL, NULL);
	expect_status(&before, 200);
	assert_true(json_is_null(json_root(before.doc), "clock_offset_ms"));
	ANSWER none = call(f, "GET", "/metrics", NULL, NULL);
	assert_null(strstr(buf_str(&none.body), "node=\"slow\""));

	assert_int_equal(clock_parse("2026-03-01T12:00:40.250Z", &now), 0);
	static const char text[] = "{\"timestamp\":\"2026-03-01T12:00:00Z\"}";
	assert_int_equal(heartbeat_read(text, strlen(text), now, &beat, &e), 0);
	telemetry_heartbeat(f->control->hub->telemetry, g.node, &beat, &answer);
	heartbeat_done(&beat);
	ANSWER after = call(f, "GET", path, NULL, NULL);
	assert_int_equal(json_int(json_root(after.doc), "clock_offset_ms", 0), -40250);
	ANSWER scraped = call(f, "GET", "/metrics", NULL, NULL);
	assert_non_null(strstr(buf_str(&scraped.body),
		"\nwarren_node_clock_offset_seconds{project=\"default\",node=\"slow\"} -40.250\n"));
	/* a heartbeat that tells no time: not known any more */
	assert_int_equal(heartbeat_read("{}", 2, now, &beat, &e), 0);
	telemetry_heartbeat(f->control->hub->telemetry, g.node, &beat, &answer);
	heartbeat_done(&beat);
	ANSWER untimed = call(f, "GET", path, NULL, NULL);
	assert_true(json_is_null(json_root(untimed.doc), "clock_offset_ms"));
}

static int setup(void **state)
{
	f = serve();
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(clocks_that_are_off_are_seen)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
