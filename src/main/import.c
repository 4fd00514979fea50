/*
 * DOC: `warren import FILE`: an existing server's wg-quick file becomes a network with its gateway
 * group and clients (POST /api/v1/import). With --adopt it also says how the gateway's agent takes
 * the live interface over, and first whether that would lose anybody.
 */
#include "main/main.h"

#include "base/file.h"
#include "cli/table.h"
#include "codec/json.h"
#include "codec/wgconf.h"
#include "crypto/key.h"
#include "wg/backend.h"

#include <stdio.h>

#define FILE_MAX (900 * 1024) /* JSON's escapes and the body's limit of 1 MiB leave so much */

static const struct cli_option options[] = {
	{"name", "NAME", "of the network (the file's name)"},
	{"dry-run", NULL, "say what would happen; change nothing; exit 2"},
	{"adopt", NULL, "take the live interface over: its peers must all be in the file"},
	{"skip-subnets", NULL, "leave out what lies behind clients instead of refusing it"},
	{"run-dir", "DIR", "folder of the engine's sockets (/var/run/wireguard)"},
	{0},
};

static char *network_name(const struct cli_args *a)
{
	const char *path = a->words[0], *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');

	if (cli_has(a, "name"))
		return mem_strdup(cli_flag(a, "name"));
	return dot != NULL && dot > name ? mem_strndup(name, (size_t)(dot - name))
					 : mem_strdup(name);
}

/* --- the live interface ----------------------------------------------------------------------- */

static int read_live(const char *ifname, const char *run_dir, struct wg_device *ret, struct err *e)
{
	struct wg_backend *b = NULL;
	int r = ERR_NOT_FOUND;

	if (wg_kernel_new(&b, NULL) == 0) {
		r = b->ops->read(b, ifname, ret, e);
		b->ops->free(b);
	}
	if (r == ERR_NOT_FOUND) {
		b = wg_userspace_new(run_dir, NULL, NULL);
		r = b->ops->read(b, ifname, ret, e);
		b->ops->free(b);
	}
	return r == ERR_NOT_FOUND ? err_set(e, r, "there is no WireGuard interface %s here", ifname)
				  : r;
}

static bool in_answer(const struct json *clients, const char *key)
{
	for (size_t i = 0; i < json_count(clients); i++) {
		const char *theirs = json_str(json_at(clients, i), "public_key");

		if (theirs != NULL && strcmp(theirs, key) == 0)
			return true;
	}
	return false;
}

/* Nobody who is connected now may be missing in what the agent will put there. */
static int check_live(const struct json *answer, const char *run_dir, struct err *e)
{
	const char *ifname = json_str(answer, "interface");
	const char *key = json_str(answer, "group.public_key");
	struct wg_device d = {0};
	char text[KEY_TEXT_LEN];
	int r = read_live(ifname, run_dir, &d, e);

	if (r == 0 && (key == NULL || strcmp(key, key_format_public(&d.public_key, text)) != 0))
		r = err_set(e, ERR_INVALID,
			"the interface %s has another key than the file: it is not the one that "
			"the file describes",
			ifname);
	VEC_FOREACH (p, &d.peers)
		if (r == 0 &&
			!in_answer(json_get(answer, "clients"),
				key_format_public(&p->public_key, text)))
			r = err_set(e, ERR_INVALID,
				"the live interface has a peer %s that is not in the file: add it "
				"(wg-quick save %s), or remove it",
				text, ifname);
	wg_device_done(&d);
	return r;
}

/* --- the call --------------------------------------------------------------------------------- */

static int call(struct cli_session *s, const struct cli_args *a, bool dry_run, struct buf *answer,
	struct err *e)
{
	CLEANUP(buf_wipe) struct buf text = {0}, body = {0};
	AUTOFREE char *name = network_name(a);
	struct json_writer w = {.out = &body};
	int r = file_read(a->words[0], FILE_MAX, &text, e);

	if (r < 0)
		return r;
	buf_room(&body, 6 * text.len + 512);
	json_begin_object(&w, NULL);
	json_put_str(&w, "config", buf_str(&text));
	json_put_str(&w, "name", name);
	json_put_bool(&w, "dry_run", dry_run);
	json_put_bool(&w, "skip_subnets", cli_has(a, "skip-subnets"));
	json_end_object(&w);
	return cli_call(s, "POST", "/api/v1/import", &body, answer, e);
}

static void print(const struct cli_args *a, const struct json *answer)
{
	static const char *const headings[] = {"LINE", "CLIENT", "ADDRESS", "IPV6", "PSK"};
	const struct json *clients = json_get(answer, "clients");
	const struct json *notes = json_get(answer, "notes");
	const char *pool = json_str(answer, "network.ipv4");
	bool dry = json_bool(answer, "dry_run", false);
	struct table t;

	if (pool == NULL)
		pool = json_str(answer, "network.ipv6");

	printf("%s %s: %s, interface %s, port %lld, %zu clients\n",
		dry ? "would make network" : "made network", json_str(answer, "network.name"), pool,
		json_str(answer, "interface"), (long long)json_int(answer, "group.listen_port", 0),
		json_count(clients));
	table_init(&t, headings, ARRAY_LEN(headings));
	for (size_t i = 0; i < json_count(clients); i++) {
		const struct json *c = json_at(clients, i);
		AUTOFREE char *line = mem_printf("%lld", (long long)json_int(c, "line", 0));
		const char *v4 = json_str(c, "mesh_ip"), *v6 = json_str(c, "mesh_ip6");

		table_cell(&t, line);
		table_cell(&t, json_str(c, "name"));
		table_cell(&t, v4 != NULL ? v4 : "-");
		table_cell(&t, v6 != NULL ? v6 : "-");
		table_cell(&t, json_bool(c, "imported_psk", false) ? "kept" : "none");
	}
	table_print(&t, stdout);
	table_done(&t);
	for (size_t i = 0; i < json_count(notes); i++)
		printf("%s:%lld: note: %s\n", a->words[0],
			(long long)json_int(json_at(notes, i), "line", 0),
			json_str(json_at(notes, i), "text"));
}

static void print_next(const struct cli_args *a, const struct json *answer)
{
	const char *network = json_str(answer, "network.name");
	const char *interface = json_str(answer, "interface");

	printf("\nNext, on the machine of %s (its wg-quick unit must not start again):\n",
		interface);
	if (cli_has(a, "adopt"))
		printf("  systemctl disable wg-quick@%s    # do not stop it\n", interface);
	else
		printf("  wg-quick down %s\n", interface);
	printf("  warren token add --network '%s' --roles gateway > token\n"
	       "  warren agent join https://CONTROL:8444 --token-file token%s%s\n"
	       "  warren agent run\n",
		network, cli_has(a, "adopt") ? " --adopt " : "",
		cli_has(a, "adopt") ? interface : "");
}

static int run(struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d = NULL;
	bool dry = cli_has(a, "dry-run");
	/* adopting: first see whether it can be done, then change something */
	int r = call(s, a, dry || cli_has(a, "adopt"), &answer, e);

	if (r == 0 && (d = json_parse(buf_str(&answer), answer.len, answer.len, e)) == NULL)
		r = ERR_INVALID;
	if (r == 0 && cli_has(a, "adopt")) {
		r = check_live(json_root(d), cli_flag(a, "run-dir"), e);
		if (r == 0 && !dry) {
			d = json_free(d);
			buf_reset(&answer);
			r = call(s, a, false, &answer, e);
			if (r == 0 &&
				(d = json_parse(buf_str(&answer), answer.len, answer.len, e)) ==
					NULL)
				r = ERR_INVALID;
		}
	}
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	else if (r == 0) {
		print(a, json_root(d));
		if (!dry)
			print_next(a, json_root(d));
	}
	json_free(d);
	return r;
}

static int import_main(int argc, char **argv)
{
	CLEANUP(cli_session_done) struct cli_session s = {0};
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help") || a.n_words != 1) {
		cli_command_help(&import_command);
		return cli_has(&a, "help") ? EXIT_DONE : EXIT_USAGE;
	}
	if (cli_session_init(&s, &a, &e) < 0 || run(&s, &a, &e) < 0)
		return cli_fail(&e);
	return cli_has(&a, "dry-run") ? EXIT_WOULD_CHANGE : EXIT_DONE;
}

const struct cli_command import_command = {
	.name = "import",
	.run = import_main,
	.help = "a WireGuard server's file becomes a network and its clients",
	.args = "FILE",
	.about = "Keys, addresses, names in comments and pre-shared keys are kept; clients notice\n"
		 "nothing. Commands in the file are shown and never run.",
	.options = options,
	.calls = true,
	.example = "warren import /etc/wireguard/wg0.conf --adopt --dry-run",
};
