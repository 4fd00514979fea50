/* DOC: policies on the command line: adding one, and the questions what-if and test. */
#include "cli/nouns.h"
#include "cli/table.h"

#include "base/text.h"

#include <stdio.h>

/* The one rule of the options, as "rules". */
static int put_rules(struct json_writer *w, const struct cli_args *a, struct err *e)
{
	if (!cli_has(a, "from") || !cli_has(a, "to"))
		return err_set(e, ERR_INVALID, "say who may reach whom: --from and --to");
	json_begin_array(w, "rules");
	json_begin_object(w, NULL);
	cli_put_list(w, "from", cli_flag(a, "from"));
	cli_put_list(w, "to", cli_flag(a, "to"));
	json_put_str(w, "protocol", cli_has(a, "protocol") ? cli_flag(a, "protocol") : "any");
	if (cli_has(a, "ports"))
		cli_put_list(w, "ports", cli_flag(a, "ports"));
	json_end_object(w);
	json_end_array(w);
	return 0;
}

static int policy_add(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0}, answer = {0};
	struct json_writer w = {.out = &body};
	int r;

	json_begin_object(&w, NULL);
	json_put_str(&w, "name", a->words[0]);
	if (cli_has(a, "network"))
		json_put_str(&w, "network", cli_flag(a, "network"));
	r = put_rules(&w, a, e);
	json_end_object(&w);
	if (r == 0)
		r = cli_call(s, "POST", n->path, &body, &answer, e);
	if (r == 0)
		cli_print_object(s, &answer, NULL);
	return r;
}

/* --- what if ---------------------------------------------------------------------------------- */

static int whatif_body(const struct cli_args *a, struct buf *ret, struct err *e)
{
	struct json_writer w = {.out = ret};
	int r = 0;

	if (a->n_words == 0 || cli_has(a, "from") || cli_has(a, "to"))
		r = 1;
	else if (cli_has(a, "remove") + cli_has(a, "enable") + cli_has(a, "disable") != 1)
		return err_set(e, ERR_INVALID,
			"say what would change: --remove, --enable, --disable, or --from and --to");
	json_begin_object(&w, NULL);
	if (a->n_words > 0)
		json_put_str(&w, "policy", a->words[0]);
	if (cli_has(a, "network"))
		json_put_str(&w, "network", cli_flag(a, "network"));
	if (cli_has(a, "remove"))
		json_put_bool(&w, "remove", true);
	if (cli_has(a, "enable") || cli_has(a, "disable"))
		json_put_bool(&w, "enabled", cli_has(a, "enable"));
	if (r == 1)
		r = put_rules(&w, a, e);
	json_end_object(&w);
	return r;
}

/* "a, b" */
static void join(const struct json *list, struct buf *ret)
{
	for (size_t i = 0; i < json_count(list); i++) {
		if (i > 0)
			buf_adds(ret, ", ");
		json_text(json_at(list, i), ret);
	}
}

/* "3 clients: a, b, c" */
static void side_cell(struct table *t, const struct json *side)
{
	CLEANUP(buf_done) struct buf text = {0};
	int64_t count = json_int(side, "count", 0);

	if (count > 1)
		buf_addf(&text, "%lld %ss: ", (long long)count, json_str(side, "kind"));
	join(json_get(side, "names"), &text);
	if ((size_t)count > json_count(json_get(side, "names")))
		buf_adds(&text, ", ...");
	table_cell(t, buf_str(&text));
}

static void services_cell(struct table *t, const struct json *list)
{
	CLEANUP(buf_done) struct buf text = {0};

	join(list, &text);
	table_cell(t, text.len > 0 ? buf_str(&text) : "nothing");
}

static void print_whatif(const struct json *answer)
{
	static const char *const headings[] = {"FROM", "TO", "NOW", "THEN"};
	const struct json *changes = json_get(answer, "changes");
	struct table t;

	if (json_count(changes) == 0) {
		puts("nobody would reach more or less");
		return;
	}
	table_init(&t, headings, ARRAY_LEN(headings));
	for (size_t i = 0; i < json_count(changes); i++) {
		const struct json *c = json_at(changes, i);

		side_cell(&t, json_get(c, "from"));
		side_cell(&t, json_get(c, "to"));
		services_cell(&t, json_get(c, "before"));
		services_cell(&t, json_get(c, "after"));
	}
	table_print(&t, stdout);
	table_done(&t);
	printf("%lld pairs would reach more, %lld less%s\n",
		(long long)json_int(answer, "gained", 0), (long long)json_int(answer, "lost", 0),
		json_bool(answer, "complete", true) ? "" : "; there is more than is listed");
}

static int policy_whatif(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0}, answer = {0};
	struct json_doc *d;
	int r = whatif_body(a, &body, e);

	if (r == 0)
		r = cli_call(s, "POST", "/api/v1/policies/what-if", &body, &answer, e);
	if (r < 0)
		return r;
	if (s->json) {
		printf("%s\n", buf_str(&answer));
		return 0;
	}
	d = json_parse(buf_str(&answer), answer.len, answer.len, e);
	if (d == NULL)
		return ERR_INVALID;
	print_whatif(json_root(d));
	json_free(d);
	return 0;
}

/* --- test ------------------------------------------------------------------------------------- */

/* "tcp/443", "icmp" */
static int put_service(struct json_writer *w, const char *text, struct err *e)
{
	AUTOFREE char *protocol = mem_strdup(text);
	char *slash = strchr(protocol, '/');
	uint64_t port;

	if (slash != NULL) {
		*slash++ = '\0';
		if (text_u64(slash, 65535, &port) < 0 || port == 0)
			return err_field(e, ERR_INVALID, "port", "'%.20s' is not a port", slash);
		json_put_int(w, "port", (int64_t)port);
	}
	json_put_str(w, "protocol", protocol);
	return 0;
}

static int print_test(const struct cli_args *a, const struct json *answer, struct err *e)
{
	CLEANUP(buf_done) struct buf services = {0}, policies = {0};

	if (!json_bool(answer, "allowed", false))
		return err_set(e, ERR_DENIED, "%.100s may not reach %.100s%s%.40s", a->words[0],
			a->words[1], a->n_words > 2 ? " by " : "",
			a->n_words > 2 ? a->words[2] : "");
	join(json_get(answer, "services"), &services);
	join(json_get(answer, "policies"), &policies);
	printf("yes: %s", buf_str(&services));
	if (policies.len > 0)
		printf(" (policy %s)", buf_str(&policies));
	puts("");
	return 0;
}

static int policy_test(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf body = {0}, answer = {0};
	struct json_writer w = {.out = &body};
	struct json_doc *d;
	int r = 0;

	json_begin_object(&w, NULL);
	json_put_str(&w, "from", a->words[0]);
	json_put_str(&w, "to", a->words[1]);
	if (cli_has(a, "network"))
		json_put_str(&w, "network", cli_flag(a, "network"));
	if (a->n_words > 2)
		r = put_service(&w, a->words[2], e);
	json_end_object(&w);
	if (r == 0)
		r = cli_call(s, "POST", "/api/v1/policies/test", &body, &answer, e);
	if (r < 0)
		return r;
	d = json_parse(buf_str(&answer), answer.len, answer.len, e);
	if (d == NULL)
		return ERR_INVALID;
	if (s->json) {
		printf("%s\n", buf_str(&answer));
		if (!json_bool(json_root(d), "allowed", false))
			r = err_set(e, ERR_DENIED, "not allowed");
	} else {
		r = print_test(a, json_root(d), e);
	}
	json_free(d);
	return r;
}

#define RULE_OPTIONS                                                                        \
	{"from", "SELECTORS", "nodes, clients, names, tag:NAME, CIDRs, *"},                 \
		{"to", "SELECTORS", "the same"}, {"protocol", "any|tcp|udp|icmp", "(any)"}, \
		{"ports", "PORTS", "443,8000-8999"},                                        \
	{                                                                                   \
		"network", "NETWORK", "in this network"                                     \
	}

static const struct cli_option add_options[] = {RULE_OPTIONS, {0}};

static const struct cli_option whatif_options[] = {
	RULE_OPTIONS,
	{"remove", NULL, "were it not there"},
	{"enable", NULL, "were it in force"},
	{"disable", NULL, "were it not in force"},
	{0},
};

static const struct cli_option test_options[] = {{"network", "NETWORK", "in this network"}, {0}};

const struct own_verb policy_verbs[] = {
	{"add", policy_add, "NAME", "allow something", 0, 1, 1, add_options},
	{"what-if", policy_whatif, "[NAME]",
		"who would reach more or less, by --from and --to or a change; changes nothing", 0,
		0, 1, whatif_options},
	{"test", policy_test, "FROM TO [PROTOCOL[/PORT]]", "exit status 0 when it may", 0, 2, 3,
		test_options},
	{0},
};
