/* DOC: the frame of verbs that the generic ones cannot express, and those of nodes and keys. */
#include "cli/nouns.h"

#include "base/file.h"

#include <stdio.h>

int cli_run_own(const struct cli_noun *n, const char *verb, int argc, char **argv)
{
	for (const struct own_verb *v = n->own; v != NULL && v->verb != NULL; v++) {
		CLEANUP(cli_session_done) struct cli_session s = {0};
		AUTOFREE struct cli_option *options = NULL;
		struct cli_args a;
		struct err e = {0};

		if (strcmp(v->verb, verb) != 0)
			continue;
		options = cli_noun_options(n, v->fields, v->options);
		if (cli_parse(argc, argv, options, &a) < 0)
			return EXIT_USAGE;
		if (cli_has(&a, "help"))
			return cli_main(
				2, (char *[]){(char *)(uintptr_t)n->name, (char *)"--help"});
		if (a.n_words < v->min_words || a.n_words > v->max_words) {
			fprintf(stderr, "warren: usage: warren %s %s%s%s (warren %s --help)\n",
				n->name, verb, v->args != NULL ? " " : "",
				v->args != NULL ? v->args : "", n->name);
			return EXIT_USAGE;
		}
		if (cli_session_init(&s, &a, &e) < 0 || v->run(n, &s, &a, &e) < 0)
			return cli_fail(&e);
		return EXIT_DONE;
	}
	return -1;
}

/* The member a node has in the named network, or in its only one. */
static int find_member(struct cli_session *s, const char *node_path, const char *network,
	struct buf *ret_id, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d;
	const struct json *members;
	int r = cli_call(s, "GET", node_path, NULL, &answer, e);

	if (r < 0)
		return r;
	d = json_parse(buf_str(&answer), answer.len, answer.len, e);
	if (d == NULL)
		return ERR_INVALID;
	members = json_get(json_root(d), "members");
	for (size_t i = 0; i < json_count(members); i++) {
		const struct json *m = json_at(members, i);
		const char *name = json_str(m, "network_name"), *id = json_str(m, "network");

		if (json_str(m, "id") == NULL || ret_id->len > 0)
			continue;
		if (network == NULL || (name != NULL && strcmp(name, network) == 0) ||
			(id != NULL && strcmp(id, network) == 0))
			buf_adds(ret_id, json_str(m, "id"));
	}
	if (ret_id->len == 0)
		r = err_field(e, ERR_NOT_FOUND, "network", "the node is in no network%s%s",
			network ? " called " : "", network ? network : "");
	else if (network == NULL && json_count(members) > 1)
		r = err_field(e, ERR_INVALID, "network",
			"the node is in several networks: say which with --network");
	json_free(d);
	return r;
}

static int node_set(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, body = {0}, member = {0}, answer = {0};
	int r = cli_resolve(s, n->path, a->words[0], &id, e);

	if (r == 0)
		r = cli_body(n, VERB_SET, a, NULL, &body, e);
	if (r < 0)
		return r;
	buf_addf(&path, "%s/%s", n->path, buf_str(&id));
	if (strcmp(buf_str(&body), "{}") != 0) {
		CLEANUP(buf_done) struct buf member_path = {0};

		r = find_member(s, buf_str(&path), cli_flag(a, "network"), &member, e);
		buf_addf(&member_path, "/api/v1/members/%s", buf_str(&member));
		cli_put_flags(&member_path, n, VERB_SET, a);
		if (r == 0)
			r = cli_call(s, "PATCH", buf_str(&member_path), &body, &answer, e);
	} else if (!cli_has(a, "name")) {
		return err_set(e, ERR_INVALID, "nothing to set: give at least one option");
	}
	if (r == 0 && cli_has(a, "name")) {
		struct json_writer w = {.out = &body};

		buf_reset(&body);
		json_begin_object(&w, NULL);
		json_put_str(&w, "name", cli_flag(a, "name"));
		json_end_object(&w);
		r = cli_call(s, "PATCH", buf_str(&path), &body, &answer, e);
	}
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	return r;
}

/* Into one network more; its agent makes the key for it. */
static int node_join(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0}, answer = {0};
	struct json_writer w = {.out = &body};
	int r;

	json_begin_object(&w, NULL);
	json_put_str(&w, "node", a->words[0]);
	json_put_str(&w, "network", a->words[1]);
	if (cli_has(a, "roles"))
		cli_put_list(&w, "roles", cli_flag(a, "roles"));
	json_end_object(&w);
	r = cli_call(s, "POST", "/api/v1/members", &body, &answer, e);
	if (r == 0)
		cli_print_object(s, &answer, NULL);
	return r;
}

/* Out of one network; it stays in its others. */
static int node_leave_network(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, member = {0}, answer = {0};
	int r = cli_resolve(s, n->path, a->words[0], &id, e);

	buf_addf(&path, "%s/%s", n->path, buf_str(&id));
	if (r == 0)
		r = find_member(s, buf_str(&path), a->words[1], &member, e);
	buf_reset(&path);
	buf_addf(&path, "/api/v1/members/%s", buf_str(&member));
	cli_put_flags(&path, n, VERB_RM, a);
	if (r == 0)
		r = cli_call(s, "DELETE", buf_str(&path), NULL, &answer, e);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	return r;
}

/* Ask for new keys; the node makes them and the control plane tells the others. */
static int rotate_keys(
	const char *base, const char *name, bool now, struct cli_session *s, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, answer = {0};
	int r = cli_resolve(s, base, name, &id, e);

	buf_addf(&path, "%s/%s/rotate%s", base, buf_str(&id), now ? "?now=1" : "");
	if (r == 0)
		r = cli_call(s, "POST", buf_str(&path), NULL, &answer, e);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	return r;
}

static int node_rotate(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	return rotate_keys(n->path, a->words[0], cli_has(a, "now"), s, e);
}

static int keys_rotate(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	if (cli_has(a, "node") + cli_has(a, "network") + cli_has(a, "signing") != 1)
		return err_set(
			e, ERR_INVALID, "say whose keys: --node NAME, --network NAME or --signing");
	if (cli_has(a, "signing")) {
		CLEANUP(buf_done) struct buf answer = {0};
		int r = cli_call(s, "POST", "/api/v1/signing-key/rotate", NULL, &answer, e);

		if (r == 0 && s->json)
			printf("%s\n", buf_str(&answer));
		return r;
	}
	if (cli_has(a, "node"))
		return rotate_keys("/api/v1/nodes", cli_flag(a, "node"), cli_has(a, "now"), s, e);
	return rotate_keys("/api/v1/networks", cli_flag(a, "network"), cli_has(a, "now"), s, e);
}

static const struct cli_option keys_options[] = {
	{"node", "NAME", "of one node, in all its networks"},
	{"network", "NAME", "of each node of it, one after the other"},
	{"signing", NULL, "of the control plane, for events and states"},
	{"now", NULL, "they swap at once; without it no packet is lost"},
	{0},
};

const struct own_verb keys_verbs[] = {
	{"rotate", keys_rotate, NULL, "new keys for a node, a network or the control plane", 0, 0,
		0, keys_options},
	{0},
};

/* One node's user data: to DIR/NAME.yaml (0600), else to standard output. */
static int cloud_init_one(
	struct cli_session *s, const struct cli_args *a, const char *name, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0};
	CLEANUP(buf_wipe) struct buf answer = {0};
	const char *dir = cli_flag(a, "dir"), *data = NULL;
	struct json_writer w = {.out = &body};
	struct json_doc *d = NULL;
	int r;

	json_begin_object(&w, NULL);
	json_put_str(&w, "name", name);
	json_put_str(&w, "url", cli_flag(a, "control"));
	if (cli_has(a, "network"))
		cli_put_list(&w, "networks", cli_flag(a, "network"));
	if (cli_has(a, "roles"))
		cli_put_list(&w, "roles", cli_flag(a, "roles"));
	if (cli_has(a, "package-url"))
		json_put_str(&w, "package_url", cli_flag(a, "package-url"));
	json_end_object(&w);
	r = cli_call(s, "POST", "/api/v1/nodes/cloud-init", &body, &answer, e);
	if (r == 0 && (d = json_parse(buf_str(&answer), answer.len, answer.len, e)) != NULL)
		data = json_str(json_root(d), "user_data");
	if (r == 0 && data == NULL)
		r = err_set(e, ERR_INTERNAL, "the answer holds no user_data");
	if (r == 0 && dir != NULL) {
		AUTOFREE char *path = mem_printf("%s/%s.yaml", dir, name);

		r = file_write(path, data, strlen(data), 0600, e);
		if (r == 0)
			printf("%s\n", path);
	} else if (r == 0 && s->json) {
		printf("%s\n", buf_str(&answer));
	} else if (r == 0) {
		fputs(data, stdout);
	}
	json_free(d);
	return r;
}

static int node_cloud_init(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	int r = 0;

	if (!cli_has(a, "control"))
		return err_set(e, ERR_INVALID,
			"say where nodes reach the control plane: --control https://HOST:8444");
	if (a->n_words > 1 && !cli_has(a, "dir"))
		return err_set(e, ERR_INVALID, "several nodes want a folder: --dir DIR");
	for (size_t i = 0; r == 0 && i < a->n_words; i++)
		r = strchr(a->words[i], '/') != NULL && cli_has(a, "dir")
			? err_field(
				  e, ERR_INVALID, "name", "%s cannot be a file's name", a->words[i])
			: cloud_init_one(s, a, a->words[i], e);
	return r;
}

static const struct cli_option set_options[] = {
	{"name", "NAME", "its new name"},
	{"network", "NETWORK", "in this network (else its only one)"},
	{0},
};

static const struct cli_option join_options[] = {
	{"roles", "ROLES", "of those its join token granted (all)"},
	{0},
};

static const struct cli_option rotate_options[] = {{"now", NULL, "at once, with a gap"}, {0}};

static const struct cli_option cloud_options[] = {
	{"control", "URL", "where nodes reach the control plane, https://HOST:8444"},
	{"network", "NETWORK", "networks they join"},
	{"roles", "ROLES", "what they may do there"},
	{"package-url", "URL", "where they get Warren from"},
	{"dir", "DIR", "a file each, there"},
	{0},
};

const struct own_verb node_verbs[] = {
	{"set", node_set, "NAME", "change it", VERB_SET, 1, 1, set_options},
	{"join", node_join, "NAME NETWORK", "into one more network", 0, 2, 2, join_options},
	{"leave", node_leave_network, "NAME NETWORK", "out of one network; it keeps its others",
		VERB_RM, 2, 2, NULL},
	{"rotate", node_rotate, "NAME", "new keys, without a gap", 0, 1, 1, rotate_options},
	{"cloud-init", node_cloud_init, "NAME...", "user data with a join token", 0, 1, 6,
		cloud_options},
	{0},
};
