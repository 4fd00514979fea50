/*
 * DOC: clients: the key is made here and only its public half is sent (spec 0, Keys: the first
 * choice); the configuration comes back with a placeholder where the private key belongs.
 */
#include "cli/nouns.h"

#include "cli/convert.h"
#include "cli/split.h"

#include "base/file.h"
#include "base/text.h"
#include "codec/profile_signer.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "model/names.h"
#include "render/qr.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX 1024
#define TEMPLATE_MAX (64 * 1024)

/* How a configuration is handed over. */
#define FORMAT_OPTIONS                                                                         \
	{"format", "wg-quick|networkmanager|networkd|mobileconfig|mobileconfig-macos|android", \
		"what it is for (wg-quick)"},                                                  \
	{                                                                                      \
		"template", "FILE",                                                            \
			"fill your own template ({{config|xml}}, {{name}}, {{address}}, ...)"  \
	}
#define HANDOUT_OPTIONS                                                                     \
	{"output", "FILE", "write the configuration there (0600), -o; networkd: a folder"}, \
		{"qr", NULL, "show the QR code on the terminal"},                           \
		{"qr-file", "FILE", "write the QR code as .png or .svg"}, FORMAT_OPTIONS,   \
		{"server-key", NULL, "let the server make the key and show it once"},       \
	{                                                                                   \
		"public-key", "KEY", "the device already has its own key"                   \
	}
/* Which gateway this one file names. */
#define ENTRY_OPTIONS                                            \
	{"gateway", "NODE", "the gateway this file is to name"}, \
	{                                                        \
		"region", "REGION", "or one of that region"      \
	}

static const struct cli_option add_options[] = {HANDOUT_OPTIONS, {0}};
static const struct cli_option rotate_options[] = {HANDOUT_OPTIONS, ENTRY_OPTIONS, {0}};

/* Put the private key in place of the line that says it is missing: the last such line before
 * the address, for the one above it may be the client's name. */
static void insert_key(const char *config, const struct secret *key, struct buf *out)
{
	const char *line = config, *place = NULL, *end;
	char text[KEY_TEXT_LEN];

	while (line != NULL && strncmp(line, "Address", 7) != 0) {
		if (strncmp(line, "# PrivateKey = (", 16) == 0)
			place = line;
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	if (place == NULL) {
		buf_adds(out, config);
		return;
	}
	end = strchr(place, '\n');
	buf_add(out, config, (size_t)(place - config));
	buf_addf(out, "PrivateKey = %s%s", key_format_secret(key, text), end != NULL ? end : "\n");
	mem_wipe(text, sizeof(text));
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int find_format(const struct cli_args *a, const struct config_format **ret, struct err *e)
{
	int r = config_format_find(cli_flag(a, "format"), ret, e);

	if (r == 0 && cli_has(a, "template") && cli_has(a, "format"))
		r = err_field(e, ERR_INVALID, "template", "give a format or a template, not both");
	if (r == 0 && (cli_has(a, "qr") || cli_has(a, "qr-file")) &&
		(*ret != config_formats || cli_has(a, "template")))
		r = err_field(e, ERR_INVALID, "qr", "a picture holds the format wg-quick alone");
	return r;
}

static int ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

/* Before the client is made: a file that cannot be written would take the key with it. */
static int check_files(const struct cli_args *a, struct err *e)
{
	const char *const files[] = {cli_flag(a, "output"), cli_flag(a, "qr-file")};
	const struct config_format *format = NULL;
	int r = find_format(a, &format, e);

	if (r < 0)
		return r;
	if (cli_has(a, "template") && access(cli_flag(a, "template"), R_OK) < 0)
		return err_errno(e, errno, "cannot read %s", cli_flag(a, "template"));

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *slash = files[i] != NULL ? strrchr(files[i], '/') : NULL;
		AUTOFREE char *dir = slash == NULL ? mem_strdup(".")
			: slash == files[i]        ? mem_strdup("/")
					    : mem_strndup(files[i], (size_t)(slash - files[i]));

		if (files[i] == NULL || file_is_outlet(files[i]))
			continue;
		if (access(dir, W_OK | X_OK) < 0)
			return err_errno(e, errno, "cannot write to the folder %s", dir);
		if (is_folder(files[i]) && !(i == 0 && format->render == render_networkd))
			return err_set(e, ERR_INVALID, "%s is a folder", files[i]);
	}
	if (files[1] != NULL && !ends_with(files[1], ".svg") && !ends_with(files[1], ".png"))
		return err_field(
			e, ERR_INVALID, "qr-file", "'%s' ends in neither .png nor .svg", files[1]);
	return 0;
}

static int write_qr(const char *path, const struct buf *config, struct err *e)
{
	CLEANUP(buf_wipe) struct buf picture = {0};
	int r;

	if (ends_with(path, ".svg"))
		r = render_qr_svg(config->data, config->len, &picture, e);
	else if (ends_with(path, ".png"))
		r = render_qr_png(config->data, config->len, 256, &picture, e);
	else
		return err_field(
			e, ERR_INVALID, "qr-file", "'%s' ends in neither .png nor .svg", path);
	return r < 0 ? r : file_write_out(path, picture.data, picture.len, 0600, e);
}

/* An Apple profile, signed by the operator's certificate where this machine has that; else it says
 * why it is not: the key in it was made here, so nobody else can sign it. */
static void sign_profile(const struct cli_args *a, const struct buf *config, struct buf *ret)
{
	CLEANUP(cli_settings_done) struct cli_settings settings = {0};
	struct cms_signer *signer = NULL;
	struct err e = {0};
	int r = cli_settings_read(a, true, &settings, &e);

	if (r == 0)
		r = profile_signer_open(
			cli_setting(&settings, a, NULL, NULL, "profile_signing_cert"),
			cli_setting(&settings, a, NULL, NULL, "profile_signing_key"), &signer, &e);
	if (r == 0 && signer == NULL)
		r = err_set(&e, ERR_NOT_FOUND,
			"the settings of this machine name no profile_signing_cert");
	if (r == 0)
		r = cms_sign(signer, config->data, config->len, ret, &e);
	if (r < 0)
		fprintf(stderr, "warren: the profile is not signed: %s\n", e.text);
	cms_signer_free(signer);
}

/* Hand the configuration over: to files, as QR code, else to standard output. */
static int deliver(const struct cli_args *a, const struct buf *config, bool quiet, struct err *e)
{
	const char *file = cli_flag(a, "output"), *qr_file = cli_flag(a, "qr-file");
	int r = 0;

	if (file != NULL && is_folder(file)) {
		r = split_files(file, config, NETWORKD_FILE, e);
	} else if (file != NULL) {
		r = file_write_out(file, config->data, config->len, 0600, e);
		if (r == 0 && !quiet)
			fprintf(stderr, "configuration written to %s\n", file);
	}
	if (r == 0 && qr_file != NULL)
		r = write_qr(qr_file, config, e);
	if (r == 0 && cli_has(a, "qr")) {
		CLEANUP(buf_wipe) struct buf qr = {0};

		r = render_qr_terminal(config->data, config->len, &qr, e);
		if (r == 0)
			fputs(buf_str(&qr), stdout);
	}
	if (r == 0 && file == NULL && qr_file == NULL && !cli_has(a, "qr") && !quiet)
		fwrite(config->data, 1, config->len, stdout); /* signed ones are no text */
	return r;
}

/* Name of the interface a client of that network gets. */
static int interface_name(
	struct cli_session *s, const char *network, char ret[static IFNAME_LEN], struct err *e)
{
	CLEANUP(buf_done) struct buf path = {0}, answer = {0};
	struct json_doc *d = NULL;
	int r;

	buf_addf(&path, "/api/v1/networks/%s", network);
	r = cli_call(s, "GET", buf_str(&path), NULL, &answer, e);
	if (r == 0 && (d = json_parse(buf_str(&answer), answer.len, answer.len, e)) == NULL)
		r = ERR_INVALID;
	if (r == 0)
		convert_ifname(
			json_str(json_root(d), "name"), json_str(json_root(d), "interface"), ret);
	json_free(d);
	return r;
}

/* The configuration of a client in the format or template asked for. */
static int shape(struct cli_session *s, const struct cli_args *a, const struct json *client,
	const struct buf *quick, struct buf *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf template = {0};
	char interface[IFNAME_LEN] = "";
	struct convert c = {.name = json_str(client, "name"),
		.id = json_str(client, "id"),
		.interface = interface};
	int r = find_format(a, &c.format, e);

	if (r == 0 && c.format == config_formats && !cli_has(a, "template")) {
		buf_add(ret, quick->data, quick->len);
		return 0;
	}
	if (r == 0 && cli_has(a, "template")) {
		r = file_read(cli_flag(a, "template"), TEMPLATE_MAX, &template, e);
		c.template = buf_str(&template);
	}
	if (r == 0)
		r = interface_name(s, json_str(client, "network"), interface, e);
	return r < 0 ? r : convert_config(buf_str(quick), &c, ret, e);
}

/* As the API shows it: DER in base64. */
static void put_signed(struct json_writer *w, const struct buf *der)
{
	CLEANUP(buf_wipe) struct buf text = {0};

	base64_encode(der->data, der->len, &text);
	json_put_str(w, "signed_config", buf_str(&text));
}

/* After a create or rotate: complete the configuration and hand it over. */
static int finish(struct cli_session *s, const struct cli_args *a, const struct buf *answer,
	const struct secret *key, struct err *e)
{
	CLEANUP(buf_wipe) struct buf quick = {0}, config = {0}, is_signed = {0};
	struct json_doc *d = json_parse(buf_str(answer), answer->len, answer->len, e);
	const struct config_format *format = NULL;
	const char *text;
	int r, shaped;

	if (d == NULL)
		return ERR_INVALID;
	text = json_str(json_root(d), "config");
	if (text != NULL && key != NULL)
		insert_key(text, key, &quick);
	else if (text != NULL)
		buf_adds(&quick, text);
	/* whatever goes wrong with the shape, the key is in the plain file */
	shaped = shape(s, a, json_get(json_root(d), "client"), &quick, &config, e);
	if (shaped < 0)
		buf_add(&config, quick.data, quick.len);
	else if (find_format(a, &format, NULL) == 0 && format->is_profile)
		sign_profile(a, &config, &is_signed);
	if (s->json) {
		struct json_writer w = {.out = &(struct buf){0}};
		CLEANUP(buf_done) struct buf client = {0};

		json_text(json_get(json_root(d), "client"), &client);
		json_begin_object(&w, NULL);
		json_put_raw(&w, "client", buf_str(&client), client.len);
		json_put_str(&w, "config", buf_str(&config));
		if (is_signed.len > 0)
			put_signed(&w, &is_signed);
		json_end_object(&w);
		printf("%s\n", buf_str(w.out));
		buf_wipe(w.out);
	}
	r = shaped < 0 ? shaped : deliver(a, is_signed.len > 0 ? &is_signed : &config, s->json, e);
	/* The key is nowhere else. */
	if (r < 0 && !s->json) {
		fputs("warren: the client exists; its configuration could not be handed over and "
		      "follows here\n",
			stderr);
		fputs(buf_str(&config), stdout);
	}
	json_free(d);
	return r;
}

/* Add the public half of a fresh key to the body, unless the server or the device has one. */
static bool make_key(const struct cli_args *a, struct buf *body, struct secret *key)
{
	struct public_key public_key;
	char text[KEY_TEXT_LEN];
	const char *given = cli_flag(a, "public-key");

	if (cli_has(a, "server-key"))
		return false;
	if (given == NULL) {
		key_generate(key);
		key_public(key, &public_key);
		given = key_format_public(&public_key, text);
	}
	body->len--; /* the closing brace */
	if (body->data[body->len - 1] != '{')
		buf_addc(body, ',');
	buf_adds(body, "\"public_key\":");
	json_quote(body, given);
	buf_addc(body, '}');
	return cli_flag(a, "public-key") == NULL;
}

static int verb_add(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	CLEANUP(buf_done) struct buf body = {0};
	CLEANUP(buf_wipe) struct buf answer = {0};
	int r = check_files(a, e);
	bool made;

	if (r == 0)
		r = cli_body(n, VERB_ADD, a, a->words[0], &body, e);

	if (r < 0)
		return r;
	made = make_key(a, &body, &key);
	r = cli_call(s, "POST", n->path, &body, &answer, e);
	return r < 0 ? r : finish(s, a, &answer, made ? &key : NULL, e);
}

static int verb_rotate(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	CLEANUP(buf_done) struct buf body = {0}, path = {0}, id = {0};
	CLEANUP(buf_wipe) struct buf answer = {0};
	int r = check_files(a, e);
	bool made;

	if (r == 0)
		r = cli_resolve(s, n->path, a->words[0], &id, e);

	if (r < 0)
		return r;
	buf_addf(&path, "%s/%s/rotate", n->path, buf_str(&id));
	cli_put_query(&path, a, "gateway");
	cli_put_query(&path, a, "region");
	buf_adds(&body, "{}");
	made = make_key(a, &body, &key);
	r = cli_call(s, "POST", buf_str(&path), &body, &answer, e);
	return r < 0 ? r : finish(s, a, &answer, made ? &key : NULL, e);
}

static int read_key_file(const char *path, struct secret *ret, struct err *e)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	int r = file_read(path, KEY_FILE_MAX, &text, e);

	while (r == 0 && text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return r < 0 ? r : key_parse_secret(buf_str(&text), "key-file", ret, e);
}

/* The configuration as the server can give it, completed from --key-file. */
static int fetch_config(const struct cli_noun *n, struct cli_session *s, const struct cli_args *a,
	struct buf *id, struct buf *ret, struct err *e)
{
	CLEANUP(secret_wipe) struct secret key = {0};
	CLEANUP(buf_done) struct buf path = {0};
	CLEANUP(buf_wipe) struct buf answer = {0};
	const char *key_file = cli_flag(a, "key-file");
	int r = cli_resolve(s, n->path, a->words[0], id, e);

	if (r == 0 && key_file != NULL)
		r = read_key_file(key_file, &key, e);
	if (r < 0)
		return r;
	buf_addf(&path, "%s/%s/config", n->path, buf_str(id));
	cli_put_query(&path, a, "gateway");
	cli_put_query(&path, a, "region");
	r = cli_call(s, "GET", buf_str(&path), NULL, &answer, e);
	if (r < 0)
		return r;
	if (key_file != NULL)
		insert_key(buf_str(&answer), &key, ret);
	else
		buf_add(ret, answer.data, answer.len);
	return 0;
}

static int verb_config(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_wipe) struct buf quick = {0}, config = {0};
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, answer = {0};
	struct json_doc *d = NULL;
	int r = check_files(a, e);

	if (r == 0)
		r = fetch_config(n, s, a, &id, &quick, e);
	if (r == 0) {
		buf_addf(&path, "%s/%s", n->path, buf_str(&id));
		r = cli_call(s, "GET", buf_str(&path), NULL, &answer, e);
	}
	if (r == 0 && (d = json_parse(buf_str(&answer), answer.len, answer.len, e)) == NULL)
		r = ERR_INVALID;
	if (r == 0)
		r = shape(s, a, json_root(d), &quick, &config, e);
	json_free(d);

	if (r == 0 && s->json) {
		CLEANUP(buf_wipe) struct buf out = {0};
		struct json_writer w = {.out = &out};

		json_begin_object(&w, NULL);
		json_put_str(&w, "config", buf_str(&config));
		json_end_object(&w);
		printf("%s\n", buf_str(&out));
	}
	return r < 0 ? r : deliver(a, &config, s->json, e);
}

static int verb_qr(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_wipe) struct buf config = {0}, qr = {0};
	CLEANUP(buf_done) struct buf id = {0};
	int r;

	if (!cli_has(a, "key-file"))
		return err_set(e, ERR_GONE,
			"the private key of '%s' is not kept: give it with --key-file, or make a new "
			"one with: warren client rotate '%s' --qr",
			a->words[0], a->words[0]);
	r = fetch_config(n, s, a, &id, &config, e);
	if (r < 0)
		return r;
	if (cli_has(a, "output"))
		return write_qr(cli_flag(a, "output"), &config, e);
	r = render_qr_terminal(config.data, config.len, &qr, e);
	if (r == 0)
		fputs(buf_str(&qr), stdout);
	return r;
}

static const struct cli_option config_options[] = {
	{"output", "FILE", "write it there (0600), -o; networkd: a folder for its two files"},
	FORMAT_OPTIONS,
	{"key-file", "FILE", "the device's private key, to complete the configuration"},
	ENTRY_OPTIONS,
	{0},
};

const struct own_verb client_verbs[] = {
	{"add", verb_add, "NAME", "make it, and its configuration", VERB_ADD, 1, 1, add_options},
	{"config", verb_config, "NAME", "its configuration", 0, 1, 1, config_options},
	{"qr", verb_qr, "NAME", "its configuration as a picture (-o FILE.png, FILE.svg)", 0, 1, 1,
		config_options},
	{"rotate", verb_rotate, "NAME", "a new key and configuration", 0, 1, 1, rotate_options},
	{0},
};
