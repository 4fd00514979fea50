/* DOC: `warren status`: the fleet in a few lines, by the public API. */
#include "main/main.h"

#include "codec/json.h"

#include <stdio.h>

static const struct {
	const char *label, *path;
} counted[] = {
	{"networks", "/api/v1/networks?limit=1"},
	{"nodes", "/api/v1/nodes?limit=1"},
	{"clients", "/api/v1/wireguard/clients?limit=1"},
	{"policies", "/api/v1/policies?limit=1"},
};

static int total(struct cli_session *s, const char *path, int64_t *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d;
	int r = cli_call(s, "GET", path, NULL, &answer, e);

	if (r < 0)
		return r;
	d = json_parse(buf_str(&answer), answer.len, answer.len, e);
	if (d == NULL)
		return ERR_INVALID;
	*ret = json_int(json_root(d), "total", 0);
	json_free(d);
	return 0;
}

static int status_main(int argc, char **argv)
{
	CLEANUP(cli_session_done) struct cli_session s = {0};
	CLEANUP(buf_done) struct buf out = {0};
	struct json_writer w = {.out = &out};
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, NULL, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		cli_command_help(&status_command);
		return EXIT_DONE;
	}
	if (cli_session_init(&s, &a, &e) < 0)
		return cli_fail(&e);
	json_begin_object(&w, NULL);
	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		int64_t n = 0;

		if (total(&s, counted[i].path, &n, &e) < 0)
			return cli_fail(&e);
		json_put_int(&w, counted[i].label, n);
		if (!s.json)
			printf("%-10s %lld\n", counted[i].label, (long long)n);
	}
	json_end_object(&w);
	if (s.json)
		printf("%s\n", buf_str(&out));
	return EXIT_DONE;
}

const struct cli_command status_command = {
	.name = "status",
	.run = status_main,
	.help = "the fleet in a few lines",
	.calls = true,
	.example = "warren status --json",
};
