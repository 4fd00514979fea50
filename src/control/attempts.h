/*
 * DOC: failed logins, counted per address (an IPv6 /64 is one address) and per user name. Memory is
 * fixed: a table of slots, the stalest of a small set is given up for a newcomer. An address a user
 * has signed in from lately has a count of its own for that name: guessing from elsewhere keeps
 * nobody out of where they usually are.
 */
#ifndef WARREN_CONTROL_ATTEMPTS_H
#define WARREN_CONTROL_ATTEMPTS_H

#include "base/clock.h"

#define ATTEMPTS_MAX 10                 /* failures before one has to wait */
#define ATTEMPTS_WINDOW (5 * 60 * 1000) /* ms after which a failure is forgotten: one by one */
#define ATTEMPTS_SLOTS 4096
#define ATTEMPTS_WAYS 8
#define ATTEMPTS_KNOWN ((msec)30 * 24 * 3600 * 1000) /* how long an address stays known */

struct attempts;
struct attempts *attempts_new(const struct clock *clock);
struct attempts *attempts_free(struct attempts *a);

/* Takes one attempt for both; 0, or the milliseconds to wait. A success gives them back. */
msec attempts_take(struct attempts *a, const char *address, const char *name);
void attempts_succeeded(struct attempts *a, const char *address, const char *name);
/* The same for codes of the second step, by user: only who knows the password gets that far. Half
 * as many. */
msec attempts_take_code(struct attempts *a, const char *user);
void attempts_code_succeeded(struct attempts *a, const char *user);
/* The same for answers of issuers, by address alone: nobody can guess one, but each costs calls. */
#define ATTEMPTS_SIGNON_MAX 60
msec attempts_take_signon(struct attempts *a, const char *address);
/* How often somebody was told to wait. */
unsigned long attempts_refused(struct attempts *a);

#endif
