/*
 * DOC: which failed logins become audit lines: the first of an account, then the tenth, the
 * hundredth and so on, counted anew after an hour. So each is known of, and nobody fills a disk.
 */
#ifndef WARREN_CONTROL_FAILURES_H
#define WARREN_CONTROL_FAILURES_H

#include "base/clock.h"

#include <stdint.h>

#define FAILURES_WINDOW ((msec)3600 * 1000)

struct failures;
struct failures *failures_new(const struct clock *clock);
struct failures *failures_free(struct failures *f);
/* One more for this user ("" = names nobody has, all together). Returns the count when it is to be
 * written down, else 0. Users are real ones: they bound the memory. */
uint64_t failures_note(struct failures *f, const char *user);
/* It succeeded: how many had failed before. Counts anew. */
uint64_t failures_forget(struct failures *f, const char *user);

#endif
