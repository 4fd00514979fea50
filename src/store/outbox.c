/*
 * DOC: the outbox: what changed, and which nodes' desired states that may move from which revision
 * to which. Rows are written with the change, kept a while for those who read late, and handed
 * with the objects before and after to store_on_commit.
 */
#include "store/tx.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void outbox_cut(struct outbox *o, size_t keep)
{
	while (o->rows.n > keep) {
		size_t i = --o->rows.n;
		struct outbox_row *r = &o->rows.v[i];

		schema_free(o->schemas.v[i], (void *)(uintptr_t)r->before);
		schema_free(o->schemas.v[i], (void *)(uintptr_t)r->after);
		mem_free(r->nodes);
	}
	o->schemas.n = o->rows.n;
}

void outbox_done(struct outbox *o)
{
	outbox_cut(o, 0);
	VEC_DONE(&o->rows);
	VEC_DONE(&o->schemas);
}

static int take_number(void *arg, const struct cell *cells, size_t n)
{
	*(uint64_t *)arg = (uint64_t)cells[0].num;
	return 0;
}

struct raising {
	struct outbox_row *row;
	struct buf *lines;
};

static int take_raised(void *arg, const struct cell *cells, size_t n)
{
	struct raising *r = arg;
	struct outbox_node *node = &r->row->nodes[r->row->n_nodes++];

	id_copy(node->node, cells[0].p);
	node->revision = (uint64_t)cells[1].num;
	node->previous = node->revision - 1;
	buf_addf(r->lines, "%s %llu %llu\n", node->node, (unsigned long long)node->previous,
		(unsigned long long)node->revision);
	return 0;
}

/* Raise the revision of each node that (still) exists: all by one statement, which costs a third
 * of one each. Ids have nothing that a JSON text would escape. */
static int raise(struct tx *tx, const struct id_vec *nodes, struct outbox_row *row,
	struct buf *lines, struct err *e)
{
	CLEANUP(buf_done) struct buf list = {0};
	struct raising r = {row, lines};
	struct cell arg;
	int code;

	if (nodes->n == 0)
		return 0;
	row->nodes = mem_zalloc(nodes->n * sizeof(*row->nodes));
	VEC_FOREACH (item, nodes) {
		buf_adds(&list, list.len == 0 ? "[\"" : "\",\"");
		buf_adds(&list, item->id);
	}
	buf_adds(&list, "\"]");
	arg = cell_text(buf_str(&list));
	code = tx_run(tx,
		"UPDATE node SET revision = revision + 1 WHERE id IN"
		" (SELECT value FROM json_each(?)) RETURNING id, revision",
		&arg, 1, take_raised, &r, e);
	return code < 0 ? code : 0;
}

int tx_raise_all(struct tx *tx, struct err *e)
{
	return tx_run(tx, "UPDATE node SET revision = revision + 1", NULL, 0, NULL, NULL, e);
}

/* A node among its own changes: hand out the revision it has now. */
static void patch_revision(const struct schema *s, struct outbox_row *row)
{
	struct node *after = s == &schema_node ? (void *)(uintptr_t)row->after : NULL;

	for (size_t i = 0; after != NULL && i < row->n_nodes; i++) {
		if (strcmp(row->nodes[i].node, after->id) == 0)
			after->revision = row->nodes[i].revision;
	}
}

static int write_row(struct tx *tx, const struct schema *s, struct outbox_row *row,
	const struct buf *lines, struct err *e)
{
	const struct cell args[] = {cell_int(tx->now), cell_text(row->project),
		cell_text(row->network), cell_text(s->name), cell_text(row->object),
		cell_text(row->before == NULL        ? "create"
				: row->after == NULL ? "delete"
						     : "change"),
		cell_text(buf_str(lines))};

	return tx_run(tx,
		"INSERT INTO outbox (at, project, network, kind, object, change, nodes)"
		" VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING seq",
		args, ARRAY_LEN(args), take_number, &row->seq, e);
}

int tx_outbox(struct tx *tx, const struct schema *s, const char *project, const char *network,
	const void *before, const void *after, const struct id_vec *nodes, struct err *e)
{
	CLEANUP(buf_done) struct buf lines = {0};
	const void *object = after != NULL ? after : before;
	struct outbox *o = tx->outbox;
	struct outbox_row *row;
	static const struct id_vec none;
	int code = tx_writable(tx, e);

	if (code < 0)
		return code;
	if (object == NULL)
		return err_set(e, ERR_INTERNAL, "a change needs an object");
	VEC_PUSH(&o->rows, (struct outbox_row){0});
	VEC_PUSH(&o->schemas, s);
	row = &o->rows.v[o->rows.n - 1];
	id_copy(row->project, project);
	id_copy(row->network, network);
	id_copy(row->object, field_at(&s->fields[0], object));
	snprintf(row->table, sizeof(row->table), "%s", s->name);
	row->before = before == NULL ? NULL : schema_dup(s, before);
	row->after = after == NULL ? NULL : schema_dup(s, after);
	code = raise(tx, nodes == NULL ? &none : nodes, row, &lines, e);
	if (code == 0)
		code = write_row(tx, s, row, &lines, e);
	if (code < 0) {
		outbox_cut(o, o->rows.n - 1);
		return code;
	}
	patch_revision(s, row);
	o->unpruned++;
	return 0;
}

/* --- forgetting ------------------------------------------------------------------------------- */

struct prune {
	msec before;
	int64_t seq; /* last one old enough */
};

static int prune_row(void *arg, const struct cell *cells, size_t n)
{
	struct prune *p = arg;

	if (cells[1].num >= p->before)
		return 1;
	p->seq = cells[0].num;
	return 0;
}

int outbox_prune(struct tx *tx, struct err *e)
{
	struct prune p = {.before = tx->now - OUTBOX_KEEP_MS};
	struct cell arg = cell_int(OUTBOX_KEEP_ROWS);
	/* Oldest first and a bounded number: it keeps up, and never stalls a commit. */
	int code = tx_run(tx,
		"SELECT seq, at FROM outbox WHERE seq <= (SELECT max(seq) FROM outbox) - ?"
		" ORDER BY seq LIMIT 2048",
		&arg, 1, prune_row, &p, e);

	if (code < 0 || p.seq == 0)
		return code < 0 ? code : 0;
	arg = cell_int(p.seq);
	code = tx_change(tx, "DELETE FROM outbox WHERE seq <= ?", &arg, 1, e);
	return code < 0 ? code : 0;
}
