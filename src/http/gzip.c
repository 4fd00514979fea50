/* DOC: gzip by zlib; see gzip.h. */
#include "http/gzip.h"

#include <limits.h>
#include <stdint.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* zlib's way to ask for a gzip frame */
#define MEM_LEVEL 8

int http_gzip(const void *p, size_t n, struct buf *out, struct err *e)
{
	z_stream z = {0};
	size_t room;
	int r;

	if (n > INT_MAX / 2)
		return err_set(e, ERR_INVALID, "body of %zu bytes is too large", n);
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MEM_LEVEL,
		    Z_DEFAULT_STRATEGY) != Z_OK)
		return err_set(e, ERR_INTERNAL, "cannot compress");
	room = deflateBound(&z, n);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)buf_room(out, room);
	z.avail_out = (uInt)room;
	r = deflate(&z, Z_FINISH);
	deflateEnd(&z);
	if (r != Z_STREAM_END)
		return err_set(e, ERR_INTERNAL, "cannot compress");
	out->len += z.total_out;
	out->data[out->len] = '\0';
	return 0;
}
