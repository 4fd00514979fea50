/* DOC: where members are seen: what is told to others, and what NAT that means, by story. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sight.h"

#include <stdio.h>

#define T0 ((msec)1800000000000)
#define S ((msec)1000)
#define M "mem_1"

/* One thing that happens at a time (s after T0), and what holds then. */
struct step {
	int at;
	const char *observer, *endpoint; /* observer "" = the node's own word; NULL = nothing */
	const char *best;                /* NULL = unknown */
	enum nat_type nat;
	bool behind;
};

static void play(const char *name, const struct step *steps, size_t n)
{
	struct sights s = {0};

	for (size_t i = 0; i < n; i++) {
		msec now = T0 + steps[i].at * S;
		char best[SIGHT_TEXT] = "";
		bool known;

		if (steps[i].observer != NULL && steps[i].observer[0] == '\0')
			sights_said(&s, M, steps[i].endpoint, (struct addr){0});
		else if (steps[i].observer != NULL)
			sights_add(&s, M, steps[i].observer, steps[i].endpoint, now);
		known = sights_best(&s, M, now, best);
		if (known != (steps[i].best != NULL) ||
			(known && strcmp(best, steps[i].best) != 0) ||
			sights_nat(&s, M, now) != steps[i].nat ||
			sights_behind_nat(&s, M, now) != steps[i].behind)
			fail_msg("%s, step %zu: best \"%s\", nat %s, behind %d", name, i, best,
				nat_type_words[sights_nat(&s, M, now)],
				sights_behind_nat(&s, M, now));
	}
	sights_done(&s);
}

#define PLAY(name, ...)                                           \
	do {                                                      \
		static const struct step steps[] = {__VA_ARGS__}; \
		play(name, steps, ARRAY_LEN(steps));              \
	} while (0)

static void stories(void **state)
{
	PLAY("no NAT", {0, "", "203.0.113.7:51820", NULL, NAT_UNKNOWN, false},
		{1, "c1", "203.0.113.7:51820", "203.0.113.7:51820", NAT_NONE, false},
		{2, "c2", "203.0.113.7:51820", "203.0.113.7:51820", NAT_NONE, false});
	PLAY("easy", {0, "", "10.0.0.7:51820", NULL, NAT_UNKNOWN, false},
		{1, "c1", "203.0.113.7:4000", "203.0.113.7:4000", NAT_UNKNOWN, true},
		{2, "c2", "203.0.113.7:4000", "203.0.113.7:4000", NAT_EASY, true});
	PLAY("hard: the second one's word moves nothing",
		{0, "", "10.0.0.7:51820", NULL, NAT_UNKNOWN, false},
		{1, "c1", "203.0.113.7:4000", "203.0.113.7:4000", NAT_UNKNOWN, true},
		{2, "c2", "203.0.113.7:4711", "203.0.113.7:4000", NAT_HARD, true},
		{30, "c1", "203.0.113.7:4000", "203.0.113.7:4000", NAT_HARD, true});
	PLAY("a move is believed, whoever sees it first",
		{0, "c1", "203.0.113.7:4000", "203.0.113.7:4000", NAT_UNKNOWN, false},
		{1, "c2", "203.0.113.7:4000", "203.0.113.7:4000", NAT_EASY, false},
		{2, "c2", "198.51.100.1:4000", "198.51.100.1:4000", NAT_HARD, false},
		{3, "c1", "198.51.100.1:4000", "198.51.100.1:4000", NAT_EASY, false});
	PLAY("nobody sees it any more",
		{0, "c1", "203.0.113.7:4000", "203.0.113.7:4000", NAT_UNKNOWN, false},
		{239, NULL, NULL, "203.0.113.7:4000", NAT_UNKNOWN, false},
		{240, NULL, NULL, NULL, NAT_UNKNOWN, false},
		{300, "c2", "203.0.113.7:4001", "203.0.113.7:4001", NAT_UNKNOWN, false});
}

/* Without observers: a call that comes from elsewhere. */
static void calls_tell_of_a_nat(void **state)
{
	struct sights s = {0};
	struct addr own, other;

	assert_int_equal(addr_parse("192.0.2.7", &own), 0);
	assert_int_equal(addr_parse("203.0.113.7", &other), 0);
	sights_said(&s, M, "192.0.2.7:51820", own);
	assert_false(sights_behind_nat(&s, M, T0));
	sights_said(&s, M, "192.0.2.7:51820", other);
	assert_true(sights_behind_nat(&s, M, T0));
	assert_int_equal(sights_nat(&s, M, T0), NAT_UNKNOWN);
	assert_int_equal(sights_nat(&s, "mem_2", T0), NAT_UNKNOWN);
	assert_false(sights_behind_nat(&s, "mem_2", T0));
	sights_done(&s);
}

static void what_is_kept_is_bounded(void **state)
{
	struct sights s = {0};
	char best[SIGHT_TEXT];

	for (int i = 0; i < 20; i++) {
		char observer[16];

		snprintf(observer, sizeof(observer), "c%d", i);
		sights_add(&s, M, observer, "203.0.113.7:4000", T0 + i);
	}
	assert_int_equal(sights_nat(&s, M, T0), NAT_EASY);
	for (int i = 16; i < 20; i++) {
		char observer[16];

		assert_true(sights_best(&s, M, T0, best));
		snprintf(observer, sizeof(observer), "c%d", i);
		sights_forget_observer(&s, observer);
	}
	assert_false(sights_best(&s, M, T0, best)); /* the other sixteen were forgotten before */
	sights_forget(&s, M);
	assert_int_equal(s.members.n, 0);
	sights_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories),
		cmocka_unit_test(calls_tell_of_a_nat),
		cmocka_unit_test(what_is_kept_is_bounded),
	};

	return cmocka_run_group_tests_name("sight", tests, NULL, NULL);
}
