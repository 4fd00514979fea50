/* DOC: see janitor.h. The meta row "expired_until" says up to when clients have been looked at. */
#include "control/janitor.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "control/api_handlers.h"
#include "control/change.h"
#include "control/setting.h"

#include <stdatomic.h>
#include <stdio.h>

#define DAY ((msec)24 * 3600 * 1000)
#define EXPIRED_UNTIL "expired_until"

struct janitor {
	struct control *control;
	msec next; /* hub's thread */
	atomic_bool busy;
};

struct janitor *janitor_new(struct control *c)
{
	struct janitor *j = NEW(struct janitor);

	j->control = c;
	return j;
}

struct janitor *janitor_free(struct janitor *j)
{
	return mem_free(j);
}

/* --- clients whose time has come -------------------------------------------------------------- */

static int take_id(void *arg, const void *object)
{
	id_vec_add(arg, object);
	return 0;
}

/* The agents have ended it at that very moment; this tells people. */
static int tell_expired(struct tx *tx, const char *id, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec nodes = {0};
	struct device d = {0};
	int r = tx_get(tx, &schema_device, id, &d, e);

	if (r == 0 && d.enabled)
		r = tx_outbox(tx, &schema_device, d.project, d.network, &d, &d, &nodes, e);
	if (r == 0 && d.enabled)
		r = tx_audit(tx, d.project, "local", "client.expire", d.id, d.name, e);
	schema_done(&schema_device, &d);
	return r;
}

static int expire(struct tx *tx, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec ids = {0};
	CLEANUP(buf_done) struct buf text = {0};
	char until[32];
	uint64_t from = 0;
	msec reached = tx_now(tx);
	int r = tx_meta_get(tx, EXPIRED_UNTIL, &text, e);

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	if (r == 0)
		text_u64(buf_str(&text), INT64_MAX, &from);
	r = tx_between(tx, &schema_device, "expires_at", (int64_t)from + 1, &reached, JANITOR_ROWS,
		take_id, &ids, e);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = tell_expired(tx, ids.v[i].id, e);
	if (r < 0 || reached <= (msec)from)
		return r;
	snprintf(until, sizeof(until), "%lld", (long long)reached);
	return tx_meta_put(tx, EXPIRED_UNTIL, until, e);
}

/* --- the audit log ---------------------------------------------------------------------------- */

static int prune(struct tx *tx, const struct control *c, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec projects = {0};
	int64_t days = setting_get(c->settings, SETTING_AUDIT_KEEP);
	struct tx_query q = {0};
	/* Whole days, so that there is one line about it a day. */
	msec before = (tx_now(tx) / DAY - days) * DAY;
	int r = 0;

	if (days == 0)
		return 0;
	r = tx_list(tx, &schema_project, &q, take_id, &projects, NULL, NULL, e);
	id_vec_add(&projects, ""); /* what belongs to no project */
	for (size_t i = 0; r == 0 && i < projects.n; i++)
		r = tx_audit_prune(tx, projects.v[i].id, before, JANITOR_ROWS, e);
	return r;
}

int janitor_round(struct tx *tx, void *arg, struct err *e)
{
	const struct control *c = arg;
	int r = sweep_sessions(tx, e);

	if (r == 0)
		r = expire(tx, e);
	return r < 0 ? r : prune(tx, c, e);
}

static void round_done(void *arg, int result, const struct err *e)
{
	struct janitor *j = arg;

	if (result < 0)
		log_error("the regular cleaning failed", LOG_KV_STR("error", e ? e->text : ""));
	atomic_store(&j->busy, false);
}

static int round_job(struct tx *tx, void *arg, struct err *e)
{
	struct janitor *j = arg;

	return janitor_round(tx, j->control, e);
}

void janitor_tick(struct janitor *j, msec now)
{
	if (now < j->next || atomic_exchange(&j->busy, true))
		return;
	j->next = now + JANITOR_EVERY;
	store_write(j->control->store, round_job, j, round_done);
}
