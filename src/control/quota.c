/* DOC: see quota.h. */
#include "control/quota.h"

#include "base/log.h"
#include "control/change.h"
#include "control/telemetry.h"
#include "plan/link.h"

#include <time.h>

/* --- a device's row --------------------------------------------------------------------------- */

/* Midnight of the day, or of the month's first, UTC; `months` or days further on. */
static msec boundary(int period, msec at, int on)
{
	time_t seconds = (time_t)(at / 1000);
	struct tm t;

	gmtime_r(&seconds, &t);
	t.tm_hour = t.tm_min = t.tm_sec = 0;
	if (period == QUOTA_MONTH) {
		t.tm_mday = 1;
		t.tm_mon += on;
	} else {
		t.tm_mday += on;
	}
	return (msec)timegm(&t) * 1000;
}

msec quota_ends(const struct device *d)
{
	if (d->quota_bytes == 0 || d->quota_period == QUOTA_NONE || d->quota_from == 0)
		return 0;
	return boundary(d->quota_period, d->quota_from, 1);
}

uint64_t quota_used(const struct device *d, uint64_t total)
{
	return d->quota_bytes > 0 && total > d->quota_start ? total - d->quota_start : 0;
}

static void begin(struct device *d, uint64_t total, msec now)
{
	if (d->quota_period != QUOTA_NONE)
		now = boundary(d->quota_period, now, 0);
	if (d->quota_from != 0 && (d->quota_period == QUOTA_NONE || d->quota_from >= now))
		return;
	d->quota_from = now;
	d->quota_start = total;
}

static void grant(struct device *d, uint64_t left)
{
	d->quota_left = left;
	d->quota_grant++;
}

bool quota_settle(struct device *d, uint64_t total, msec now)
{
	const struct device was = *d;
	uint64_t used, then;

	if (d->quota_bytes == 0) {
		d->quota_from = 0;
		d->quota_start = d->quota_left = d->quota_grant = 0;
		d->over_quota = false;
		return was.quota_grant != 0 || was.over_quota;
	}
	begin(d, total, now);
	used = quota_used(d, total);
	d->over_quota = used >= d->quota_bytes;
	then = d->quota_bytes > d->quota_left ? d->quota_bytes - d->quota_left : 0;
	if (d->over_quota) {
		if (!was.over_quota)
			grant(d, 0);
	} else if (d->quota_grant == 0 || was.over_quota || d->quota_left > d->quota_bytes ||
		used < then || used - then >= link_quota(d, true)) {
		grant(d, d->quota_bytes - used);
	}
	return d->quota_grant != was.quota_grant || d->over_quota != was.over_quota ||
		d->quota_from != was.quota_from;
}

void quota_changed(struct device *d, uint64_t total, msec now)
{
	uint64_t number = d->quota_grant;

	if (quota_settle(d, total, now) || d->quota_bytes == 0 || d->quota_grant != number)
		return;
	grant(d, d->over_quota ? 0 : d->quota_bytes - quota_used(d, total));
}

/* --- all of them ------------------------------------------------------------------------------ */

struct quotas {
	struct hub *hub;
	struct map limited; /* devices that have one -> this */
	struct map stored;  /* those whose row is on its way to the store -> this */
	msec look_at;       /* monotonic */
};

struct quotas *quotas_new(struct hub *h)
{
	struct quotas *q = NEW(struct quotas);

	q->hub = h;
	return q;
}

struct quotas *quotas_free(struct quotas *q)
{
	if (q == NULL)
		return NULL;
	map_done(&q->limited, NULL);
	map_done(&q->stored, NULL);
	return mem_free(q);
}

struct reading {
	id_text device;
	uint64_t total;
};

struct readings {
	struct hub *hub;
	msec now;
	VEC(struct reading) rows;
};

static int store_one(struct tx *tx, const struct reading *r, msec now, struct err *e)
{
	struct device before = {0}, after = {0};
	int code = tx_get(tx, &schema_device, r->device, &before, e);

	if (code == ERR_NOT_FOUND)
		return 0; /* deleted meanwhile */
	if (code == 0) {
		schema_copy(&schema_device, &after, &before);
		if (!quota_settle(&after, r->total, now))
			code = 0;
		else if (after.over_quota != before.over_quota)
			code = change_store(tx, &schema_device, &before, &after, "local",
				after.over_quota ? "client.over_quota" : "client.quota_renewed", e);
		else
			code = change_observed(tx, &schema_device, &before, &after, e);
	}
	schema_done(&schema_device, &before);
	schema_done(&schema_device, &after);
	return code;
}

static int store_all(struct tx *tx, void *arg, struct err *e)
{
	struct readings *r = arg;
	int code = 0;

	for (size_t i = 0; code >= 0 && i < r->rows.n; i++)
		code = store_one(tx, &r->rows.v[i], r->now, e);
	return code;
}

static void settle_stored(const struct fleet *f, void *arg)
{
	struct readings *r = arg;

	VEC_FOREACH (x, &r->rows)
		map_remove(&r->hub->quotas->stored, x->device);
	VEC_DONE(&r->rows);
	mem_free(r);
}

static void stored(void *arg, int result, const struct err *e)
{
	struct readings *r = arg;

	if (result < 0)
		log_error("quotas could not be stored", LOG_KV_STR("error", e->text));
	hub_run(r->hub, settle_stored, r);
}

static void send(struct quotas *q, struct readings **r, size_t least)
{
	if (*r == NULL || (*r)->rows.n < least)
		return;
	store_write(q->hub->control->store, store_all, *r, stored);
	*r = NULL;
}

static void look_at(struct quotas *q, const struct device *d, struct readings **r)
{
	struct device probe = *d; /* borrows everything */
	msec now = clock_wall(q->hub->clock);
	struct reading x;
	struct link link;

	telemetry_link(q->hub->telemetry, d->id, 0, &link);
	if (map_get(&q->stored, d->id) != NULL || !quota_settle(&probe, link.rx + link.tx, now))
		return;
	if (*r == NULL) {
		*r = NEW(struct readings);
		(*r)->hub = q->hub;
		(*r)->now = now;
	}
	id_copy(x.device, d->id);
	x.total = link.rx + link.tx;
	VEC_PUSH(&(*r)->rows, x);
	map_set(&q->stored, d->id, q);
	send(q, r, QUOTA_AT_ONCE);
}

void quotas_heard(struct quotas *q, const struct link_row *rows, size_t n)
{
	struct readings *r = NULL;

	for (size_t i = 0; q->limited.n > 0 && i < n; i++) {
		const struct device *d = map_get(&q->hub->fleet->devices, rows[i].peer);

		if (d != NULL && d->quota_bytes > 0)
			look_at(q, d, &r);
	}
	send(q, &r, 1);
}

void quotas_tick(struct quotas *q)
{
	msec now = clock_mono(q->hub->clock);
	struct readings *r = NULL;

	if (now < q->look_at)
		return;
	q->look_at = now + QUOTA_LOOK;
	MAP_FOREACH (slot, &q->limited) {
		const struct device *d = map_get(&q->hub->fleet->devices, slot->key);

		if (d != NULL)
			look_at(q, d, &r);
	}
	send(q, &r, 1);
}

void quotas_load(struct quotas *q)
{
	MAP_FOREACH (slot, &q->hub->fleet->devices)
		if (((const struct device *)slot->value)->quota_bytes > 0)
			map_set(&q->limited, slot->key, q);
}

void quotas_follow(struct quotas *q, const struct hub_row *row)
{
	const struct device *d = row->row.after;

	if (row->schema != &schema_device)
		return;
	if (d != NULL && d->quota_bytes > 0)
		map_set(&q->limited, row->row.object, q);
	else
		map_remove(&q->limited, row->row.object);
}
