/* DOC: QR codes are read back by zbarimg: pictures, SVG paths and terminal text alike. */
#include "render/qr.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

static const size_t lengths[] = {1, 300, 666, 2331, 2332, QR_MAX};

/* Text of n bytes that differs everywhere. */
static char *text_of(size_t n)
{
	char *s = mem_alloc(n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)('!' + (i * 7 + i / 94) % 94);
	s[n] = '\0';
	return s;
}

static void need_zbarimg(void)
{
	if (system("command -v zbarimg >/dev/null 2>&1") != 0) {
		print_message("zbarimg is not installed\n");
		skip();
	}
}

/* Have zbarimg read a picture; what it saw must be text. */
static void assert_reads(const struct buf *picture, const char *text)
{
	char path[] = "/tmp/warren-qr-XXXXXX";
	CLEANUP(buf_done) struct buf got = {0};
	AUTOFREE char *command = NULL;
	char block[4096];
	size_t n;
	FILE *p;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, picture->data, picture->len), picture->len);
	close(fd);
	command = mem_printf("zbarimg -q --raw -Sdisable -Sqrcode.enable %s 2>/dev/null", path);
	p = popen(command, "r");
	assert_non_null(p);
	while ((n = fread(block, 1, sizeof(block), p)) > 0)
		buf_add(&got, block, n);
	pclose(p);
	unlink(path);
	assert_true(got.len > 0);
	got.data[--got.len] = '\0'; /* it adds one newline */
	assert_int_equal(got.len, strlen(text));
	assert_string_equal(got.data, text);
}

/* A matrix of modules as a portable grey map, 4 pixels each. */
static void to_pgm(const char *modules, size_t side, struct buf *out)
{
	buf_addf(out, "P5\n%zu %zu\n255\n", side * 4, side * 4);
	for (size_t y = 0; y < side * 4; y++)
		for (size_t x = 0; x < side * 4; x++)
			buf_addc(out, modules[y / 4 * side + x / 4] ? 0 : (char)255);
}

static unsigned be32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (unsigned)u[0] << 24 | (unsigned)u[1] << 16 | (unsigned)u[2] << 8 | u[3];
}

static void png_reads_back(void **state)
{
	need_zbarimg();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		AUTOFREE char *text = text_of(lengths[i]);
		CLEANUP(buf_done) struct buf png = {0};

		assert_int_equal(render_qr_png(text, lengths[i], 256, &png, NULL), 0);
		assert_reads(&png, text);
	}
}

static void png_sizes(void **state)
{
	static const struct {
		size_t n;
		unsigned min, modules, scale;
	} t[] = {
		/* version 12 is 65 modules, 73 with the quiet zone: never 3.5 pixels a module */
		{260, 256, 73, 4},
		{260, 292, 73, 4},
		{260, 293, 73, 5},
		{260, 0, 73, 4},
		{1, 512, 29, 18},
		{666, 0, 105, 4}, /* level M still: version 20 */
		{667, 0, 109, 4},
		{2331, 0, 185, 4},
		{QR_MAX, 0, 185, 4},
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		AUTOFREE char *text = text_of(t[i].n);
		CLEANUP(buf_done) struct buf png = {0};

		assert_int_equal(render_qr_png(text, t[i].n, t[i].min, &png, NULL), 0);
		assert_memory_equal(png.data, "\x89PNG\r\n\x1a\n", 8);
		assert_int_equal(be32(png.data + 16), t[i].modules * t[i].scale);
		assert_int_equal(be32(png.data + 20), t[i].modules * t[i].scale);
	}
}

static void svg_reads_back(void **state)
{
	need_zbarimg();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		AUTOFREE char *text = text_of(lengths[i]), *modules = NULL;
		CLEANUP(buf_done) struct buf svg = {0};
		CLEANUP(buf_done) struct buf pgm = {0};
		const char *p;
		size_t side, x, y, run, back;

		assert_int_equal(render_qr_svg(text, lengths[i], &svg, NULL), 0);
		p = strstr(svg.data, "viewBox=\"0 0 ");
		assert_non_null(p);
		side = strtoul(p + 13, NULL, 10);
		modules = mem_zalloc(side * side);
		p = strstr(svg.data, "d=\"M");
		assert_non_null(p);
		for (p += 3; sscanf(p, "M%zu %zuh%zuv1h-%zuz", &x, &y, &run, &back) == 4;
			p = strchr(p, 'z') + 1) {
			assert_int_equal(run, back);
			assert_true(x >= 4 && x + run <= side - 4 && y >= 4 && y < side - 4);
			memset(modules + y * side + x, 1, run);
		}
		assert_string_equal(p, "\"/></svg>\n");
		to_pgm(modules, side, &pgm);
		assert_reads(&pgm, text);
	}
}

static void terminal_reads_back(void **state)
{
	static const struct {
		const char *cell;
		char upper, lower;
	} cells[] = {{" ", 0, 0}, {"▄", 0, 1}, {"▀", 1, 0}, {"█", 1, 1}};
	static const char start[] = "\x1b[38;5;16;48;5;231m", end[] = "\x1b[0m\n";

	need_zbarimg();
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		AUTOFREE char *text = text_of(lengths[i]), *modules = NULL;
		CLEANUP(buf_done) struct buf out = {0};
		CLEANUP(buf_done) struct buf pgm = {0};
		size_t rows = 0, side;
		const char *p;

		assert_int_equal(render_qr_terminal(text, lengths[i], &out, NULL), 0);
		for (p = out.data; (p = strchr(p, '\n')) != NULL; p++)
			rows++;
		side = rows * 2 - 1; /* odd: the last half row is light */
		modules = mem_zalloc(side * (side + 1));
		p = out.data;
		for (size_t y = 0; y < rows; y++) {
			assert_memory_equal(p, start, strlen(start));
			p += strlen(start);
			for (size_t x = 0; x < side; x++) {
				size_t k = 0;

				while (k < ARRAY_LEN(cells) &&
					strncmp(p, cells[k].cell, strlen(cells[k].cell)) != 0)
					k++;
				assert_true(k < ARRAY_LEN(cells));
				p += strlen(cells[k].cell);
				modules[2 * y * side + x] = cells[k].upper;
				modules[(2 * y + 1) * side + x] = cells[k].lower;
			}
			assert_memory_equal(p, end, strlen(end));
			p += strlen(end);
		}
		assert_int_equal(*p, '\0');
		to_pgm(modules, side, &pgm);
		assert_reads(&pgm, text);
	}
}

static void limits(void **state)
{
	AUTOFREE char *text = text_of(QR_MAX + 1);
	struct buf out = {0};
	struct err e = {0};

	assert_int_equal(render_qr_png(text, QR_MAX + 1, 256, &out, &e), ERR_EXHAUSTED);
	assert_non_null(strstr(e.text, "2954"));
	assert_int_equal(render_qr_svg(text, QR_MAX + 1, &out, &e), ERR_EXHAUSTED);
	assert_int_equal(render_qr_terminal(text, QR_MAX + 1, &out, &e), ERR_EXHAUSTED);
	assert_int_equal(render_qr_png(text, 0, 256, &out, &e), ERR_INVALID);
	assert_int_equal(render_qr_png(text, 10, 8193, &out, &e), ERR_INVALID);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(png_reads_back),
		cmocka_unit_test(png_sizes),
		cmocka_unit_test(svg_reads_back),
		cmocka_unit_test(terminal_reads_back),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
