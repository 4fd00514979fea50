/*
 * DOC: what every WireGuard backend must do, as one suite. A test program says how a backend is
 * made and hands the suite to cmocka.
 */
#ifndef WARREN_TESTS_WG_CONFORMANCE_H
#define WARREN_TESTS_WG_CONFORMANCE_H

#include "wg/backend.h"

/* Set before running: makes a backend for one test. */
extern struct wg_backend *(*conformance_new)(void);
/* Interface names start with this and are unique to the program. */
extern const char *conformance_prefix;

/* Runs all tests; the number of failures. reason != NULL: all are skipped, saying why. */
int conformance_run(const char *reason);
/* The same for as many peers as one interface is promised to hold: seconds. */
int conformance_run_large(const char *reason);

#endif
