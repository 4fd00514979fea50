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

#define STEP ((size_t)16 * 1024)

int http_gunzip(const void *p, size_t n, size_t max, struct buf *out, struct err *e)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n};
	size_t got = 0;
	int r;

	if (n > INT_MAX / 2)
		return err_set(e, ERR_EXHAUSTED, "body of %zu bytes is too large", n);
	if (inflateInit2(&z, WINDOW_GZIP) != Z_OK)
		return err_set(e, ERR_INTERNAL, "cannot unpack");
	do {
		size_t room = max - got < STEP ? max - got + 1 : STEP; /* one more tells too much */

		z.next_out = (Bytef *)buf_room(out, room);
		z.avail_out = (uInt)room;
		r = inflate(&z, Z_NO_FLUSH);
		out->len += room - z.avail_out;
		got += room - z.avail_out;
		out->data[out->len] = '\0';
	} while (r == Z_OK && got <= max && (z.avail_in > 0 || z.avail_out == 0));
	inflateEnd(&z);
	if (got > max)
		return err_set(e, ERR_EXHAUSTED, "body unpacks to more than %zu bytes", max);
	if (r != Z_STREAM_END || z.avail_in > 0)
		return err_set(e, ERR_INVALID, "body is not whole gzip data");
	return 0;
}
