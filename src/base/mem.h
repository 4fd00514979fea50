/*
 * DOC: memory. Allocation never fails: running out of memory ends the process, so there is no
 * untested out-of-memory branch anywhere. Sizes that come from outside are bounded by the caller
 * before they get here. Scope cleanup is by attribute: CLEANUP(buf_done) struct buf b = {0};
 */
#ifndef WARREN_BASE_MEM_H
#define WARREN_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* Allocate n bytes (zeroed for mem_zalloc); n = 0 gives a unique pointer. Never NULL. */
void *mem_alloc(size_t n);
void *mem_zalloc(size_t n);

/* Resize p to n items of size bytes; aborts when n * size overflows. Never NULL. */
void *mem_resize(void *p, size_t n, size_t size);

/* Copies owned by the caller. mem_strdup(NULL) gives NULL. */
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
void *mem_dup(const void *p, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* free() that takes NULL and returns NULL: p = mem_free(p). */
void *mem_free(void *p);

/* Overwrite n bytes so that the compiler cannot drop it. For secrets. */
void mem_wipe(void *p, size_t n);

/* For CLEANUP(mem_freep) char *s = ...; */
void mem_freep(void *pp);

#define NEW(type) ((type *)mem_zalloc(sizeof(type)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define AUTOFREE CLEANUP(mem_freep)
#define STEAL(p)                             \
	({                                   \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL;                  \
		stolen_;                     \
	})
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, field) ((type *)(void *)((char *)(p)-offsetof(type, field)))

#endif
