/*
 * DOC: which node holds a DNS label, while nodes come, go, are called otherwise, and while all that
 * is undone: what is kept between two questions never says less than the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/change.h"
#include "control/labels.h"
#include "control/register.h"
#include "rig.h"

#include <string.h>

static struct rig rig;

/* Things that one job does, in this order. */
struct job {
	const char *rename, *to; /* this node, so */
	const char *leave;       /* this node */
	const char *ask;         /* is this name free? */
	unsigned noise;          /* changes that are noted and were none */
	bool undo;
	int answer;
};

static int rename_node(struct tx *tx, const char *id, const char *name, struct err *e)
{
	struct node before = {0}, after = {0};
	int r = tx_get(tx, &schema_node, id, &before, e);

	if (r < 0)
		return r;
	schema_copy(&schema_node, &after, &before);
	mem_free(after.name);
	after.name = mem_strdup(name);
	r = change_store(tx, &schema_node, &before, &after, "test", "node.rename", e);
	schema_done(&schema_node, &before);
	schema_done(&schema_node, &after);
	return r;
}

static int run(struct tx *tx, void *arg, struct err *e)
{
	struct job *j = arg;
	int r = j->rename != NULL ? rename_node(tx, j->rename, j->to, e) : 0;

	if (r >= 0 && j->leave != NULL)
		r = node_leave(tx, j->leave, "test", e);
	for (unsigned i = 0; i < j->noise; i++)
		labels_changed(tx, "node_nobody", false);
	if (r >= 0 && j->ask != NULL)
		j->answer = labels_node_fits(
			rig.control.labels, tx, rig.network, j->ask, "", "name", NULL);
	if (r < 0)
		return r;
	return j->undo ? err_set(e, ERR_DENIED, "undone") : 0;
}

static int ask_in(struct job j)
{
	struct err e = {0};
	int r = store_write_wait(rig.control.store, run, &j, &e);

	if (r != (j.undo ? ERR_DENIED : 0))
		fail_msg("%s", e.text);
	return j.answer;
}

#define HELD(name, ...) \
	assert_int_equal(ask_in((struct job){.ask = (name), ##__VA_ARGS__}), ERR_EXISTS)
#define FREE(name, ...) assert_int_equal(ask_in((struct job){.ask = (name), ##__VA_ARGS__}), 0)

static void join(struct agent *a, const char *name)
{
	CLEANUP(buf_done) struct buf token = {0};

	rig_token(&rig, ROLE_PEER, 1, 0, &token);
	assert_int_equal(agent_join(a, &rig, name, buf_str(&token)), 201);
}

static void forget(void)
{
	labels_free(rig.control.labels);
	rig.control.labels = labels_new();
}

static void names_follow_the_nodes(void **state)
{
	struct agent a = {0}, b = {0}, c = {0};

	rig_start(&rig, false);
	FREE("one");
	join(&a, "one");
	HELD("One!");
	FREE("two");
	join(&b, "two");
	HELD("two");
	ask_in((struct job){.rename = a.id, .to = "three"});
	FREE("one");
	HELD("three");
	join(&c, "one"); /* two are known by that label, one holds it */
	HELD("one");
	ask_in((struct job){.leave = c.id});
	FREE("one");
	ask_in((struct job){.rename = a.id, .to = "one"});
	HELD("one");
	FREE("three");
	/* more of it than is noted */
	ask_in((struct job){.rename = b.id, .to = "four"});
	FREE("two", .noise = 1000);
	HELD("four");
	agent_done(&a);
	agent_done(&b);
	agent_done(&c);
	rig_stop(&rig);
}

static void what_is_undone_was_not(void **state)
{
	struct agent a = {0};

	rig_start(&rig, false);
	join(&a, "one");
	for (int known = 0; known < 2; known++) {
		/* asked for the first time amid a change that is undone, or known before */
		if (!known)
			forget();
		FREE("one", .rename = a.id, .to = "two", .undo = true);
		HELD("one");
		FREE("two");
		if (!known)
			forget();
		FREE("one", .leave = a.id, .undo = true);
		HELD("one");
	}
	agent_done(&a);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_the_nodes),
		cmocka_unit_test(what_is_undone_was_not),
	};

	return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
