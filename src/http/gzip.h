/* DOC: compressed request bodies (RFC 1952), the one use of zlib. */
#ifndef WARREN_HTTP_GZIP_H
#define WARREN_HTTP_GZIP_H

#include "base/buf.h"
#include "base/err.h"

/* Append the gzip form of n bytes to out. */
int http_gzip(const void *p, size_t n, struct buf *out, struct err *e);

/* Append what n bytes of gzip unpack to. ERR_INVALID when they are not one whole gzip member,
 * ERR_EXHAUSTED when it would be more than max bytes. */
int http_gunzip(const void *p, size_t n, size_t max, struct buf *out, struct err *e);

#endif
