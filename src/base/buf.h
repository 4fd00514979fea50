/*
 * DOC: a growable run of bytes, always NUL-terminated behind its length, so data is a C string
 * when nothing binary was added. The zero value is empty and ready: struct buf b = {0};
 */
#ifndef WARREN_BASE_BUF_H
#define WARREN_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL until something is added */
	size_t len;
	size_t cap;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *b, const char *fmt, va_list ap);

/* Make room for n more bytes and return where they go; the caller adds to b->len. */
char *buf_room(struct buf *b, size_t n);

/* The text; "" when empty. Borrowed until the next change. */
const char *buf_str(const struct buf *b);

/* Hand the string (never NULL) to the caller and leave the buffer empty. */
char *buf_take(struct buf *b);

void buf_reset(struct buf *b); /* length 0, memory kept */
void buf_done(struct buf *b);
void buf_wipe(struct buf *b); /* buf_done for buffers that held a secret */

#endif
