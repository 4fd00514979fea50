/*
 * DOC: the text of WireGuard's cross-platform configuration protocol (key=value lines, ended by an
 * empty one), both ways and without a socket. The reader is fed bytes as they come, keeps at most
 * one line, and is bounded: what an engine answers is foreign.
 */
#ifndef WARREN_WG_UAPI_H
#define WARREN_WG_UAPI_H

#include "base/buf.h"
#include "wg/backend.h"

#define UAPI_LINE_MAX 512         /* longest line the protocol has is a key: 80 bytes */
#define UAPI_PEERS_MAX 1000000    /* in one answer */
#define UAPI_PREFIXES_MAX 4000000 /* in one answer, over all peers */

/* Append one "set=1" with the device's own fields (when with_device) and peers first .. ret,
 * as many as fit a text of about max bytes, at least one. Returns the index after the last one.
 * The text holds secrets: the caller wipes out. Memory is reserved ahead, so none is left behind
 * by growing. */
size_t uapi_set_text(
	const struct wg_change *c, bool with_device, size_t first, size_t max, struct buf *out);

#define UAPI_ANSWER_MAX ((size_t)1 << 30)

enum uapi_state { UAPI_MORE, UAPI_DONE, UAPI_BAD };

struct uapi_reader {
	enum uapi_state state;
	struct wg_device *device; /* filled; NULL when only errno is expected */
	struct secret private_key;
	int64_t errnum; /* valid when DONE: 0, or what the engine refused with */
	bool have_errno;
	size_t n_prefixes, n_bytes;
	char line[UAPI_LINE_MAX];
	size_t len;
	char problem[128]; /* why BAD; never contains a value */
};

/* device (may be NULL) must be {0}; it is owned by the caller also after BAD. */
void uapi_reader_init(struct uapi_reader *r, struct wg_device *device);
/* Take n bytes. Bytes after the end of the answer are BAD. */
enum uapi_state uapi_reader_feed(struct uapi_reader *r, const char *p, size_t n);
void uapi_reader_done(struct uapi_reader *r); /* wipes */

#endif
