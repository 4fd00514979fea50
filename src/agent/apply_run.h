/* DOC: one apply under way, for the files apply is made of. */
#ifndef WARREN_AGENT_APPLY_RUN_H
#define WARREN_AGENT_APPLY_RUN_H

#include "agent/apply.h"
#include "agent/overlap.h"

/* One apply under way. */
struct run {
	struct machine *m;
	const struct item_vec *old, *target;
	const struct delta *d;
	struct apply_result *r;
	struct strs rekeyed;    /* interfaces that got another key while they stood */
	struct id_vec narrowed; /* networks whose firewall may allow less than before */
	struct strs adopted;    /* interfaces just taken over, with traffic on them */
	struct overlap overlap;
};

/* Count what became of an item. */
void run_put_done(struct run *run, const struct item *i, int rc, const struct err *e);
void run_drop_done(struct run *run, const struct item *i, int rc, const struct err *e);

/* The run of a kind, or of some neighbouring kinds, in a sorted vector; borrowed. */
struct item_vec run_slice(const struct item_vec *v, enum item_kind kind);
struct item_vec run_slice_to(const struct item_vec *v, enum item_kind kind, enum item_kind last);
/* NULL when no item has this key. */
const struct item *run_find(const struct item_vec *v, const struct item *key);

#endif
