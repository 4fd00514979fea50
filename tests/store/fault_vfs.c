/* DOC: see fault_vfs.h. One mutex guards the record; hooks run without it. */
#include "fault_vfs.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/vec.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512

struct bytes {
	unsigned char *p;
	size_t n, cap;
};

/* A write, or (data NULL) a truncation to offset. */
struct change {
	size_t offset, n;
	unsigned char *data;
};

struct watched {
	char *name; /* without the folder */
	struct bytes durable;
	VEC(struct change) changes; /* since the last sync */
};

static struct {
	pthread_mutex_t lock;
	char dir[128];
	void (*hook)(void *arg);
	void *arg;
	VEC(struct watched) files;
	uint64_t operations, fail_at;
	int fail_code, fired;
	sqlite3_vfs vfs, *real;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct fault_file {
	sqlite3_file base;
	char name[64]; /* of the watched file; "" = not watched */
	sqlite3_file *real;
};

static void apply(struct bytes *b, const struct change *c, size_t from, size_t n)
{
	size_t end = c->offset + from + n;

	if (c->data == NULL) {
		if (b->n > c->offset)
			b->n = c->offset;
		return;
	}
	if (end > b->n) {
		if (end > b->cap) {
			b->cap = 2 * end; /* a log grows by the frame */
			b->p = mem_resize(b->p, b->cap, 1);
		}
		memset(b->p + b->n, 0, end - b->n);
		b->n = end;
	}
	memcpy(b->p + c->offset + from, c->data + from, n);
}

static void changes_done(struct watched *w)
{
	VEC_FOREACH (c, &w->changes)
		mem_free(c->data);
	VEC_DONE(&w->changes);
}

static struct watched *find(const char *name)
{
	VEC_FOREACH (w, &disk.files)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}

/* Counts; runs the hook; the code to fail with, or 0. */
static int operation(const struct fault_file *f)
{
	int code = 0;

	if (f->name[0] == '\0')
		return 0;
	if (disk.hook != NULL)
		disk.hook(disk.arg);
	pthread_mutex_lock(&disk.lock);
	disk.operations++;
	if (disk.fail_at != 0 && --disk.fail_at == 0) {
		code = disk.fail_code;
		disk.fired = 1;
	}
	pthread_mutex_unlock(&disk.lock);
	return code;
}

static void record(const struct fault_file *f, size_t offset, const void *data, size_t n)
{
	struct watched *w;
	struct change c = {offset, n, data == NULL ? NULL : mem_dup(data, n)};

	pthread_mutex_lock(&disk.lock);
	w = f->name[0] == '\0' ? NULL : find(f->name);
	if (w != NULL)
		VEC_PUSH(&w->changes, c);
	else
		mem_free(c.data);
	pthread_mutex_unlock(&disk.lock);
}

static void record_sync(const struct fault_file *f)
{
	struct watched *w;

	pthread_mutex_lock(&disk.lock);
	w = f->name[0] == '\0' ? NULL : find(f->name);
	if (w != NULL) {
		VEC_FOREACH (c, &w->changes)
			apply(&w->durable, c, 0, c->n);
		changes_done(w);
	}
	pthread_mutex_unlock(&disk.lock);
}

/* --- the file --------------------------------------------------------------------------------- */

#define REAL(f) (((struct fault_file *)(void *)(f))->real)
#define SELF(f) ((struct fault_file *)(void *)(f))

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 offset)
{
	int code = operation(SELF(f));

	if (code == 0)
		code = REAL(f)->pMethods->xWrite(REAL(f), p, n, offset);
	else if (code == SQLITE_IOERR_FSYNC)
		code = SQLITE_IOERR_WRITE;
	if (code == SQLITE_OK)
		record(SELF(f), (size_t)offset, p, (size_t)n);
	return code;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int code = operation(SELF(f));

	if (code == 0)
		code = REAL(f)->pMethods->xTruncate(REAL(f), size);
	if (code == SQLITE_OK)
		record(SELF(f), (size_t)size, NULL, 0);
	return code;
}

static int f_sync(sqlite3_file *f, int flags)
{
	int code = operation(SELF(f));

	/* The real sync is left out: the record is what counts, and the test is quicker. */
	if (code == SQLITE_OK)
		record_sync(SELF(f));
	return code;
}

static int f_close(sqlite3_file *f)
{
	int code = REAL(f)->pMethods->xClose(REAL(f));

	mem_free(REAL(f));
	return code;
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 offset)
{
	return REAL(f)->pMethods->xRead(REAL(f), p, n, offset);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int f_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int f_reserved(sqlite3_file *f, int *ret)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

/* Promises nothing: no atomic writes, no order, no safe append, no power-safe overwrite. */
static int f_device(sqlite3_file *f)
{
	return 0;
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, ret);
}

static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int f_shm_unmap(sqlite3_file *f, int remove)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = f_close,
	.xRead = f_read,
	.xWrite = f_write,
	.xTruncate = f_truncate,
	.xSync = f_sync,
	.xFileSize = f_size,
	.xLock = f_lock,
	.xUnlock = f_unlock,
	.xCheckReservedLock = f_reserved,
	.xFileControl = f_control,
	.xSectorSize = f_sector,
	.xDeviceCharacteristics = f_device,
	.xShmMap = f_shm_map,
	.xShmLock = f_shm_lock,
	.xShmBarrier = f_shm_barrier,
	.xShmUnmap = f_shm_unmap,
};

/* --- the disk --------------------------------------------------------------------------------- */

/* The part behind the watched folder, or NULL. */
static const char *inside(const char *path)
{
	size_t n = strlen(disk.dir);

	return path != NULL && n > 0 && strncmp(path, disk.dir, n) == 0 && path[n] == '/'
		? path + n + 1
		: NULL;
}

static int v_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags, int *out)
{
	struct fault_file *f = SELF(file);
	const char *name = inside(path);
	int code;

	memset(f, 0, sizeof(*f));
	f->real = mem_zalloc((size_t)disk.real->szOsFile);
	code = disk.real->xOpen(disk.real, path, f->real, flags, out);
	if (code != SQLITE_OK) {
		f->real = mem_free(f->real);
		return code;
	}
	f->base.pMethods = &methods;
	if (name == NULL)
		return code;
	snprintf(f->name, sizeof(f->name), "%s", name);
	pthread_mutex_lock(&disk.lock);
	if (find(name) == NULL) {
		struct watched w = {.name = mem_strdup(name)};

		VEC_PUSH(&disk.files, w);
	}
	pthread_mutex_unlock(&disk.lock);
	return code;
}

static int v_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	const char *name = inside(path);

	pthread_mutex_lock(&disk.lock);
	for (size_t i = 0; name != NULL && i < disk.files.n; i++) {
		struct watched *w = &disk.files.v[i];

		if (strcmp(w->name, name) != 0)
			continue;
		changes_done(w);
		mem_free(w->durable.p);
		mem_free(w->name);
		VEC_REMOVE(&disk.files, i);
		break;
	}
	pthread_mutex_unlock(&disk.lock);
	return disk.real->xDelete(disk.real, path, sync_dir);
}

void fault_begin(const char *dir, void (*hook)(void *arg), void *arg)
{
	if (disk.real == NULL) {
		disk.real = sqlite3_vfs_find(NULL);
		disk.vfs = *disk.real;
		disk.vfs.zName = "fault";
		disk.vfs.szOsFile = sizeof(struct fault_file);
		disk.vfs.xOpen = v_open;
		disk.vfs.xDelete = v_delete;
		disk.vfs.pNext = NULL;
	}
	snprintf(disk.dir, sizeof(disk.dir), "%s", dir);
	disk.hook = hook;
	disk.arg = arg;
	disk.operations = disk.fail_at = 0;
	disk.fired = 0;
	sqlite3_vfs_register(&disk.vfs, 1);
}

void fault_end(void)
{
	sqlite3_vfs_register(disk.real, 1);
	sqlite3_vfs_unregister(&disk.vfs);
	disk.dir[0] = '\0';
	VEC_FOREACH (w, &disk.files) {
		changes_done(w);
		mem_free(w->durable.p);
		mem_free(w->name);
	}
	VEC_DONE(&disk.files);
}

void fault_fail(uint64_t n, int code)
{
	pthread_mutex_lock(&disk.lock);
	disk.fail_at = n;
	disk.fail_code = code;
	disk.fired = 0;
	pthread_mutex_unlock(&disk.lock);
}

uint64_t fault_operations(void)
{
	return disk.operations;
}

int fault_fired(void)
{
	return disk.fired;
}

/* Of the changes since the sync: all, none, or each one whole, not at all, or some sectors. */
static void after_cut(const struct watched *w, struct rand *r, struct bytes *b)
{
	uint64_t mood = rand_below(r, 4);

	b->n = w->durable.n;
	b->cap = w->durable.cap;
	b->p = mem_alloc(b->cap);
	if (b->n > 0)
		memcpy(b->p, w->durable.p, b->n);
	VEC_FOREACH (c, &w->changes) {
		uint64_t luck = mood == 0 ? 0 : mood == 1 ? 1 : rand_below(r, 3);

		if (luck == 0)
			continue;
		if (luck == 1 || c->data == NULL) {
			apply(b, c, 0, c->n);
			continue;
		}
		for (size_t at = 0; at < c->n; at += SECTOR)
			if (rand_below(r, 2))
				apply(b, c, at, c->n - at < SECTOR ? c->n - at : SECTOR);
	}
}

void fault_snapshot(const char *dir, uint64_t seed)
{
	struct rand r = {seed};

	pthread_mutex_lock(&disk.lock);
	VEC_FOREACH (w, &disk.files) {
		AUTOFREE char *path = mem_printf("%s/%s", dir, w->name);
		struct bytes b;
		FILE *f = fopen(path, "wb");

		after_cut(w, &r, &b);
		if (f == NULL || fwrite(b.p, 1, b.n, f) != b.n || fclose(f) != 0)
			abort();
		mem_free(b.p);
	}
	pthread_mutex_unlock(&disk.lock);
}
