/*
 * DOC: the apply process's end of its channel to the net process: carries the calls of wire.h and
 * the look-ups of resolve.h there. Nothing that comes back is believed here: sizes are bounded by
 * what was asked for, answers belong to calls that wait for one, and what they say is verified by
 * who asked. A net process that ends, hangs, or sends what makes no sense or never verifies is
 * ended and started again after a wait; the calls it had fail like calls on a dead network. It is
 * also the way of names.h to the responder, from where nothing comes back.
 */
#ifndef WARREN_AGENT_COURIER_H
#define WARREN_AGENT_COURIER_H

#include "agent/resolve.h"
#include "agent/responder.h"
#include "agent/wire.h"

struct courier;

/* Start a net process; *ret_fd is our end of its channel. The one before is ended. */
typedef int (*courier_start_fn)(void *arg, int *ret_fd, struct err *e);

/* resolver is borrowed and hands its look-ups over. */
struct courier *courier_new(struct loop *l, const struct clock *clock, courier_start_fn start,
	void *start_arg, struct resolver *resolver, struct wire_carrier *ret_carrier);
/* The way to the responder in the net process; fresh(arg) says that another one has started. */
struct responder_link courier_link(struct courier *c, void (*fresh)(void *arg), void *arg);
struct courier *courier_free(struct courier *c); /* calls are dropped */

#endif
