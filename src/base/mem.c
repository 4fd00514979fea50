/* DOC: allocation that aborts instead of failing; see mem.h. */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
	if (p == NULL) {
		fputs("warren: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t n)
{
	return or_die(malloc(n ? n : 1));
}

void *mem_zalloc(size_t n)
{
	return or_die(calloc(1, n ? n : 1));
}

void *mem_resize(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return or_die(NULL);
	return or_die(realloc(p, total ? total : 1));
}

char *mem_strdup(const char *s)
{
	return s == NULL ? NULL : or_die(strdup(s));
}

char *mem_strndup(const char *s, size_t n)
{
	return or_die(strndup(s, n));
}

void *mem_dup(const void *p, size_t n)
{
	void *copy = mem_alloc(n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? or_die(NULL) : s;
}

void *mem_free(void *p)
{
	free(p);
	return NULL;
}

void mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

void mem_freep(void *pp)
{
	void **p = pp;

	free(*p);
	*p = NULL;
}
