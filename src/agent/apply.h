/*
 * DOC: the one apply: a delta is carried out on the machine, whether it came as an event, out of a
 * full state, from a timer that ran out, or as drift. Puts go down the list of item kinds, drops go
 * up; an interface's peers go in one change: removed, then updated, then added. Everything is
 * idempotent. A failure is noted and the rest goes on; the next reconcile tries again.
 */
#ifndef WARREN_AGENT_APPLY_H
#define WARREN_AGENT_APPLY_H

#include "agent/machine.h"

#define APPLY_ERRORS_MAX 8 /* sentences kept; all are counted */

struct apply_result {
	unsigned failures;
	struct strs errors;                            /* "peer warren0/cl_1: ..." */
	unsigned put[ITEM_KINDS], dropped[ITEM_KINDS]; /* that worked */
	bool links_made; /* an interface is new: its counters start at zero */
};

/*
 * old: what the machine has of the items d touches, sorted (content of drops and of what is
 * replaced; an item that is not in old is not there). target: sorted, all that should be there
 * afterwards. Borrowed, all of it.
 */
void apply_delta(struct machine *m, const struct item_vec *old, const struct delta *d,
	const struct item_vec *target, struct apply_result *r);

/* Note a failure of one item. */
void apply_failed(struct apply_result *r, const struct item *i, const struct err *e);
/* One sentence about all failures, or "" when there was none. */
void apply_summary(const struct apply_result *r, struct buf *out);
void apply_result_done(struct apply_result *r);

/* Write endpoints of peers whose link is not online and whose device has another one. wanted is
 * sorted. Not drift, hence not in any reading. Returns how many were written. */
int apply_endpoints(struct machine *m, const struct item_vec *wanted, struct err *e);

/* Remove everything that is ours and put back what was before. */
void apply_teardown(struct machine *m, struct apply_result *r);

#endif
