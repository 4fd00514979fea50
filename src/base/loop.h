/*
 * DOC: the event loop of the agent and of `warren up`, a thin layer over libuv so that <uv.h>
 * stays in one file. Everything runs on the loop's thread except loop_post and loop_stop.
 */
#ifndef WARREN_BASE_LOOP_H
#define WARREN_BASE_LOOP_H

#include "base/clock.h"
#include "base/err.h"

#include <sys/types.h>

struct loop;
struct loop_timer;
struct loop_fd;

struct loop *loop_new(void);
struct loop *loop_free(struct loop *l); /* closes every handle still open; returns NULL */

/* Run until loop_stop. */
void loop_run(struct loop *l);
/* Ask the loop to end; from any thread or a callback. */
void loop_stop(struct loop *l);

/* Call fn(arg) once after delay ms, or every repeat ms when repeat > 0. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg);
void loop_timer_set(struct loop_timer *t, msec delay, msec repeat);
void loop_timer_stop(struct loop_timer *t);
struct loop_timer *loop_timer_free(struct loop_timer *t);

/* Watch a file descriptor. events is a mask; free before closing the descriptor. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_fd *loop_fd_new(struct loop *l, int fd, void (*fn)(int events, void *arg), void *arg);
void loop_fd_set(struct loop_fd *w, int events);
struct loop_fd *loop_fd_free(struct loop_fd *w);

/* Call fn(arg) on the loop's thread soon; the only call allowed from other threads. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);

/* Call fn(signum, arg) on each arrival of signum. */
void loop_signal(struct loop *l, int signum, void (*fn)(int signum, void *arg), void *arg);

#endif
