/* DOC: compressing request bodies (RFC 1952), the one use of zlib. */
#ifndef WARREN_HTTP_GZIP_H
#define WARREN_HTTP_GZIP_H

#include "base/buf.h"
#include "base/err.h"

/* Append the gzip form of n bytes to out. */
int http_gzip(const void *p, size_t n, struct buf *out, struct err *e);

#endif
