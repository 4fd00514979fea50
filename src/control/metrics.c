/* DOC: see metrics.h. Requests are counted per route and status in a fixed table of atomics. */
#include "control/metrics.h"

#include "base/map.h"
#include "base/mem.h"
#include "control/api.h"
#include "control/attempts.h"
#include "control/hub.h"
#include "control/workers.h"
#include "http/server.h"
#include "model/schema.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static const int known_statuses[] = {200, 201, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413,
	415, 422, 429, 431, 500, 503, 0 /* any other */};
#define N_STATUSES ARRAY_LEN(known_statuses)

static const int64_t bounds_us[] = {1000, 5000, 25000, 100000, 500000, 2500000};
static const char *const bounds_text[] = {"0.001", "0.005", "0.025", "0.1", "0.5", "2.5"};
#define N_BOUNDS ARRAY_LEN(bounds_us)

struct route_counts {
	atomic_ulong status[N_STATUSES];
	atomic_ulong bucket[N_BOUNDS + 1]; /* the last: longer than all bounds */
	atomic_ulong micros;
};

struct metrics {
	struct map by_route; /* "METHOD path" -> struct route_counts *; fixed after metrics_new */
	struct route_counts *counts;
	const char **methods, **paths;
	size_t n; /* the last one is "no such route" */
};

static void add_routes(struct metrics *m, const struct http_route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTOFREE char *key = mem_printf("%s %s", routes[i].method, routes[i].path);
		m->methods[m->n] = routes[i].method;
		m->paths[m->n] = routes[i].path;
		map_set(&m->by_route, key, &m->counts[m->n++]);
	}
}

struct metrics *metrics_new(void)
{
	struct metrics *m = NEW(struct metrics);
	size_t all = n_api_routes + n_agent_routes + 1;
	m->counts = mem_zalloc(all * sizeof(*m->counts));
	m->methods = mem_zalloc(all * sizeof(*m->methods));
	m->paths = mem_zalloc(all * sizeof(*m->paths));
	add_routes(m, api_routes, n_api_routes);
	add_routes(m, agent_routes, n_agent_routes);
	m->methods[m->n] = "";
	m->paths[m->n++] = "none";
	return m;
}

struct metrics *metrics_free(struct metrics *m)
{
	if (m == NULL)
		return NULL;
	map_done(&m->by_route, NULL);
	mem_free(m->counts);
	mem_free(m->methods);
	mem_free(m->paths);
	return mem_free(m);
}

void metrics_request(void *ctx, const char *method, const char *path, int status, int64_t micros)
{
	struct metrics *m = ((struct control *)ctx)->metrics;
	struct route_counts *r = NULL;
	if (path && method) {
		char key[160];
		snprintf(key, sizeof(key), "%s %s", strcmp(method, "HEAD") == 0 ? "GET" : method,
			path);
		r = map_get(&m->by_route, key);
	}
	if (r == NULL)
		r = &m->counts[m->n - 1];
	size_t s = 0, b = 0;
	while (known_statuses[s] != 0 && known_statuses[s] != status)
		s++;
	while (b < N_BOUNDS && micros > bounds_us[b])
		b++;
	atomic_fetch_add_explicit(&r->status[s], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&r->bucket[b], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&r->micros, (unsigned long)micros, memory_order_relaxed);
}

static void route_labels(struct buf *out, const struct metrics *m, size_t i)
{
	buf_adds(out, "{method=\"");
	exposition_label(out, m->methods[i]);
	buf_adds(out, "\",route=\"");
	exposition_label(out, m->paths[i]);
	buf_adds(out, "\"");
}

static void write_requests(const struct metrics *m, const struct exposition *x)
{
	struct buf *out = x->out;

	exposition_head(
		x, "warren_http_requests", "counter", "Requests answered, by route and status.");
	for (size_t i = 0; i < m->n; i++)
		for (size_t s = 0; s < N_STATUSES; s++) {
			unsigned long n = atomic_load(&m->counts[i].status[s]);
			if (n == 0)
				continue;
			buf_adds(out, "warren_http_requests_total");
			route_labels(out, m, i);
			if (known_statuses[s])
				buf_addf(out, ",status=\"%d\"} %lu\n", known_statuses[s], n);
			else
				buf_addf(out, ",status=\"other\"} %lu\n", n);
		}
	exposition_head(x, "warren_http_request_seconds", "histogram", "Time to answer, by route.");
	for (size_t i = 0; i < m->n; i++) {
		unsigned long sum = 0;
		for (size_t b = 0; b <= N_BOUNDS; b++)
			sum += atomic_load(&m->counts[i].bucket[b]);
		if (sum == 0)
			continue;
		unsigned long upto = 0;
		for (size_t b = 0; b <= N_BOUNDS; b++) {
			upto += atomic_load(&m->counts[i].bucket[b]);
			buf_adds(out, "warren_http_request_seconds_bucket");
			route_labels(out, m, i);
			buf_addf(out, ",le=\"%s\"} %lu\n", b < N_BOUNDS ? bounds_text[b] : "+Inf",
				upto);
		}
		buf_adds(out, "warren_http_request_seconds_count");
		route_labels(out, m, i);
		buf_addf(out, "} %lu\nwarren_http_request_seconds_sum", upto);
		route_labels(out, m, i);
		buf_addf(out, "} %.6f\n", (double)atomic_load(&m->counts[i].micros) / 1e6);
	}
}

struct counted {
	const char *project;
	const struct exposition *x;
};

static int write_objects(struct tx *tx, void *arg, struct err *e)
{
	static const struct schema *const counted[] = {&schema_project, &schema_network,
		&schema_node, &schema_member, &schema_group, &schema_device, &schema_policy,
		&schema_user, &schema_token};
	struct counted *job = arg;
	int r = 0;
	exposition_head(job->x, "warren_objects", "gauge", "Objects stored, by kind.");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(counted); i++) {
		uint64_t n = 0;
		struct tx_filter filters[6] = {{0}};
		if (*job->project)
			filters[0] = (struct tx_filter){
				counted[i] == &schema_project ? "id" : "project", job->project};
		r = tx_count(tx, counted[i], filters, &n, e);
		buf_addf(job->x->out, "warren_objects{kind=\"%s\"} %llu\n", counted[i]->name,
			(unsigned long long)n);
	}
	if (r < 0)
		return r;
	uint64_t enabled = 0;
	struct tx_filter filters[6] = {{"enabled", "true"}};
	if (*job->project)
		filters[1] = (struct tx_filter){"project", job->project};
	r = tx_count(tx, &schema_device, filters, &enabled, e);
	exposition_one(job->x, "warren_devices_enabled", "gauge", "Devices that may connect.",
		(double)enabled);
	return r;
}

int metrics_write(struct control *c, const char *project, const struct exposition *x, struct err *e)
{
	int r = store_read(c->store, write_objects, &(struct counted){project, x}, e);
	if (r < 0)
		return r;
	if (*project == '\0') {
		struct hub_counts h = {0};
		hub_counts(c->hub, &h);
		exposition_one(x, "warren_streams", "gauge", "Connected event streams of agents.",
			h.streams);
		exposition_one(x, "warren_events_sent", "counter", "Events pushed to agents.",
			(double)h.events_sent);
		exposition_one(x, "warren_states_sent", "counter", "Full states fetched by agents.",
			(double)h.states_sent);
		exposition_one(x, "warren_drift_reports", "counter", "Corrections agents reported.",
			(double)h.drift_reports);
		exposition_one(x, "warren_refetches", "counter",
			"Streams told to fetch the state anew.", (double)h.refetches);
		exposition_one(x, "warren_change_to_push_seconds", "gauge",
			"Commit of the newest change to its last push.",
			(double)h.last_change_to_push / 1e3);
		exposition_head(x, "warren_limit_hits", "counter",
			"Times a stated limit turned somebody away.");
		buf_addf(x->out, "warren_limit_hits_total{limit=\"login_attempts\"} %lu\n",
			attempts_refused(c->attempts));
		buf_addf(x->out, "warren_limit_hits_total{limit=\"password_queue\"} %lu\n",
			workers_refused(c->workers));
		buf_addf(x->out, "warren_limit_hits_total{limit=\"policy_questions\"} %lu\n",
			workers_refused(c->questions));
		write_requests(c->metrics, x);
	}
	return 0;
}
