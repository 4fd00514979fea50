/* DOC: gateway groups: their public endpoints as DNS records, a new identity. */
#include "cli/nouns.h"

#include "base/file.h"

#include <stdio.h>

static const struct cli_option zone_options[] = {
	{"origin", "DOMAIN", "domain of the records (the network's)"},
	{"ttl", "SECONDS", "how long resolvers keep them (300)"},
	{"ns", "SERVERS", "name servers: a whole zone, not records to include in one"},
	{"output", "FILE", "write it there, -o"},
	{0},
};

static int verb_zone(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, answer = {0};
	const char *file = cli_flag(a, "output");
	int r = cli_resolve(s, n->path, a->words[0], &id, e);

	if (r < 0)
		return r;
	buf_addf(&path, "%s/%s/zone", n->path, buf_str(&id));
	cli_put_query(&path, a, "origin");
	cli_put_query(&path, a, "ttl");
	cli_put_query(&path, a, "ns");
	r = cli_call(s, "GET", buf_str(&path), NULL, &answer, e);
	if (r == 0 && file != NULL)
		return file_write_out(file, answer.data, answer.len, 0644, e);
	if (r == 0)
		fputs(buf_str(&answer), stdout);
	return r;
}

static int verb_rotate(
	const struct cli_noun *n, struct cli_session *s, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_done) struct buf id = {0}, path = {0}, answer = {0};
	int r = cli_resolve(s, n->path, a->words[0], &id, e);

	buf_addf(&path, "%s/%s/rotate", n->path, buf_str(&id));
	if (r == 0)
		r = cli_call(s, "POST", buf_str(&path), NULL, &answer, e);
	if (r == 0 && s->json)
		printf("%s\n", buf_str(&answer));
	else if (r == 0)
		printf("group %s has a new key. Configurations handed out before no longer work:\n"
		       "'warren client list' marks them stale until they are given out anew.\n",
			a->words[0]);
	return r;
}

const struct own_verb group_verbs[] = {
	{"rotate", verb_rotate, "NAME",
		"a new key of its identity, when others may know the old one", 0, 1, 1, NULL},
	{"zone", verb_zone, "NAME", "its public endpoints as DNS records; with --ns a whole zone",
		0, 1, 1, zone_options},
	{0},
};
