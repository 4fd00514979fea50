/*
 * DOC: pools of two threads with a bounded queue for what is slow: passwords (Argon2id, 64 MiB and
 * 70 ms each, on purpose), calls to others, questions about policies. A storm of one kind costs two
 * cores at most, is then told to come back, and holds up no other kind.
 */
#ifndef WARREN_CONTROL_WORKERS_H
#define WARREN_CONTROL_WORKERS_H

#include "base/err.h"

#define WORKERS_THREADS 2
#define WORKERS_QUEUE_MAX 64
#define QUESTIONS_QUEUE 16 /* each holds a copy of its network while it runs */

struct workers;
/* what: "logins", for the error of who is too many; lasting. queue: at most WORKERS_QUEUE_MAX jobs
 * wait. */
int workers_new(const char *what, unsigned queue, struct workers **ret, struct err *e);
/* Finishes what is queued. */
struct workers *workers_free(struct workers *w);

/* Run fn(arg) on a worker; ERR_UNAVAILABLE when the queue is full (fn is not called then). */
int workers_run(struct workers *w, void (*fn)(void *arg), void *arg, struct err *e);
/* How often the queue was full. */
unsigned long workers_refused(struct workers *w);

#endif
