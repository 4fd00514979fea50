/*
 * DOC: logins and questions about policies do not stand in each other's way: each kind has a pool
 * and a queue of its own, and is told "too many" of its own only.
 */
#include "serve.h"

#include "control/workers.h"

#include <pthread.h>

static struct fixture *f;
static struct gateway side;

static int setup(void **state)
{
	f = serve();
	side = make_gateway(f, "", "office", "gw");
	make(f, "/api/v1/users", "{\"name\":\"ann\",\"password\":\"correct horse\"}");
	return 0;
}

static int teardown(void **state)
{
	serve_end(f);
	return 0;
}

/* Jobs that hold every thread and every place of a pool until they may end. */
struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned queued, begun, ended;
	bool go;
};

static void linger(void *arg)
{
	struct crowd *c = arg;

	pthread_mutex_lock(&c->lock);
	c->begun++;
	pthread_cond_broadcast(&c->changed);
	while (!c->go)
		pthread_cond_wait(&c->changed, &c->lock);
	c->ended++;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void crowd_in(struct crowd *c, struct workers *w, unsigned threads, struct err *e)
{
	*c = (struct crowd){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	for (; c->queued < threads; c->queued++)
		assert_int_equal(workers_run(w, linger, c, e), 0);
	pthread_mutex_lock(&c->lock);
	while (c->begun < threads)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	while (workers_run(w, linger, c, e) == 0)
		c->queued++;
}

static void let_go(struct crowd *c)
{
	pthread_mutex_lock(&c->lock);
	c->go = true;
	pthread_cond_broadcast(&c->changed);
	while (c->ended < c->queued)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

static struct answer sign_in(void)
{
	return call(f, "POST", "/api/v1/login", "",
		"{\"name\":\"ann\",\"password\":\"correct horse\"}");
}

static struct answer ask(const char *what)
{
	char path[60], body[200];

	snprintf(path, sizeof(path), "/api/v1/policies/%s", what);
	if (strcmp(what, "test") == 0)
		snprintf(body, sizeof(body), "{\"network\":\"%s\",\"from\":\"gw\",\"to\":\"gw\"}",
			side.network);
	else
		snprintf(body, sizeof(body), "{\"network\":\"%s\",\"rules\":[]}", side.network);
	return call(f, "POST", path, NULL, body);
}

static void logins_do_not_hold_up_questions(void **state)
{
	struct crowd c;
	struct err e = {0};

	crowd_in(&c, f->control->workers, WORKERS_THREADS, &e);
	assert_non_null(strstr(e.text, "logins"));
	ANSWER refused = sign_in();
	expect_status(&refused, 503);
	ANSWER test = ask("test");
	expect_status(&test, 200);
	ANSWER what_if = ask("what-if");
	expect_status(&what_if, 200);
	let_go(&c);
	ANSWER in = sign_in();
	expect_status(&in, 200);
}

static void questions_do_not_hold_up_logins(void **state)
{
	struct crowd c;
	struct err e = {0};

	crowd_in(&c, f->control->questions, WORKERS_THREADS, &e);
	assert_int_equal(c.queued, WORKERS_THREADS + QUESTIONS_QUEUE);
	ANSWER in = sign_in();
	expect_status(&in, 200);
	ANSWER refused = ask("test");
	expect_status(&refused, 503);
	assert_non_null(strstr(answer_str(&refused, "detail"), "questions"));
	ANSWER what_if = ask("what-if");
	expect_status(&what_if, 503);
	let_go(&c);
	ANSWER test = ask("test");
	expect_status(&test, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logins_do_not_hold_up_questions),
		cmocka_unit_test(questions_do_not_hold_up_logins),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
