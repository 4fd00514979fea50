/*
 * DOC: the audit log. The lines of a project are a chain: each hash covers the one before and all
 * fields of its line, and audit_head keeps number and hash of the last, so that a line that was
 * changed, moved, put in or cut off is found. Pruning deletes from the beginning; audit_base keeps
 * number and hash of the last line deleted, and a line "audit.prune" inside the chain repeats them,
 * so that a beginning cut off by somebody else is found as well.
 */
#include "store/tx.h"

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

#define PRUNE_ACTION "audit.prune"

struct head {
	int64_t number;
	char hash[HASH_HEX_LEN];
};

static int take_head(void *arg, const struct cell *cells, size_t n)
{
	struct head *h = arg;

	h->number = cells[0].num;
	snprintf(h->hash, sizeof(h->hash), "%s", (const char *)cells[1].p);
	return 1;
}

static int load(
	struct tx *tx, const char *sql, const char *project, struct head *ret, struct err *e)
{
	struct cell arg = cell_text(project);
	int code;

	*ret = (struct head){0};
	code = tx_run(tx, sql, &arg, 1, take_head, ret, e);
	return code < 0 ? code : 0;
}

static int load_head(struct tx *tx, const char *project, struct head *ret, struct err *e)
{
	return load(tx, "SELECT number, hash FROM audit_head WHERE project = ?", project, ret, e);
}

static int load_base(struct tx *tx, const char *project, struct head *ret, struct err *e)
{
	return load(tx, "SELECT number, hash FROM audit_base WHERE project = ?", project, ret, e);
}

/* Each field with its length before it, so that no two lines read alike. */
static void add_text(struct hash_state *h, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);
	char length[32];

	snprintf(length, sizeof(length), "%zu:", n);
	hash_add(h, length, strlen(length));
	hash_add(h, s == NULL ? "" : s, n);
}

static void chain(
	const char *previous, int64_t number, const struct audit *a, char ret[static HASH_HEX_LEN])
{
	struct hash_state *h = hash_begin();
	uint8_t digest[HASH_LEN];
	char numbers[64];

	snprintf(numbers, sizeof(numbers), "%lld %lld", (long long)number, (long long)a->at);
	add_text(h, previous);
	add_text(h, numbers);
	add_text(h, a->id);
	add_text(h, a->project);
	add_text(h, a->actor);
	add_text(h, a->action);
	add_text(h, a->object);
	add_text(h, a->detail);
	hash_end(h, digest);
	text_hex(digest, sizeof(digest), ret);
}

int tx_audit(struct tx *tx, const char *project, const char *actor, const char *action,
	const char *object, const char *detail, struct err *e)
{
	struct audit a = {.at = tx->now,
		.actor = (char *)(uintptr_t)actor,
		.action = (char *)(uintptr_t)action,
		.object = (char *)(uintptr_t)object,
		.detail = (char *)(uintptr_t)detail};
	struct head head;
	char hash[HASH_HEX_LEN];
	int code = load_head(tx, project, &head, e);

	if (code < 0)
		return code;
	id_make(schema_audit.prefix, tx->now, a.id);
	id_copy(a.project, project);
	head.number++;
	chain(head.hash, head.number, &a, hash);
	const struct cell row[] = {cell_text(a.id), cell_text(a.project), cell_int(head.number),
		cell_int(a.at), cell_text(actor), cell_text(action), cell_text(object),
		cell_text(detail), cell_text(hash)};
	const struct cell end[] = {cell_text(a.project), cell_int(head.number), cell_text(hash)};

	code = tx_change(tx,
		"INSERT INTO audit (id, project, number, at, actor, action, object, detail, hash)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		row, ARRAY_LEN(row), e);
	if (code >= 0)
		code = tx_change(tx,
			"INSERT INTO audit_head (project, number, hash) VALUES (?, ?, ?)"
			" ON CONFLICT (project) DO UPDATE"
			" SET number = excluded.number, hash = excluded.hash",
			end, ARRAY_LEN(end), e);
	return code < 0 ? code : 0;
}

/* What the line about a pruning says. */
static void prune_detail(const struct head *base, char ret[static 128])
{
	snprintf(ret, 128, "up to line %lld, hash %s", (long long)base->number, base->hash);
}

int tx_audit_prune(struct tx *tx, const char *project, msec before, int64_t most, struct err *e)
{
	struct head base, last = {0};
	char detail[128];
	int code = load_base(tx, project, &base, e);

	if (code < 0)
		return code;
	/* Lines come in the order of their numbers; a clock that was set back stops it earlier. */
	const struct cell find[] = {cell_text(project), cell_int(base.number + most),
		cell_text(project), cell_int(before)};
	code = tx_run(tx,
		"SELECT number, hash FROM audit WHERE project = ? AND number <= ? AND number <"
		" ifnull((SELECT min(number) FROM audit WHERE project = ? AND at >= ?), 1 << 62)"
		" ORDER BY number DESC LIMIT 1",
		find, ARRAY_LEN(find), take_head, &last, e);
	if (code < 0 || last.number == 0)
		return code < 0 ? code : 0;
	const struct cell cut[] = {cell_text(project), cell_int(last.number)};
	const struct cell keep[] = {
		cell_text(project), cell_int(last.number), cell_text(last.hash)};
	code = tx_change(tx, "DELETE FROM audit WHERE project = ? AND number <= ?", cut, 2, e);
	if (code >= 0)
		code = tx_change(tx,
			"INSERT INTO audit_base (project, number, hash) VALUES (?, ?, ?)"
			" ON CONFLICT (project) DO UPDATE"
			" SET number = excluded.number, hash = excluded.hash",
			keep, 3, e);
	prune_detail(&last, detail);
	return code < 0 ? code : tx_audit(tx, project, "local", PRUNE_ACTION, "", detail, e);
}

int tx_audit_range(
	struct tx *tx, const char *project, int64_t *ret_first, int64_t *ret_last, struct err *e)
{
	struct head base, head;
	int code = load_base(tx, project, &base, e);

	if (code == 0)
		code = load_head(tx, project, &head, e);
	if (code < 0)
		return code;
	*ret_last = head.number;
	*ret_first = head.number > base.number ? base.number + 1 : 0;
	return 0;
}

struct verify {
	struct head so_far;
	char pruned[128]; /* what the last line about a pruning says */
	struct err *e;
};

static int verify_row(void *arg, const struct cell *cells, size_t n)
{
	struct verify *v = arg;
	struct audit a = {0};
	int code = tx_decode(&schema_audit, cells, schema_audit.n, &a, v->e);
	char hash[HASH_HEX_LEN];

	if (code < 0)
		return code;
	v->so_far.number++;
	chain(v->so_far.hash, v->so_far.number, &a, hash);
	if (cells[schema_audit.n].num != v->so_far.number || a.hash == NULL ||
		strcmp(hash, a.hash) != 0)
		code = err_set(v->e, ERR_CORRUPT, "the audit log was changed at line %lld (%s)",
			(long long)v->so_far.number, a.id);
	memcpy(v->so_far.hash, hash, sizeof(hash));
	if (a.action != NULL && strcmp(a.action, PRUNE_ACTION) == 0)
		snprintf(v->pruned, sizeof(v->pruned), "%s", a.detail ? a.detail : "");
	schema_done(&schema_audit, &a);
	return code;
}

int tx_audit_verify(struct tx *tx, const char *project, struct err *e)
{
	CLEANUP(buf_done) struct buf sql = {0};
	struct verify v = {.e = e};
	struct cell arg = cell_text(project);
	struct head head, base;
	char pruned[128] = "";
	int code = load_head(tx, project, &head, e);

	if (code == 0)
		code = load_base(tx, project, &base, e);
	if (code < 0)
		return code;
	v.so_far = base;
	buf_adds(&sql, "SELECT ");
	tx_columns(&schema_audit, &sql);
	buf_adds(&sql, ", number FROM audit WHERE project = ? ORDER BY number");
	code = tx_run(tx, buf_str(&sql), &arg, 1, verify_row, &v, e);
	if (code < 0)
		return code;
	if (base.number > 0)
		prune_detail(&base, pruned);
	if (strcmp(pruned, v.pruned) != 0)
		return err_set(e, ERR_CORRUPT,
			"the audit log begins at line %lld, which no line of it explains",
			(long long)base.number + 1);
	if (v.so_far.number != head.number || strcmp(v.so_far.hash, head.hash) != 0)
		return err_set(e, ERR_CORRUPT, "the audit log ends at line %lld instead of %lld",
			(long long)v.so_far.number, (long long)head.number);
	return 0;
}
