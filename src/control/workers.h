/*
 * DOC: two threads for what is slow on purpose (Argon2id, 64 MiB and 70 ms each), with a bounded
 * queue: a storm of logins costs two cores at most and is then told to come back.
 */
#ifndef WARREN_CONTROL_WORKERS_H
#define WARREN_CONTROL_WORKERS_H

#include "base/err.h"

#define WORKERS_THREADS 2
#define WORKERS_QUEUE_MAX 64

struct workers;
int workers_new(struct workers **ret, struct err *e);
/* Finishes what is queued. */
struct workers *workers_free(struct workers *w);

/* Run fn(arg) on a worker; ERR_UNAVAILABLE when the queue is full (fn is not called then). */
int workers_run(struct workers *w, void (*fn)(void *arg), void *arg, struct err *e);
/* How often the queue was full. */
unsigned long workers_refused(struct workers *w);

#endif
