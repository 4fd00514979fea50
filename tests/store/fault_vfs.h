/*
 * DOC: a disk that fails. A VFS in front of SQLite's own that watches the files of one folder. It
 * remembers, per file, what an fsync made durable and what was written since, and can therefore
 * write out what a power cut would leave now: the durable bytes, and of the writes since any
 * part, torn at sectors, in any order. It can also fail one write or sync on demand.
 */
#ifndef TESTS_STORE_FAULT_VFS_H
#define TESTS_STORE_FAULT_VFS_H

#include <stdint.h>

/* Make it the default VFS and watch dir. hook (may be NULL) runs before every write, truncation
 * and sync of a watched file, on the thread that does it. */
void fault_begin(const char *dir, void (*hook)(void *arg), void *arg);
void fault_end(void);

/* Let the n-th operation from now (1 = next) fail with this SQLite code; 0 = none. */
void fault_fail(uint64_t n, int code);
uint64_t fault_operations(void); /* since fault_begin */
int fault_fired(void);           /* has fault_fail's failure happened? */

/* What a power cut here would leave, into the (existing, other) folder. Same seed, same bytes. */
void fault_snapshot(const char *dir, uint64_t seed);

#endif
