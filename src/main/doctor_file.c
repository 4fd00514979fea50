/* DOC: `warren doctor FILE...`: the linter of codec/wglint.h, told what this machine says about the
 * file. Each finding is a line "file:line: level: text; what to do". */
#include "main/main.h"

#include "base/file.h"
#include "codec/json.h"
#include "codec/wglint.h"
#include "main/machine.h"

#include <stdio.h>
#include <sys/stat.h>

/* wg-quick names the interface after the file. NULL when the file is called otherwise. */
static char *interface_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".conf") == 0 ? mem_strndup(name, n - 5) : NULL;
}

static void write_json(struct json_writer *w, const char *path, const struct wglint *l)
{
	json_begin_object(w, NULL);
	json_put_str(w, "file", path);
	json_begin_array(w, "findings");
	VEC_FOREACH (f, &l->findings) {
		json_begin_object(w, NULL);
		json_put_int(w, "line", f->line);
		json_put_str(w, "level", wglint_level_words[f->level]);
		json_put_str(w, "text", f->text);
		json_put_str(w, "advice", f->advice);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}

/* 1: something is wrong; 0: fine. */
static int examine(const char *path, bool json, struct json_writer *w, struct err *e)
{
	CLEANUP(buf_wipe) struct buf text = {0}, program = {0};
	CLEANUP(wgconf_done) struct wgconf c = {0};
	CLEANUP(wglint_done) struct wglint l = {0};
	AUTOFREE char *interface = interface_of(path);
	struct stat st;
	int r = file_read(path, WGCONF_MAX, &text, e);

	if (r == 0)
		r = wgconf_parse(buf_str(&text), text.len, &c, e);
	if (r < 0)
		return err_prefix(e, "%s", path);
	l.interface = interface;
	l.no_resolvconf = machine_program("resolvconf", &program) < 0;
	if (stat(path, &st) == 0)
		l.mode = st.st_mode & 0777;
	wglint_check(&l, &c);
	if (json)
		write_json(w, path, &l);
	else
		VEC_FOREACH (f, &l.findings)
			printf("%s:%u: %s: %s%s%s\n", path, f->line, wglint_level_words[f->level],
				f->text, *f->advice ? "; " : "", f->advice);
	if (!json && !wglint_failed(&l))
		printf("%s: nothing is wrong with it\n", path);
	return wglint_failed(&l);
}

int doctor_files(const struct cli_args *a)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct json_writer w = {.out = &out};
	bool json = cli_has(a, "json"), wrong = false;

	json_begin_array(&w, NULL);
	for (size_t i = 0; i < a->n_words; i++) {
		struct err e = {0};
		int r = examine(a->words[i], json, &w, &e);

		if (r < 0)
			return cli_fail(&e);
		wrong = wrong || r > 0;
	}
	json_end_array(&w);
	if (json)
		printf("%s\n", buf_str(&out));
	return wrong ? EXIT_FAILED : EXIT_DONE;
}
