/* DOC: a firewall's content and memory; see firewall_item.h. */
#include "model/firewall_item.h"

#include <string.h>

static int is_same(const char *a, const char *b)
{
	return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static int rules_equal(const struct fw_rule_vec *a, const struct fw_rule_vec *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++) {
		const struct fw_rule *x = &a->v[i], *y = &b->v[i];

		if (!is_same(x->from, y->from) || !is_same(x->to, y->to) ||
			!is_same(x->protocol, y->protocol) || !strs_equal(&x->ports, &y->ports))
			return 0;
	}
	return 1;
}

static int exits_equal(const struct fw_exit_vec *a, const struct fw_exit_vec *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (!is_same(a->v[i].set, b->v[i].set) || a->v[i].mark != b->v[i].mark ||
			strcmp(a->v[i].interface, b->v[i].interface) != 0)
			return 0;
	return 1;
}

int firewall_item_equal(const struct item *a, const struct item *b)
{
	const struct firewall_item *x = &a->firewall, *y = &b->firewall;

	return strs_equal(&x->interfaces, &y->interfaces) && strs_equal(&x->hubs, &y->hubs) &&
		rules_equal(&x->input, &y->input) && rules_equal(&x->forward, &y->forward) &&
		strs_equal(&x->sets, &y->sets) && prefix_vec_equal(&x->overlay, &y->overlay) &&
		prefix_vec_equal(&x->masquerade, &y->masquerade) &&
		exits_equal(&x->exits, &y->exits) && prefix_vec_equal(&x->inside, &y->inside) &&
		strcmp(x->exit_interface, y->exit_interface) == 0 && x->exit_mark == y->exit_mark &&
		strcmp(x->shared, y->shared) == 0;
}

static void own_rules(struct fw_rule_vec *v)
{
	struct fw_rule_vec copy = {0};

	VEC_FOREACH (r, v) {
		struct fw_rule mine = {
			mem_strdup(r->from), mem_strdup(r->to), mem_strdup(r->protocol), r->ports};

		strs_own(&mine.ports);
		VEC_PUSH(&copy, mine);
	}
	*v = copy;
}

static void rules_done(struct fw_rule_vec *v)
{
	VEC_FOREACH (r, v) {
		mem_free(r->from);
		mem_free(r->to);
		mem_free(r->protocol);
		strs_done(&r->ports);
	}
	VEC_DONE(v);
}

static void own_exits(struct fw_exit_vec *v)
{
	struct fw_exit_vec copy = {0};

	VEC_FOREACH (x, v) {
		struct fw_exit mine = *x;

		mine.set = mem_strdup(x->set);
		VEC_PUSH(&copy, mine);
	}
	*v = copy;
}

static void exits_done(struct fw_exit_vec *v)
{
	VEC_FOREACH (x, v)
		mem_free(x->set);
	VEC_DONE(v);
}

void firewall_item_own(struct item *i)
{
	strs_own(&i->firewall.interfaces);
	strs_own(&i->firewall.hubs);
	own_rules(&i->firewall.input);
	own_rules(&i->firewall.forward);
	strs_own(&i->firewall.sets);
	prefix_vec_own(&i->firewall.overlay);
	prefix_vec_own(&i->firewall.masquerade);
	own_exits(&i->firewall.exits);
	prefix_vec_own(&i->firewall.inside);
}

void firewall_item_done(struct item *i)
{
	strs_done(&i->firewall.interfaces);
	strs_done(&i->firewall.hubs);
	rules_done(&i->firewall.input);
	rules_done(&i->firewall.forward);
	strs_done(&i->firewall.sets);
	VEC_DONE(&i->firewall.overlay);
	VEC_DONE(&i->firewall.masquerade);
	exits_done(&i->firewall.exits);
	VEC_DONE(&i->firewall.inside);
}
