/*
 * DOC: QR codes that always scan: byte mode, level M (L when M does not fit), quiet zone of 4
 * modules, whole pixels per module. Longer than 2,953 bytes is ERR_EXHAUSTED: the caller offers a
 * one-time link instead (spec 3).
 */
#ifndef WARREN_RENDER_QR_H
#define WARREN_RENDER_QR_H

#include "base/buf.h"
#include "base/err.h"

#define QR_MAX 2953

/* min_pixels: at least so wide; each module gets a whole number of pixels, at least 4. */
int render_qr_png(const char *text, size_t n, unsigned min_pixels, struct buf *out, struct err *e);
int render_qr_svg(const char *text, size_t n, struct buf *out, struct err *e);
/* Half-block characters with explicit black on white (scans on dark and light terminals). */
int render_qr_terminal(const char *text, size_t n, struct buf *out, struct err *e);

#endif
