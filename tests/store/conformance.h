/* DOC: what every engine must do; see conformance.c. */
#ifndef TESTS_STORE_CONFORMANCE_H
#define TESTS_STORE_CONFORMANCE_H

#include "store/engine.h"

/* Run the suite on this engine; fresh gives the path (or address) of an empty database and is
 * called before each test, gone after it. Returns the number of failed tests. */
int conformance(const struct store_engine *engine, const char *(*fresh)(void), void (*gone)(void));

#endif
