/* DOC: see timers.h. */
#include "timers.h"

#include "base/loop.h"
#include "base/mem.h"
#include "base/vec.h"

struct loop_timer {
	void (*fn)(void *arg);
	void *arg;
	msec due; /* 0 = not set */
};
static VEC(struct loop_timer *) timers;
static struct clock *now;

struct loop_timer *__wrap_loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void __wrap_loop_timer_set(struct loop_timer *t, msec delay, msec repeat);
void __wrap_loop_timer_stop(struct loop_timer *t);
struct loop_timer *__wrap_loop_timer_free(struct loop_timer *t);

struct loop_timer *__wrap_loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct loop_timer *t = NEW(struct loop_timer);

	*t = (struct loop_timer){fn, arg, 0};
	VEC_PUSH(&timers, t);
	return t;
}

void __wrap_loop_timer_set(struct loop_timer *t, msec delay, msec repeat)
{
	t->due = now->fake_mono + delay;
}

void __wrap_loop_timer_stop(struct loop_timer *t)
{
	t->due = 0;
}

struct loop_timer *__wrap_loop_timer_free(struct loop_timer *t)
{
	for (size_t i = 0; i < timers.n; i++)
		if (timers.v[i] == t)
			VEC_REMOVE(&timers, i);
	return mem_free(t);
}

void timers_use(struct clock *clock)
{
	now = clock;
}

bool timers_turn(msec end)
{
	struct loop_timer *first = NULL;
	msec to = end;

	VEC_FOREACH (t, &timers)
		if ((*t)->due != 0 && (*t)->due <= end && (first == NULL || (*t)->due < first->due))
			first = *t;
	if (first != NULL)
		to = first->due;
	now->fake_wall += to - now->fake_mono;
	now->fake_mono = to;
	if (first == NULL)
		return false;
	first->due = 0;
	first->fn(first->arg);
	return true;
}

void timers_done(void)
{
	VEC_DONE(&timers);
}
