/* DOC: see rule.h. Every sentence names the bad value, every field its place in the list. */
#include "model/rule.h"

#include "base/text.h"
#include "model/names.h"

#include <stdio.h>
#include <string.h>

#define SELECTORS_MAX 64
#define PORTS_MAX 64

static int selector_check(const char *s, const char *field, struct err *e)
{
	static const char *const words[] = {"*", "nodes", "clients", "sites"};
	static const char *const ids[] = {"node", "mem", "cl", "site", "conn"};
	struct prefix p;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s, words[i]) == 0)
			return 0;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (id_valid(s, ids[i]))
			return 0;
	if (text_starts(s, "tag:"))
		return name_check(s + 4, field, e);
	if (text_printable(s) >= 0 && strpbrk(s, "./:") != NULL)
		return prefix_parse(s, field, &p, e);
	return err_field(e, ERR_INVALID, field,
		"\"%.60s\" is no selector: use *, nodes, clients, sites, tag:NAME, an id or a CIDR",
		text_printable(s) >= 0 ? s : "?");
}

static int selectors_check(const struct strs *l, const char *field, struct err *e)
{
	int r = 0;

	if (l->n == 0 || l->n > SELECTORS_MAX)
		return err_field(e, ERR_INVALID, field, "%s must list 1 to %d selectors", field,
			SELECTORS_MAX);
	for (size_t i = 0; i < l->n && r == 0; i++)
		r = selector_check(l->v[i], field, e);
	return r;
}

static int one_port(const char *s, size_t n, uint64_t *ret)
{
	char text[6];

	if (n == 0 || n >= sizeof(text) || s[0] == '0')
		return ERR_INVALID;
	memcpy(text, s, n);
	text[n] = '\0';
	return text_u64(text, UINT16_MAX, ret);
}

static int ports_check(const struct strs *ports, const char *field, struct err *e)
{
	if (ports->n > PORTS_MAX)
		return err_field(
			e, ERR_INVALID, field, "%s lists more than %d ports", field, PORTS_MAX);
	VEC_FOREACH (s, ports) {
		const char *dash = strchr(*s, '-');
		uint64_t from, to;
		int r = one_port(*s, dash == NULL ? strlen(*s) : (size_t)(dash - *s), &from);

		to = from;
		if (r == 0 && dash != NULL)
			r = one_port(dash + 1, strlen(dash + 1), &to);
		if (r < 0 || from > to)
			return err_field(e, ERR_INVALID, field,
				"\"%.40s\" is not a port like 443 or a range like 8000-8999",
				text_printable(*s) >= 0 ? *s : "?");
	}
	return 0;
}

static int rule_check(const struct rule *rule, size_t i, struct err *e)
{
	static const char *const protocols[] = {"any", "tcp", "udp", "icmp"};
	char field[32];
	size_t known = 0;
	int r;

	snprintf(field, sizeof(field), "rules[%zu].from", i);
	if ((r = selectors_check(&rule->from, field, e)) < 0)
		return r;
	snprintf(field, sizeof(field), "rules[%zu].to", i);
	if ((r = selectors_check(&rule->to, field, e)) < 0)
		return r;
	while (known < ARRAY_LEN(protocols) &&
		(rule->protocol == NULL || strcmp(rule->protocol, protocols[known]) != 0))
		known++;
	snprintf(field, sizeof(field), "rules[%zu].protocol", i);
	if (known == ARRAY_LEN(protocols))
		return err_field(
			e, ERR_INVALID, field, "the protocol must be any, tcp, udp or icmp");
	snprintf(field, sizeof(field), "rules[%zu].ports", i);
	if (rule->ports.n > 0 && strcmp(rule->protocol, "tcp") != 0 &&
		strcmp(rule->protocol, "udp") != 0)
		return err_field(e, ERR_INVALID, field,
			"the protocol %s has no ports; only tcp and udp have", rule->protocol);
	return ports_check(&rule->ports, field, e);
}

int rules_check(const struct rule_vec *rules, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < rules->n && r == 0; i++)
		r = rule_check(&rules->v[i], i, e);
	return r;
}
