/* DOC: sealed state and journal; see cache.h. A record is its length (4 bytes, big endian) and a
 * sealed delta. */
#include "agent/cache.h"

#include "base/file.h"
#include "codec/state.h"
#include "crypto/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CACHE_MAX (2 * (size_t)STATE_MAX)
#define JOURNAL_MIN (64u * 1024) /* never folded below this */

static char *context(const struct cache *c, const char *what)
{
	return mem_printf("%s/%s", what, c->node);
}

int cache_open(struct cache *c, const struct identity *id, struct err *e)
{
	*c = (struct cache){.fd = -1};
	c->base = mem_printf("%s/state.cache", id->dir);
	c->journal = mem_printf("%s/state.journal", id->dir);
	c->node = mem_strdup(id->node);
	identity_subkey(id, "cache", &c->key);
	c->fd = open(c->journal, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (c->fd < 0)
		return err_errno(e, errno, "cannot open %s", c->journal);
	return 0;
}

/* Apply one opened record. Records at or before the base are leftovers of a fold that was cut. */
static int replay(struct state *s, const struct buf *plain)
{
	struct json_doc *doc = json_parse(plain->data, plain->len, STATE_MAX, NULL);
	struct delta d = {0};
	int rc = ERR_CORRUPT;

	if (doc != NULL)
		rc = delta_read(json_root(doc), &d, NULL);
	if (rc == 0 && d.revision > s->revision)
		rc = d.previous == 0 ? ERR_CORRUPT : state_apply(s, &d, NULL);
	delta_done(&d);
	json_free(doc);
	return rc;
}

static void replay_journal(struct cache *c, struct state *s)
{
	CLEANUP(buf_done) struct buf all = {0};
	AUTOFREE char *what = context(c, "delta");
	size_t at = 0;

	if (file_read(c->journal, CACHE_MAX, &all, NULL) < 0)
		return;
	while (all.len - at >= 4) {
		const uint8_t *p = (const uint8_t *)all.data + at;
		size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
		CLEANUP(buf_wipe) struct buf plain = {0};

		if (n > all.len - at - 4 ||
			seal_open_with_secret(&c->key, what, p + 4, n, &plain, NULL) < 0 ||
			replay(s, &plain) < 0)
			break;
		at += 4 + n;
	}
	/* what follows a torn record would never be read: cut it, so that new records count */
	if (at < all.len && ftruncate(c->fd, (off_t)at) < 0)
		return;
	c->journal_size = at;
}

int cache_load(struct cache *c, struct state *ret, struct err *e)
{
	CLEANUP(buf_done) struct buf blob = {0};
	CLEANUP(buf_wipe) struct buf plain = {0};
	AUTOFREE char *what = context(c, "state");
	struct state s = {0};
	int rc = file_read(c->base, CACHE_MAX, &blob, e);

	if (rc < 0)
		return rc;
	rc = seal_open_with_secret(&c->key, what, blob.data, blob.len, &plain, e);
	if (rc < 0)
		return err_prefix(e, "%s", c->base);
	rc = state_read(plain.data, plain.len, &s, e);
	if (rc < 0)
		return err_prefix(e, "%s", c->base);
	c->base_size = blob.len;
	replay_journal(c, &s);
	*ret = s;
	return 0;
}

int cache_save(struct cache *c, const struct state *s, struct err *e)
{
	CLEANUP(buf_done) struct buf blob = {0};
	CLEANUP(buf_wipe) struct buf plain = {0};
	AUTOFREE char *what = context(c, "state");
	int rc;

	state_write(&plain, s);
	seal_with_secret(&c->key, what, plain.data, plain.len, &blob);
	rc = file_write(c->base, blob.data, blob.len, 0600, e);
	if (rc < 0)
		return rc;
	/* records that outlive a crash here are older than the base and are skipped */
	if (ftruncate(c->fd, 0) < 0)
		return err_errno(e, errno, "cannot empty %s", c->journal);
	c->base_size = blob.len;
	c->journal_size = 0;
	return 0;
}

int cache_append(struct cache *c, const struct delta *d, const struct state *after, struct err *e)
{
	CLEANUP(buf_done) struct buf record = {0};
	CLEANUP(buf_wipe) struct buf plain = {0};
	AUTOFREE char *what = context(c, "delta");
	size_t limit = c->base_size > JOURNAL_MIN ? c->base_size : JOURNAL_MIN;
	size_t n;

	if (c->base_size == 0 || c->journal_size > limit)
		return cache_save(c, after, e);
	delta_write(&plain, d);
	buf_add(&record, "\0\0\0\0", 4);
	seal_with_secret(&c->key, what, plain.data, plain.len, &record);
	n = record.len - 4;
	for (int i = 0; i < 4; i++)
		record.data[i] = (char)(uint8_t)(n >> (24 - 8 * i));
	if (write(c->fd, record.data, record.len) != (ssize_t)record.len || fdatasync(c->fd) < 0)
		return cache_save(c, after, e);
	c->journal_size += record.len;
	return 0;
}

void cache_close(struct cache *c)
{
	if (c->base == NULL)
		return; /* never opened: a zero struct's fd is not ours */
	if (c->fd >= 0)
		close(c->fd);
	mem_free(c->base);
	mem_free(c->journal);
	mem_free(c->node);
	secret_wipe(&c->key);
	*c = (struct cache){.fd = -1};
}
