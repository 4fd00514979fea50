/*
 * DOC: QR codes by libqrencode, always byte mode. One encoder feeds three painters, which ask for
 * modules by coordinates that include the quiet zone. What a code holds may be a private key, so
 * the module matrix is wiped before it is freed.
 */
#include "render/qr.h"

#include "base/mem.h"

#include <errno.h>
#include <png.h>
#include <qrencode.h>
#include <string.h>

#define QUIET 4
#define LEAST_PIXELS 4   /* a module */
#define MOST_PIXELS 8192 /* asked-for width of a picture */

static void code_done(QRcode **code)
{
	if (*code == NULL)
		return;
	mem_wipe((*code)->data, (size_t)(*code)->width * (size_t)(*code)->width);
	QRcode_free(*code);
}

static int encode(const char *text, size_t n, QRcode **ret, struct err *e)
{
	static const QRecLevel levels[] = {QR_ECLEVEL_M, QR_ECLEVEL_L};

	if (n == 0)
		return err_set(e, ERR_INVALID, "a QR code needs at least one byte");
	if (n > QR_MAX)
		return err_set(e, ERR_EXHAUSTED, "%zu bytes do not fit in a QR code; at most %d do",
			n, QR_MAX);
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		QRcode *code = QRcode_encodeData((int)n, (const unsigned char *)text, 0, levels[i]);

		if (code != NULL) {
			*ret = code;
			return 0;
		}
		if (errno != ERANGE)
			break;
	}
	return err_errno(e, errno, "the QR code could not be made");
}

static int side(const QRcode *code)
{
	return code->width + 2 * QUIET;
}

/* Is the module dark? The quiet zone, and all beyond it, is light. */
static int is_dark(const QRcode *code, int x, int y)
{
	x -= QUIET;
	y -= QUIET;
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return 0;
	return code->data[y * code->width + x] & 1;
}

/* --- PNG: one bit a pixel -------------------------------------------------------------------- */

static void png_add(png_structp png, png_bytep data, png_size_t n)
{
	buf_add(png_get_io_ptr(png), data, n);
}

static void png_no_flush(png_structp png)
{
}

/* libpng's way out is longjmp: everything that lives across it is in the caller's frame. */
static int write_png(png_structp png, png_infop info, const QRcode *code, png_uint_32 scale,
	png_bytep row, struct buf *out)
{
	png_uint_32 width = (png_uint_32)side(code) * scale;

	if (setjmp(png_jmpbuf(png)))
		return ERR_INTERNAL;
	png_set_write_fn(png, out, png_add, png_no_flush);
	png_set_IHDR(png, info, width, width, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
		PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (int y = 0; y < side(code); y++) {
		memset(row, 0xff, (width + 7) / 8); /* 1 = white */
		for (png_uint_32 x = 0; x < width; x++)
			if (is_dark(code, (int)(x / scale), y))
				row[x / 8] &= (png_byte) ~(0x80 >> (x % 8));
		for (png_uint_32 k = 0; k < scale; k++)
			png_write_row(png, row);
	}
	png_write_end(png, info);
	return 0;
}

int render_qr_png(const char *text, size_t n, unsigned min_pixels, struct buf *out, struct err *e)
{
	CLEANUP(code_done) QRcode *code = NULL;
	CLEANUP(buf_wipe) struct buf png_bytes = {0};
	png_structp png;
	png_infop info = NULL;
	png_uint_32 scale;
	png_bytep row;
	size_t row_len;
	int r;

	if (min_pixels > MOST_PIXELS)
		return err_field(e, ERR_INVALID, "pixels",
			"a QR code of %u pixels is too big; at most %d", min_pixels, MOST_PIXELS);
	if ((r = encode(text, n, &code, e)) < 0)
		return r;
	scale = (min_pixels + (png_uint_32)side(code) - 1) / (png_uint_32)side(code);
	if (scale < LEAST_PIXELS)
		scale = LEAST_PIXELS;
	row_len = ((size_t)side(code) * scale + 7) / 8;
	row = mem_alloc(row_len);
	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	if (png != NULL)
		info = png_create_info_struct(png);
	r = info == NULL ? ERR_INTERNAL : write_png(png, info, code, scale, row, &png_bytes);
	png_destroy_write_struct(&png, &info);
	mem_wipe(row, row_len);
	mem_free(row);
	if (r < 0)
		return err_set(e, r, "the QR code's picture could not be made");
	buf_add(out, png_bytes.data, png_bytes.len);
	return 0;
}

/* --- SVG: one path of horizontal runs -------------------------------------------------------- */

int render_qr_svg(const char *text, size_t n, struct buf *out, struct err *e)
{
	CLEANUP(code_done) QRcode *code = NULL;
	int r = encode(text, n, &code, e);

	if (r < 0)
		return r;
	buf_addf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"shape-rendering=\"crispEdges\"><rect width=\"100%%\" height=\"100%%\" "
		"fill=\"#fff\"/><path fill=\"#000\" d=\"",
		side(code), side(code));
	for (int y = 0; y < side(code); y++)
		for (int x = 0; x < side(code); x++) {
			int run = 0;

			while (is_dark(code, x + run, y))
				run++;
			if (run == 0)
				continue;
			buf_addf(out, "M%d %dh%dv1h-%dz", x, y, run, run);
			x += run;
		}
	buf_adds(out, "\"/></svg>\n");
	return 0;
}

/* --- terminals: two modules a character ------------------------------------------------------ */

int render_qr_terminal(const char *text, size_t n, struct buf *out, struct err *e)
{
	/* by upper and lower module; colours 16 and 231 are black and white on any palette */
	static const char *const cells[2][2] = {{" ", "\u2584"}, {"\u2580", "\u2588"}};
	CLEANUP(code_done) QRcode *code = NULL;
	int r = encode(text, n, &code, e);

	if (r < 0)
		return r;
	for (int y = 0; y < side(code); y += 2) {
		buf_adds(out, "\x1b[38;5;16;48;5;231m");
		for (int x = 0; x < side(code); x++)
			buf_adds(out, cells[is_dark(code, x, y)][is_dark(code, x, y + 1)]);
		buf_adds(out, "\x1b[0m\n");
	}
	return 0;
}
