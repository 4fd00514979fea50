/*
 * DOC: a tap on an engine's socket: takes the socket's place, hands every request on, and notes
 * when the engine has answered the one that sets or removes a given peer. So the engine is not
 * asked all the time whether it has the peer, which for many peers keeps it busy and holds up the
 * very change that is waited for.
 */
#ifndef WARREN_TESTS_BENCH_TAP_H
#define WARREN_TESTS_BENCH_TAP_H

#include <stdbool.h>

/* Take the place of the socket, until the process ends. Exits with a message when that fails. */
void tap_start(const char *engine);
/* The socket of the engine itself. */
const char *tap_engine(void);
/* Note the next request that has this line ("public_key=HEX") and removes, or sets, the peer. */
void tap_await(const char *line, bool removes);
/* When the engine had answered it, by wall_ms, waiting for that; -1 after so many milliseconds. */
double tap_when(int patience);

#endif
