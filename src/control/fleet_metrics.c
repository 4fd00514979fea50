/* DOC: see fleet_metrics.h. All of networks is counted in one pass over members and devices, then
 * written family by family, as the formats ask. */
#include "control/fleet_metrics.h"

#include "base/mem.h"
#include "control/hub_state.h"
#include "control/latency.h"
#include "control/telemetry.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const liveness_words[] = {"online", "unreachable", "offline", "never"};
static const char *const deploy_words[] = {"applied", "pending", "error"};
static const msec ages[] = {180 * 1000, 3600 * 1000, 24 * 3600 * 1000};

struct network_counts {
	const struct fleet_network *fn;
	const char *project; /* its name */
	unsigned liveness[ARRAY_LEN(liveness_words)], deploy[ARRAY_LEN(deploy_words)];
	unsigned link[LINK_OFFLINE + 1], seen[ARRAY_LEN(ages)];
	uint64_t rx, tx;
};
VEC_TYPE(counts_vec, struct network_counts);

static size_t word_index(const char *const words[], size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return n - 1;
}

static void count_nodes(struct hub *h, struct network_counts *c)
{
	VEC_FOREACH (m, &c->fn->members) {
		struct node_status s;

		telemetry_status(h->telemetry, (*m)->node, &s);
		c->liveness[word_index(liveness_words, ARRAY_LEN(liveness_words), s.liveness)]++;
		c->deploy[word_index(deploy_words, ARRAY_LEN(deploy_words), s.deploy)]++;
	}
}

static void count_device(struct hub *h, struct network_counts *c, const struct device *d, msec now)
{
	uint16_t keepalive = d->keepalive >= 0 ? (uint16_t)d->keepalive : c->fn->network->keepalive;
	struct link l = {0};

	telemetry_link(h->telemetry, d->id, keepalive, &l);
	c->link[l.state]++;
	c->rx += l.rx;
	c->tx += l.tx;
	for (size_t i = 0; i < ARRAY_LEN(ages); i++)
		c->seen[i] += l.last_seen != 0 && now - l.last_seen <= ages[i];
}

static void count_network(struct hub *h, const struct fleet *f, const struct fleet_network *fn,
	struct counts_vec *ret)
{
	const struct project *p = map_get(&f->projects, fn->network->project);
	struct network_counts c = {.fn = fn, .project = p != NULL ? p->name : ""};
	msec now = clock_wall(h->clock);

	count_nodes(h, &c);
	MAP_FOREACH (slot, &fn->devices_by_group) {
		const struct device_refs *devices = slot->value;

		VEC_FOREACH (d, devices)
			count_device(h, &c, *d, now);
	}
	VEC_PUSH(ret, c);
}

/* name{project="...",network="... and what more is, up to the value */
static void sample(const struct exposition *x, const char *name, const struct network_counts *c,
	const char *label, const char *value)
{
	buf_addf(x->out, "%s{project=\"", name);
	exposition_label(x->out, c->project);
	buf_adds(x->out, "\",network=\"");
	exposition_label(x->out, c->fn->network->name);
	buf_addc(x->out, '"');
	if (label != NULL)
		buf_addf(x->out, ",%s=\"%s\"", label, value);
	buf_adds(x->out, "} ");
}

static void write_words(const struct exposition *x, const struct counts_vec *all, const char *name,
	const char *help, const char *label, const char *const words[], size_t n, size_t offset)
{
	exposition_head(x, name, "gauge", help);
	VEC_FOREACH (c, all)
		for (size_t i = 0; i < n; i++) {
			const unsigned *counted =
				(const unsigned *)(const void *)((const char *)c + offset);

			sample(x, name, c, label, words[i]);
			buf_addf(x->out, "%u\n", counted[i]);
		}
}

static void write_bytes(const struct exposition *x, const struct counts_vec *all)
{
	exposition_head(x, "warren_device_bytes", "counter",
		"Bytes of a network's devices, as its gateways count them.");
	VEC_FOREACH (c, all) {
		sample(x, "warren_device_bytes_total", c, "direction", "received");
		buf_addf(x->out, "%llu\n", (unsigned long long)c->rx);
		sample(x, "warren_device_bytes_total", c, "direction", "sent");
		buf_addf(x->out, "%llu\n", (unsigned long long)c->tx);
	}
}

static void write_latency(
	const struct exposition *x, const struct network_counts *c, const struct latency *l)
{
	unsigned long long upto = 0;

	for (size_t b = 0; b <= LATENCY_BOUNDS; b++) {
		char le[16] = "+Inf";

		if (b < LATENCY_BOUNDS)
			snprintf(le, sizeof(le), "%g", (double)latency_bounds[b] / 1e3);
		upto += l->bucket[b];
		sample(x, "warren_change_applied_seconds_bucket", c, "le", le);
		buf_addf(x->out, "%llu\n", upto);
	}
	sample(x, "warren_change_applied_seconds_count", c, NULL, NULL);
	buf_addf(x->out, "%llu\n", upto);
	sample(x, "warren_change_applied_seconds_sum", c, NULL, NULL);
	buf_addf(x->out, "%.3f\n", (double)l->sum / 1e3);
}

/* One a node: whoever is told of it wants to know whose clock it is. */
static void write_clocks(
	struct hub *h, const struct fleet *f, const char *project, const struct exposition *x)
{
	static const char name[] = "warren_node_clock_offset_seconds";

	exposition_head(x, name, "gauge",
		"How far a node's clock is ahead of the control plane's, as of its last report.");
	MAP_FOREACH (slot, &f->nodes) {
		const struct node *n = slot->value;
		const struct project *p = map_get(&f->projects, n->project);
		struct node_status s;

		if (project[0] != '\0' && strcmp(n->project, project) != 0)
			continue;
		telemetry_status(h->telemetry, n->id, &s);
		if (!s.timed)
			continue;
		buf_addf(x->out, "%s{project=\"", name);
		exposition_label(x->out, p != NULL ? p->name : "");
		buf_adds(x->out, "\",node=\"");
		exposition_label(x->out, n->name);
		buf_addf(x->out, "\"} %.3f\n", (double)s.clock_offset / 1e3);
	}
}

void fleet_metrics_write(
	struct hub *h, const struct fleet *f, const char *project, const struct exposition *x)
{
	static const char *const within[ARRAY_LEN(ages)] = {"180", "3600", "86400"};
	struct counts_vec all = {0};

	MAP_FOREACH (slot, &f->by_network) {
		const struct fleet_network *fn = slot->value;

		if (fn->network != NULL &&
			(project[0] == '\0' || strcmp(fn->network->project, project) == 0))
			count_network(h, f, fn, &all);
	}
#define WORDS(name, help, label, words, member)                  \
	write_words(x, &all, name, help, label, words,           \
		ARRAY_LEN(((struct network_counts *)0)->member), \
		offsetof(struct network_counts, member))
	WORDS("warren_nodes", "Nodes, by how long they have been silent.", "liveness",
		liveness_words, liveness);
	WORDS("warren_nodes_deploy", "Nodes, by whether what they should have is in force.",
		"deploy", deploy_words, deploy);
	WORDS("warren_devices", "Devices, by the state of their link.", "link", link_state_words,
		link);
	WORDS("warren_devices_seen",
		"Devices whose newest handshake is at most so many seconds old.", "within", within,
		seen);
#undef WORDS
	write_bytes(x, &all);
	exposition_head(x, "warren_change_applied_seconds", "histogram",
		"From a change to a node's report that it is in force.");
	VEC_FOREACH (c, &all) {
		const struct latency *l = map_get(&h->latencies, c->fn->network->id);

		if (l != NULL)
			write_latency(x, c, l);
	}
	VEC_DONE(&all);
	write_clocks(h, f, project, x);
}
