/*
 * DOC: a resolver that misbehaves by the first letter of the name it is asked: 'r' sends forged
 * answers before the right one, 's' is silent, 'b' says "truncated" over UDP and 2,000 bytes over
 * TCP, 'l' repeats names in small letters over UDP, as a forger does, anything else is answered at
 * once. Answers have no records; what is behind is zeros.
 */
#ifndef WARREN_TESTS_DNS_UPSTREAM_H
#define WARREN_TESTS_DNS_UPSTREAM_H

#include "base/loop.h"
#include "model/prefix.h"

#include <stdbool.h>

#define UPSTREAM_BIG 2000

struct upstream;
struct upstream *upstream_new(struct loop *l, struct addr a, uint16_t port);
struct upstream *upstream_free(struct upstream *u);
unsigned upstream_asked(const struct upstream *u);
/* Did two questions come under one id, or from one port? */
bool upstream_saw_repeats(const struct upstream *u);

#endif
