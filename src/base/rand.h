/* DOC: random bytes from the kernel. Code that must be repeatable takes a struct rand instead. */
#ifndef WARREN_BASE_RAND_H
#define WARREN_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Fill p with n unpredictable bytes (getrandom(2)); aborts if the kernel refuses. */
void rand_bytes(void *p, size_t n);

/* A repeatable generator for tests and jitter (splitmix64); never for secrets. */
struct rand {
	uint64_t state;
};
uint64_t rand_next(struct rand *r);
uint64_t rand_below(struct rand *r, uint64_t bound); /* 0 <= x < bound; bound > 0 */

#endif
