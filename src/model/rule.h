/* DOC: what a policy's rules must keep: selectors, protocols, ports (spec 0, policy). */
#ifndef WARREN_MODEL_RULE_H
#define WARREN_MODEL_RULE_H

#include "model/objects.h"

/* 0, or ERR_INVALID naming the field, as "rules[2].ports". Whom a selector names is not looked up.
 */
int rules_check(const struct rule_vec *rules, struct err *e);

#endif
