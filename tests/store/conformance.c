/*
 * DOC: one suite for every engine: objects, unique constraints, isolation of failing jobs, lists,
 * leases, outbox, audit, secrets, and many threads at once. It uses the public interface only.
 */
#include "conformance.h"

#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct store_engine *engine;
static const char *(*fresh)(void);
static void (*gone)(void);
static const char *path;
static struct clock clock_test;
static struct store *store;

static int setup(void **state)
{
	path = fresh();
	clock_test = clock_fake(1700000000000, 0);
	if (store_open(engine, path, &clock_test, &store, NULL) < 0)
		return -1;
	world_make(store);
	return 0;
}

static int teardown(void **state)
{
	store = store_close(store);
	gone();
	return 0;
}

static void reopen(void)
{
	store = store_close(store);
	assert_int_equal(store_open(engine, path, &clock_test, &store, NULL), 0);
}

/* Run in one transaction of its own; the error is kept for the test to look at. */
static struct err last;
static int change(store_fn fn, void *arg)
{
	last = (struct err){0};
	return store_write_wait(store, fn, arg, &last);
}

static int look(store_fn fn, void *arg)
{
	last = (struct err){0};
	return store_read(store, fn, arg, &last);
}

#define OK(call)                                                                   \
	do {                                                                       \
		int code_ = (call);                                                \
		if (code_ < 0)                                                     \
			fail_msg("%s: %s: %s", #call, err_name(code_), last.text); \
	} while (0)

/* --- objects ---------------------------------------------------------------------------------- */

static struct device a_device(const char *name)
{
	struct device d = {.kind = DEVICE_SITE,
		.name = mem_strdup(name),
		.description = mem_strdup("100% \\ \"sure\" 'quoted' _\xc3\xa4\n"),
		.expires_at = -5,
		.full_tunnel = true,
		.keepalive = -1,
		.mtu = UINT32_MAX,
		.rx = 1ull << 62};

	id_make("cl", 1700000000000, d.id);
	id_copy(d.project, world.project);
	id_copy(d.network, world.network);
	memset(d.public_key.bytes, 0x17, KEY_LEN);
	memcpy(d.public_key.bytes, d.id + strlen(d.id) - 8, 8);
	addr_parse("fd00::1:2", &d.ipv6);
	strs_push(&d.tags, "a b");
	strs_push(&d.tags, "");
	strs_push(&d.tags, "x\n\\n\ty");
	return d;
}

static int insert_device(struct tx *tx, void *arg, struct err *e)
{
	return tx_insert(tx, &schema_device, arg, e);
}

static int update_device(struct tx *tx, void *arg, struct err *e)
{
	return tx_update(tx, &schema_device, arg, e);
}

struct get {
	const char *id;
	struct device out;
};

static int get_device(struct tx *tx, void *arg, struct err *e)
{
	struct get *g = arg;

	return tx_get(tx, &schema_device, g->id, &g->out, e);
}

static int delete_device(struct tx *tx, void *arg, struct err *e)
{
	return tx_delete(tx, &schema_device, arg, e);
}

static void expect_stored(const struct device *d)
{
	struct get g = {.id = d->id};

	OK(look(get_device, &g));
	assert_true(schema_equal(&schema_device, d, &g.out));
	schema_done(&schema_device, &g.out);
}

static void test_objects(void **state)
{
	struct device d = a_device("John's \xe2\x82\xac phone");
	struct get g = {.id = "cl_none"};

	OK(change(insert_device, &d));
	expect_stored(&d);
	mem_free(d.description);
	d.description = NULL;
	d.enabled = true;
	addr_parse("10.0.0.9", &d.ipv4);
	OK(change(update_device, &d));
	expect_stored(&d);
	reopen();
	expect_stored(&d);
	assert_int_equal(look(get_device, &g), ERR_NOT_FOUND);
	assert_non_null(strstr(last.text, "cl_none"));
	OK(change(delete_device, d.id));
	assert_int_equal(change(delete_device, d.id), ERR_NOT_FOUND);
	assert_int_equal(change(update_device, &d), ERR_NOT_FOUND);
	/* A read transaction changes nothing. */
	assert_int_equal(look(insert_device, &d), ERR_INTERNAL);
	d.kind = 99;
	assert_int_equal(change(insert_device, &d), ERR_INVALID);
	assert_string_equal(last.field, "kind");
	schema_done(&schema_device, &d);
}

/* Every field of every schema has a column that takes and gives back a value. */
static int every_schema(struct tx *tx, void *arg, struct err *e)
{
	for (size_t i = 0; schemas[i] != NULL; i++) {
		const struct schema *s = schemas[i];
		void *in, *out;
		int code;

		if (s == &schema_audit)
			continue; /* has a column of its own; test_audit */
		in = mem_zalloc(s->size);
		out = mem_zalloc(s->size);
		for (size_t f = 0; f < s->n; f++) {
			if (s->fields[f].type == FIELD_ID)
				snprintf(field_at(&s->fields[f], in), ID_LEN, "x_%zu", f);
			else if (s->fields[f].type == FIELD_STR)
				*(char **)field_at(&s->fields[f], in) =
					mem_printf("%s-%zu", s->fields[f].name, i);
			else if (s->fields[f].type == FIELD_U64)
				*(uint64_t *)field_at(&s->fields[f], in) = f;
		}
		code = tx_insert(tx, s, in, e);
		if (code == 0)
			code = tx_get(tx, s, field_at(&s->fields[0], in), out, e);
		if (code < 0)
			err_prefix(e, "%s", s->name);
		else if (!schema_equal(s, in, out))
			code = err_set(e, ERR_INTERNAL, "%s comes back changed", s->name);
		schema_free(s, in);
		schema_free(s, out);
		if (code < 0)
			return code;
	}
	return 0;
}

static void test_every_schema(void **state)
{
	OK(change(every_schema, NULL));
}

struct finding {
	const char *column, *value, *id;
};

static int find_device(struct tx *tx, void *arg, struct err *e)
{
	struct finding *f = arg;
	struct device d = {0};
	int code = tx_find(
		tx, &schema_device, &d, e, "network", world.network, f->column, f->value, NULL);

	if (code == 0)
		assert_string_equal(d.id, f->id);
	schema_done(&schema_device, &d);
	return code;
}

static void test_find(void **state)
{
	struct create a = create_named("one"), b = create_named("two");
	char text[ADDR_TEXT_LEN];

	OK(change(create_device, &a));
	OK(change(create_device, &b));
	OK(look(find_device, &(struct finding){"name", "two", b.out.id}));
	OK(look(find_device, &(struct finding){"dns_name", "one", a.out.id}));
	OK(look(find_device, &(struct finding){"ipv4", addr_format(b.out.ipv4, text), b.out.id}));
	OK(look(find_device, &(struct finding){"enabled", "true", a.out.id}));
	assert_int_equal(look(find_device, &(struct finding){"name", "TWO", ""}), ERR_NOT_FOUND);
	assert_int_equal(look(find_device, &(struct finding){"nmae", "x", ""}), ERR_INVALID);
	assert_string_equal(last.field, "nmae");
	assert_int_equal(look(find_device, &(struct finding){"enabled", "x", ""}), ERR_INVALID);
	assert_int_equal(look(find_device, &(struct finding){"kind", "x", ""}), ERR_INVALID);
	create_done(&a);
	create_done(&b);
}

/* --- unique constraints ----------------------------------------------------------------------- */

static int insert_any(struct tx *tx, void *arg, struct err *e)
{
	const void *const *p = arg;

	return tx_insert(tx, p[0], p[1], e);
}

static void expect_taken(const struct schema *s, const void *object, const char *field)
{
	assert_int_equal(change(insert_any, (const void *[]){s, object}), ERR_EXISTS);
	assert_string_equal(last.field, field);
}

static void test_unique(void **state)
{
	struct device d = a_device("one"), other;
	struct user u = {.id = "usr_1", .name = (char *)"root"};
	struct token t = {.id = "tok_1", .name = (char *)"t", .hash = (char *)"5ec4e7"};
	struct member m = {.id = "mem_1", .network = "net_0", .node = "node_0"};
	struct network n = {.id = "net_1", .project = "prj_0", .name = (char *)"default"};

	d.dns_name = mem_strdup("one");
	addr_parse("10.0.0.7", &d.ipv4);
	OK(change(insert_device, &d));
#define EXPECT(field_, ...)                               \
	other = (struct device){.name = (char *)"other"}; \
	id_make("cl", 1700000000000, other.id);           \
	id_copy(other.network, world.network);            \
	__VA_ARGS__;                                      \
	expect_taken(&schema_device, &other, field_)
	EXPECT("id", id_copy(other.id, d.id));
	EXPECT("name", other.name = d.name);
	assert_non_null(strstr(last.text, "\"one\""));
	EXPECT("dns_name", other.dns_name = d.dns_name);
	EXPECT("public_key", other.public_key = d.public_key);
	EXPECT("ipv4", other.ipv4 = d.ipv4);
	EXPECT("ipv6", other.ipv6 = d.ipv6);
#undef EXPECT
	/* Names tell case apart; what is unset never collides; networks do not meet. */
	other = (struct device){.id = "cl_a", .network = "net_0", .name = (char *)"ONE"};
	OK(change(insert_device, &other));
	other = (struct device){.id = "cl_b", .network = "net_0", .name = (char *)"o"};
	OK(change(insert_device, &other));
	other = (struct device){.id = "cl_c", .network = "net_x", .name = d.name, .ipv4 = d.ipv4};
	OK(change(insert_device, &other));
	/* Also by update. */
	other = (struct device){.id = "cl_b", .network = "net_0", .name = d.name};
	assert_int_equal(change(update_device, &other), ERR_EXISTS);
	assert_string_equal(last.field, "name");
	schema_done(&schema_device, &d);

	expect_taken(&schema_network, &n, "name");
	OK(change(insert_any, (const void *[]){&schema_user, &u}));
	strcpy(u.id, "usr_2");
	expect_taken(&schema_user, &u, "name");
	OK(change(insert_any, (const void *[]){&schema_token, &t}));
	strcpy(t.id, "tok_2");
	expect_taken(&schema_token, &t, "hash");
	assert_null(strstr(last.text, "5ec4e7")); /* hidden fields are not quoted */
	OK(change(insert_any, (const void *[]){&schema_member, &m}));
	strcpy(m.id, "mem_2");
	expect_taken(&schema_member, &m, "node");
}

/* --- jobs ------------------------------------------------------------------------------------- */

struct burst {
	struct create create;
	int result, order;
	char text[64];
};
static int done_count;

static int burst_job(struct tx *tx, void *arg, struct err *e)
{
	struct burst *b = arg;
	int code = create_device(tx, &b->create, e);

	if (code < 0)
		err_set(e, code, "no %s", b->create.name);
	return code;
}

static void burst_done(void *arg, int result, const struct err *e)
{
	struct burst *b = arg;

	b->result = result;
	b->order = done_count++;
	snprintf(b->text, sizeof(b->text), "%s", result < 0 ? e->text : "");
}

static int nothing(struct tx *tx, void *arg, struct err *e)
{
	return 7;
}

static int count_devices(struct tx *tx, void *arg, struct err *e)
{
	return tx_count(tx, &schema_device, NULL, arg, e);
}

static int total_devices(void)
{
	uint64_t n = 0;

	OK(look(count_devices, &n));
	return (int)n;
}

struct column_ask {
	const char *column;
	struct tx_filter filters[6];
	char got[400];
};

static void take_value(void *arg, const char *value)
{
	char *got = arg;

	snprintf(got + strlen(got), 400 - strlen(got), "%s,", value);
}

static int read_column(struct tx *tx, void *arg, struct err *e)
{
	struct column_ask *a = arg;

	return tx_column(tx, &schema_network, a->column, a->filters, take_value, a->got, e);
}

static int two_networks(struct tx *tx, void *arg, struct err *e)
{
	static const char *const names[] = {"left", "right"};
	struct network n = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < 2; i++) {
		id_make("net", tx_now(tx), n.id);
		id_copy(n.project, "prj_columns");
		n.name = (char *)(uintptr_t)names[i];
		r = tx_insert(tx, &schema_network, &n, e);
	}
	return r;
}

static void test_column_of_many(void **state)
{
	struct column_ask both = {"name", {{"project", "prj_columns"}}, ""},
			  one = {"project", {{"project", "prj_columns"}, {"name", "right"}}, ""},
			  number = {"mtu", {{NULL, NULL}}, ""};

	OK(change(two_networks, NULL));
	OK(look(read_column, &both));
	assert_true(strcmp(both.got, "left,right,") == 0 || strcmp(both.got, "right,left,") == 0);
	OK(look(read_column, &one));
	assert_string_equal(one.got, "prj_columns,");
	assert_int_equal(look(read_column, &number), ERR_INTERNAL);
}

/* Of many jobs in the same commit the failing ones leave nothing: no row, no lease, no gap. */
static void test_isolation(void **state)
{
	static struct burst bursts[100];
	int created = 0;

	done_count = 0;
	for (int i = 0; i < 100; i++) {
		bursts[i] = (struct burst){.create = create_named("d%d", i), .result = 99};
		bursts[i].create.fail = i % 3 == 1 ? ERR_DENIED : 0;
		store_write(store, burst_job, &bursts[i], burst_done);
	}
	assert_int_equal(change(nothing, NULL), 7);
	for (int i = 0; i < 100; i++) {
		struct get g = {.id = bursts[i].create.out.id};

		assert_int_equal(bursts[i].order, i);
		if (i % 3 == 1) {
			assert_int_equal(bursts[i].result, ERR_DENIED);
			assert_string_equal(bursts[i].text + 3, bursts[i].create.name);
			assert_int_equal(look(get_device, &g), ERR_NOT_FOUND);
		} else {
			assert_int_equal(bursts[i].result, 0);
			assert_true(bursts[i].create.out.ipv4.bits ==
				world.v4_first.bits + (unsigned)created++);
			expect_stored(&bursts[i].create.out);
		}
		create_done(&bursts[i].create);
	}
	assert_int_equal(total_devices(), created);
}

static int seen_devices(void *arg, const void *object)
{
	++*(int *)arg;
	return 0;
}

static int read_twice(struct tx *tx, void *arg, struct err *e)
{
	struct create *c = arg;
	int before = 0, after = 0;
	int code = tx_list(
		tx, &schema_device, &(struct tx_query){0}, seen_devices, &before, NULL, NULL, e);

	if (code == 0)
		code = store_write_wait(store, create_device, c, e);
	if (code == 0)
		code = tx_list(tx, &schema_device, &(struct tx_query){0}, seen_devices, &after,
			NULL, NULL, e);
	assert_int_equal(before, after);
	return code;
}

static void test_snapshot(void **state)
{
	struct create c = create_named("late");

	OK(look(read_twice, &c));
	assert_int_equal(total_devices(), 1);
	create_done(&c);
}

static int write_from_writer(struct tx *tx, void *arg, struct err *e)
{
	return store_write_wait(store, nothing, NULL, e);
}

static void test_writer_does_not_wait_for_itself(void **state)
{
	assert_int_equal(change(write_from_writer, NULL), ERR_INTERNAL);
}

#define CROWD 8
struct crowd {
	pthread_t thread;
	int number, created;
};

static void *crowd_work(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < 2 * WORLD_POOL / CROWD; i++) {
		struct create create = create_named("t%d-%d", c->number, i);
		int result;

		create.fail = i % 2 ? ERR_DENIED : 0;
		result = store_write_wait(store, create_device, &create, NULL);
		if (result == 0)
			c->created++;
		else if (create.fail == 0 || (result != ERR_DENIED && result != ERR_EXHAUSTED))
			return create_done(&create), "a create failed";
		create_done(&create);
	}
	return NULL;
}

static int every_address(void *arg, const void *object)
{
	const struct device *d = object;
	char *seen = arg;
	size_t i = (size_t)(d->ipv4.bits - world.v4_first.bits);

	assert_true(i < WORLD_POOL && seen[i] == 0);
	seen[i] = 1;
	return 0;
}

static int list_addresses(struct tx *tx, void *arg, struct err *e)
{
	return tx_list(
		tx, &schema_device, &(struct tx_query){0}, every_address, arg, NULL, NULL, e);
}

/* As many creates as there are addresses, as many failures among them: all are given, each once. */
static void test_crowd(void **state)
{
	struct crowd crowd[CROWD] = {0};
	struct create extra = create_named("one too many");
	char seen[WORLD_POOL] = {0};
	int created = 0;

	for (int i = 0; i < CROWD; i++) {
		crowd[i].number = i;
		assert_int_equal(pthread_create(&crowd[i].thread, NULL, crowd_work, &crowd[i]), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		void *failure;

		pthread_join(crowd[i].thread, &failure);
		assert_null(failure);
		created += crowd[i].created;
	}
	assert_int_equal(created, WORLD_POOL);
	OK(look(list_addresses, seen));
	assert_null(memchr(seen, 0, sizeof(seen)));
	assert_int_equal(change(create_device, &extra), ERR_EXHAUSTED);
	create_done(&extra);
}

/* --- leases ----------------------------------------------------------------------------------- */

struct lease {
	const char *first, *last; /* last NULL: this very address */
	const char *owner;
	msec rest;
	char got[ADDR_TEXT_LEN];
};

static int lease_job(struct tx *tx, void *arg, struct err *e)
{
	struct lease *l = arg;
	struct addr first, last_addr, got;
	int code;

	assert_int_equal(addr_parse(l->first, &first), 0);
	if (l->last == NULL)
		return tx_lease_exact(tx, "net_l", first, l->owner, e);
	assert_int_equal(addr_parse(l->last, &last_addr), 0);
	code = tx_lease(tx, "net_l", first, last_addr, l->owner, l->rest, &got, e);
	if (code == 0)
		addr_format(got, l->got);
	return code;
}

static int free_job(struct tx *tx, void *arg, struct err *e)
{
	return tx_lease_free(tx, arg, e);
}

static void expect_lease(const char *first, const char *end, const char *owner, const char *want)
{
	struct lease l = {first, end, owner, 1000, ""};

	OK(change(lease_job, &l));
	assert_string_equal(l.got, want);
}

static int lease_code(const char *first, const char *end, const char *owner)
{
	return change(lease_job, &(struct lease){first, end, owner, 1000, ""});
}

static void test_lease_rest(void **state)
{
	expect_lease("10.1.0.5", "10.1.0.8", "a", "10.1.0.5");
	expect_lease("10.1.0.5", "10.1.0.8", "b", "10.1.0.6");
	OK(change(free_job, (void *)(uintptr_t) "b"));
	clock_test.fake_wall += 10;
	OK(change(free_job, (void *)(uintptr_t) "a"));
	clock_test.fake_wall += 5000;
	/* Rested, but fresh ones go first; then the one freed longest ago. */
	expect_lease("10.1.0.5", "10.1.0.8", "c", "10.1.0.7");
	expect_lease("10.1.0.5", "10.1.0.8", "d", "10.1.0.8");
	expect_lease("10.1.0.5", "10.1.0.8", "e", "10.1.0.6");
	expect_lease("10.1.0.5", "10.1.0.8", "f", "10.1.0.5");
	assert_int_equal(lease_code("10.1.0.5", "10.1.0.8", "g"), ERR_EXHAUSTED);
	assert_non_null(strstr(last.text, "10.1.0.5-10.1.0.8"));
	/* Not yet rested: still exhausted; a millisecond later it is given. */
	OK(change(free_job, (void *)(uintptr_t) "c"));
	clock_test.fake_wall += 999;
	assert_int_equal(lease_code("10.1.0.5", "10.1.0.8", "g"), ERR_EXHAUSTED);
	clock_test.fake_wall += 1;
	expect_lease("10.1.0.5", "10.1.0.8", "g", "10.1.0.7");
	/* A range that grows goes on where it was. */
	expect_lease("10.1.0.5", "10.1.0.9", "h", "10.1.0.9");
	/* Freeing what holds nothing is no error; nobody's leases cannot be freed. */
	OK(change(free_job, (void *)(uintptr_t) "nobody"));
	assert_int_equal(change(free_job, (void *)(uintptr_t) ""), ERR_INVALID);
}

static int forget_job(struct tx *tx, void *arg, struct err *e)
{
	return tx_lease_forget(tx, arg, e);
}

/* A network that is gone keeps nothing: held, at rest, or counted. */
static void test_lease_forget(void **state)
{
	expect_lease("10.1.0.5", "10.1.0.8", "a", "10.1.0.5");
	expect_lease("10.1.0.5", "10.1.0.8", "b", "10.1.0.6");
	OK(change(free_job, (void *)(uintptr_t) "a"));
	OK(change(forget_job, (void *)(uintptr_t) "net_other"));
	expect_lease("10.1.0.5", "10.1.0.8", "c", "10.1.0.7");
	OK(change(forget_job, (void *)(uintptr_t) "net_l"));
	expect_lease("10.1.0.5", "10.1.0.8", "d", "10.1.0.5");
	OK(lease_code("10.1.0.6", NULL, "e"));
}

static void test_lease_exact(void **state)
{
	OK(lease_code("10.1.0.2", NULL, "x"));
	assert_int_equal(lease_code("10.1.0.2", NULL, "y"), ERR_EXISTS);
	assert_non_null(strstr(last.text, "held by x"));
	/* The cursor steps over it; the end of the address space is an end. */
	expect_lease("10.1.0.1", "10.1.0.3", "a", "10.1.0.1");
	expect_lease("10.1.0.1", "10.1.0.3", "b", "10.1.0.3");
	assert_int_equal(lease_code("10.1.0.1", "10.1.0.3", "c"), ERR_EXHAUSTED);
	/* Freed, it may be asked for again at once, and the range gets it after its rest. */
	OK(change(free_job, (void *)(uintptr_t) "x"));
	OK(lease_code("10.1.0.2", NULL, "y"));
	OK(change(free_job, (void *)(uintptr_t) "y"));
	assert_int_equal(lease_code("10.1.0.1", "10.1.0.3", "c"), ERR_EXHAUSTED);
	clock_test.fake_wall += 1000;
	expect_lease("10.1.0.1", "10.1.0.3", "c", "10.1.0.2");
	expect_lease("255.255.255.254", "255.255.255.255", "d", "255.255.255.254");
	expect_lease("255.255.255.254", "255.255.255.255", "d", "255.255.255.255");
	assert_int_equal(lease_code("255.255.255.254", "255.255.255.255", "d"), ERR_EXHAUSTED);
	assert_int_equal(lease_code("10.1.0.3", "10.1.0.1", "d"), ERR_INVALID);
	assert_int_equal(lease_code("10.1.0.3", "fd00::1", "d"), ERR_INVALID);
}

static void test_lease_ipv6(void **state)
{
	const char *top = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

	expect_lease("fd00::1", "fd00::ffff:ffff:ffff:ffff", "a", "fd00::1");
	expect_lease("fd00::1", "fd00::ffff:ffff:ffff:ffff", "b", "fd00::2");
	OK(change(free_job, (void *)(uintptr_t) "b"));
	clock_test.fake_wall += 5000;
	expect_lease("fd00::1", "fd00::ffff:ffff:ffff:ffff", "c", "fd00::3");
	expect_lease(top, top, "a", top);
	assert_int_equal(lease_code(top, top, "b"), ERR_EXHAUSTED);
	/* 0.0.0.5 and ::5 are two addresses. */
	OK(lease_code("0.0.0.5", NULL, "x"));
	OK(lease_code("::5", NULL, "y"));
}

/* --- lists ------------------------------------------------------------------------------------ */

struct page {
	struct tx_query q;
	struct strs names;
	struct buf next;
	uint64_t total;
	int stop_after;
};

static int page_row(void *arg, const void *object)
{
	struct page *p = arg;

	strs_push(&p->names, ((const struct device *)object)->name);
	return p->stop_after != 0 && (int)p->names.n == p->stop_after;
}

static int page_job(struct tx *tx, void *arg, struct err *e)
{
	struct page *p = arg;

	return tx_list(tx, &schema_device, &p->q, page_row, p, &p->next, &p->total, e);
}

static void page_done(struct page *p)
{
	strs_done(&p->names);
	buf_done(&p->next);
}

static void insert_named(const char *name, msec created, uint64_t rx)
{
	struct device d = a_device(name);

	id_make("cl", 1700000000000, d.id);
	d.ipv6 = (struct addr){0};
	memcpy(d.public_key.bytes, d.id + strlen(d.id) - 30, 30);
	d.created_at = created;
	d.rx = rx;
	mem_free(d.description);
	d.description = mem_strdup(name[0] == 'z' ? "50% off_season" : "plain");
	OK(change(insert_device, &d));
	schema_done(&schema_device, &d);
}

/* Walk all pages of a query in pages of n; between two pages new rows come, before and behind. */
static void walk(const char *order, bool descending, size_t n, struct strs *names)
{
	char *after = NULL;

	for (int round = 0;; round++) {
		struct page p = {.q = {.order = order,
					 .descending = descending,
					 .limit = n,
					 .after = after,
					 .filters = {{"network", world.network}}}};
		char name[32];

		OK((round % 2 ? change : look)(page_job, &p));
		assert_true(p.names.n <= n && p.total >= p.names.n);
		VEC_FOREACH (s, &p.names)
			strs_push(names, *s);
		mem_free(after);
		after = buf_take(&p.next);
		page_done(&p);
		if (*after == '\0')
			break;
		assert_true(round < 100);
		if (round < 4) {
			snprintf(name, sizeof(name), "%s-new%d", order == NULL ? "id" : order,
				round);
			insert_named(name, round * 7, 3);
		}
	}
	mem_free(after);
}

static void test_pages(void **state)
{
	static const struct {
		const char *order;
		bool descending;
	} ways[] = {{NULL, false}, {NULL, true}, {"name", false}, {"name", true}, {"rx", false},
		{"created_at", true}};
	char name[32];

	for (int i = 0; i < 23; i++) {
		snprintf(name, sizeof(name), "old%02d", i);
		insert_named(name, i * i % 10, (uint64_t)i % 3);
	}
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		struct strs names = {0};

		walk(ways[w].order, ways[w].descending, 4, &names);
		for (int i = 0; i < 23; i++) {
			size_t times = 0;

			snprintf(name, sizeof(name), "old%02d", i);
			VEC_FOREACH (s, &names)
				times += strcmp(*s, name) == 0;
			assert_int_equal(times, 1); /* none lost, none twice */
		}
		/* Rows that came meanwhile may be there, once. */
		VEC_FOREACH (s, &names)
			for (char **t = s + 1; t < names.v + names.n; t++)
				assert_string_not_equal(*s, *t);
		for (size_t i = 1;
			ways[w].order != NULL && !strcmp(ways[w].order, "name") && i < names.n; i++)
			assert_true(ways[w].descending ? strcmp(names.v[i - 1], names.v[i]) > 0
						       : strcmp(names.v[i - 1], names.v[i]) < 0);
		strs_done(&names);
		/* New names must stay new in the next walk. */
		teardown(NULL);
		setup(NULL);
		for (int i = 0; i < 23; i++) {
			snprintf(name, sizeof(name), "old%02d", i);
			insert_named(name, i * i % 10, (uint64_t)i % 3);
		}
	}
}

static void expect_search(const char *search, const char *value, uint64_t total)
{
	struct page p = {.q = {.search = search, .filters = {{"rx", value}, {NULL, "x"}}}};

	OK(look(page_job, &p));
	assert_int_equal(p.names.n, total);
	assert_int_equal(p.total, total);
	assert_string_equal(buf_str(&p.next), "");
	page_done(&p);
}

static void test_search(void **state)
{
	insert_named("Alpha", 1, 1);
	insert_named("beta", 2, 2);
	insert_named("zeta", 3, 2);
	expect_search(NULL, NULL, 3);
	expect_search("", NULL, 3);
	expect_search("ALPHA", NULL, 1);
	expect_search("eta", NULL, 2);
	expect_search("eta", "2", 2);
	expect_search("eta", "1", 0);
	expect_search("0%", NULL, 1);
	expect_search("f_s", NULL, 1);
	expect_search("%", NULL, 1);
	expect_search("_", NULL, 1);
	expect_search("\\", NULL, 0);
	expect_search("' OR 1=1 --", NULL, 0);
	expect_search(NULL, "2", 2);
}

/* An address in a log, a name in DNS: whose is it? Digits alone are no address. */
static void test_search_for_addresses(void **state)
{
	struct device d = a_device("Beta 7");

	d.dns_name = mem_strdup("beta-7");
	addr_parse("172.30.100.7", &d.ipv4);
	addr_parse("fd00:30::7", &d.ipv6);
	d.rx = 1;
	OK(change(insert_device, &d));
	schema_done(&schema_device, &d);
	expect_search("beta-7", NULL, 1);
	expect_search("172.30.100.7", NULL, 1);
	expect_search("30.100.", NULL, 1);
	expect_search("FD00:30::7", NULL, 1);
	expect_search("172.30.100.8", NULL, 0);
	expect_search("172", NULL, 0);
}

static int list_code(struct tx_query q)
{
	struct page p = {.q = q};
	int code = look(page_job, &p);

	assert_int_equal(p.names.n, code < 0 ? 0 : p.names.n);
	page_done(&p);
	return code;
}

static void test_bad_queries(void **state)
{
	struct page p = {.q = {.limit = 1, .order = "name"}};
	static const char *const bad[] = {"x", "AAAA", "!!", "K25hbWUKY2wK", "K25hbWUK"};

	insert_named("a", 1, 1);
	insert_named("b", 1, 1);
	assert_int_equal(
		list_code((struct tx_query){.filters = {{"id\" = 1 --", "x"}}}), ERR_INVALID);
	assert_string_equal(last.field, "id\" = 1 --");
	assert_int_equal(list_code((struct tx_query){.filters = {{"rx", "many"}}}), ERR_INVALID);
	assert_string_equal(last.field, "rx");
	assert_int_equal(list_code((struct tx_query){.filters = {{"tags", "x"}}}), ERR_INVALID);
	assert_int_equal(list_code((struct tx_query){.order = "nope"}), ERR_INVALID);
	assert_int_equal(list_code((struct tx_query){.order = "tags"}), ERR_INVALID);
	OK(look(page_job, &p));
	assert_true(p.next.len > 0);
	/* A cursor is of one order and one direction. */
	assert_int_equal(list_code((struct tx_query){.after = buf_str(&p.next)}), ERR_INVALID);
	assert_string_equal(last.field, "after");
	assert_int_equal(list_code((struct tx_query){
				 .after = buf_str(&p.next), .order = "name", .descending = true}),
		ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int code = list_code((struct tx_query){.after = bad[i], .order = "name"});

		assert_true(code == ERR_INVALID || code == 0);
	}
	page_done(&p);
	/* Stopping early gives the place to go on from. */
	p = (struct page){.stop_after = 1, .q = {.order = "name"}};
	OK(change(page_job, &p));
	assert_int_equal(p.names.n, 1);
	p.q.after = buf_take(&p.next);
	p.stop_after = 0;
	OK(look(page_job, &p));
	assert_int_equal(p.names.n, 2);
	assert_string_equal(p.names.v[1], "b");
	mem_free((void *)(uintptr_t)p.q.after);
	page_done(&p);
}

/* A job may change the table it lists. */
struct sweep {
	struct tx *tx;
	struct err *e;
};

static int sweep_row(void *arg, const void *object)
{
	struct sweep *s = arg;

	return tx_delete(s->tx, &schema_device, ((const struct device *)object)->id, s->e);
}

static int sweep_job(struct tx *tx, void *arg, struct err *e)
{
	struct sweep s = {tx, e};

	return tx_list(tx, &schema_device, &(struct tx_query){.order = "name"}, sweep_row, &s, NULL,
		NULL, e);
}

static void test_sweep(void **state)
{
	char name[32];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		insert_named(name, 1, 1);
	}
	OK(change(sweep_job, NULL));
	assert_int_equal(total_devices(), 0);
}

/* --- outbox ----------------------------------------------------------------------------------- */

static struct seen {
	int rows, commits;
	uint64_t seq, revision;
	id_text object;
	char before[64], after[64];
	uint64_t node_revision; /* in the object, when it is a node */
	bool done_early;
} seen;
static int dones;

static void on_commit(void *arg, const struct outbox_row *rows, size_t n)
{
	assert_ptr_equal(arg, &seen);
	assert_true(n > 0);
	seen.commits++;
	for (size_t i = 0; i < n; i++) {
		const struct outbox_row *r = &rows[i];

		assert_true(r->seq > seen.seq);
		seen.seq = r->seq;
		seen.rows++;
		id_copy(seen.object, r->object);
		assert_string_equal(r->project, world.project);
		if (strcmp(r->table, "device") == 0) {
			const struct device *b = r->before, *a = r->after;

			snprintf(seen.before, sizeof(seen.before), "%s", b == NULL ? "-" : b->name);
			snprintf(seen.after, sizeof(seen.after), "%s", a == NULL ? "-" : a->name);
		}
		if (strcmp(r->table, "node") == 0 && r->after != NULL)
			seen.node_revision = ((const struct node *)r->after)->revision;
		for (size_t k = 0; k < r->n_nodes; k++) {
			assert_string_equal(r->nodes[k].node, world.node);
			assert_int_equal(r->nodes[k].previous, seen.revision);
			assert_int_equal(r->nodes[k].revision, seen.revision + 1);
			seen.revision++;
		}
	}
}

static void count_done(void *arg, int result, const struct err *e)
{
	struct create *c = arg;

	/* All rows of this commit were announced before the first done. */
	if (result == 0 && seen.rows <= dones)
		seen.done_early = true;
	if (result == 0)
		dones++;
	create_done(c);
}

static int rename_device(struct tx *tx, void *arg, struct err *e)
{
	struct device *d = arg, before = {0};
	int code = tx_get(tx, &schema_device, d->id, &before, e);

	if (code == 0)
		code = tx_update(tx, &schema_device, d, e);
	if (code == 0)
		code = tx_outbox(tx, &schema_device, d->project, d->network, &before, d, NULL, e);
	schema_done(&schema_device, &before);
	return code;
}

static int remove_device(struct tx *tx, void *arg, struct err *e)
{
	struct device *d = arg;
	struct id_vec nodes = {0};
	int code = tx_delete(tx, &schema_device, d->id, e);

	id_vec_add(&nodes, world.node);
	id_vec_add(&nodes, "node_gone");
	if (code == 0)
		code = tx_outbox(tx, &schema_device, d->project, d->network, d, NULL, &nodes, e);
	VEC_DONE(&nodes);
	return code;
}

static int disable_node(struct tx *tx, void *arg, struct err *e)
{
	struct node before = {0}, after = {0};
	struct id_vec nodes = {0};
	int code = tx_get(tx, &schema_node, world.node, &before, e);

	schema_copy(&schema_node, &after, &before);
	after.enabled = false;
	after.revision = 1; /* read long ago: must not set it back */
	id_vec_add(&nodes, world.node);
	if (code == 0)
		code = tx_outbox(tx, &schema_node, world.project, "", &before, &after, &nodes, e);
	if (code == 0)
		code = tx_update(tx, &schema_node, &after, e);
	schema_done(&schema_node, &before);
	schema_done(&schema_node, &after);
	VEC_DONE(&nodes);
	return code;
}

static int node_revision(struct tx *tx, void *arg, struct err *e)
{
	struct node n = {0};
	int code = tx_get(tx, &schema_node, world.node, &n, e);

	*(uint64_t *)arg = n.revision;
	assert_false(n.enabled);
	schema_done(&schema_node, &n);
	return code;
}

static void test_outbox(void **state)
{
	static struct create creates[40];
	struct create c = create_named("kept");
	uint64_t revision = 0;

	seen = (struct seen){.revision = 1};
	dones = 0;
	store_on_commit(store, on_commit, &seen);
	for (int i = 0; i < 40; i++) {
		creates[i] = create_named("d%d", i);
		creates[i].fail = i % 4 == 3 ? ERR_DENIED : 0;
		store_write(store, create_device, &creates[i], count_done);
	}
	OK(change(create_device, &c));
	assert_int_equal(seen.rows, 31);
	assert_int_equal(dones, 30);
	assert_false(seen.done_early);
	assert_string_equal(seen.before, "-");
	assert_string_equal(seen.after, "kept");
	assert_string_equal(seen.object, c.out.id);
	mem_free(c.out.name);
	c.out.name = mem_strdup("renamed");
	OK(change(rename_device, &c.out));
	assert_string_equal(seen.before, "kept");
	assert_string_equal(seen.after, "renamed");
	OK(change(remove_device, &c.out));
	assert_string_equal(seen.after, "-");
	assert_int_equal(seen.rows, 33);
	assert_int_equal(seen.revision, 33); /* 1, 31 creates, 1 delete */
	OK(change(disable_node, NULL));
	assert_int_equal(seen.revision, 34);
	assert_int_equal(seen.node_revision, 34);
	OK(look(node_revision, &revision));
	assert_int_equal(revision, 34);
	/* Sequence and revisions go on after a restart. */
	reopen();
	store_on_commit(store, on_commit, &seen);
	OK(change(disable_node, NULL));
	assert_int_equal(seen.revision, 35);
	create_done(&c);
}

/* --- the rest --------------------------------------------------------------------------------- */

static int settings(struct tx *tx, void *arg, struct err *e)
{
	CLEANUP(buf_done) struct buf b = {0};

	assert_int_equal(tx_meta_get(tx, "k", &b, e), ERR_NOT_FOUND);
	assert_int_equal(tx_meta_put(tx, "k", "one", e), 0);
	assert_int_equal(tx_meta_put(tx, "k", "two", e), 0);
	assert_int_equal(tx_meta_get(tx, "k", &b, e), 0);
	assert_string_equal(buf_str(&b), "two");
	buf_reset(&b);
	assert_int_equal(tx_secret_get(tx, "o", "kind", &b, e), ERR_NOT_FOUND);
	assert_int_equal(tx_secret_put(tx, "o", "kind", "\0\xff\n", 3, e), 0);
	assert_int_equal(tx_secret_put(tx, "o", "kind", "\0\xfe\n", 3, e), 0);
	assert_int_equal(tx_secret_put(tx, "o", "other", "", 0, e), 0);
	assert_int_equal(tx_secret_put(tx, "p", "kind", "p", 1, e), 0);
	assert_int_equal(tx_secret_get(tx, "o", "kind", &b, e), 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "\0\xfe\n", 3);
	assert_int_equal(tx_secret_get(tx, "o", "other", &b, e), 0);
	assert_int_equal(tx_secret_delete(tx, "o", e), 0);
	assert_int_equal(tx_secret_delete(tx, "o", e), 0);
	assert_int_equal(tx_secret_get(tx, "o", "kind", &b, e), ERR_NOT_FOUND);
	buf_reset(&b);
	assert_int_equal(tx_secret_get(tx, "p", "kind", &b, e), 0);
	assert_string_equal(buf_str(&b), "p");
	return 0;
}

static void test_settings(void **state)
{
	OK(change(settings, NULL));
}

static int touch(struct tx *tx, void *arg, struct err *e)
{
	struct device *d = arg;
	static const char *const some[] = {"last_seen", "rx", NULL};
	static const char *const wrong[] = {"last_seen", "age", NULL};

	assert_int_equal(tx_touch(tx, &schema_device, d, wrong, e), ERR_INVALID);
	assert_string_equal(e->field, "age");
	return tx_touch(tx, &schema_device, d, some, e);
}

static void test_touch(void **state)
{
	struct create c = create_named("phone");
	struct get g;

	OK(change(create_device, &c));
	g = (struct get){.id = c.out.id};
	c.out.last_seen = 5;
	c.out.rx = 6;
	c.out.tx = 7; /* not named below: stays as it was */
	seen = (struct seen){0};
	store_on_commit(store, on_commit, &seen);
	OK(change(touch, &c.out));
	assert_int_equal(seen.commits, 0);
	OK(look(get_device, &g));
	assert_int_equal(g.out.last_seen, 5);
	assert_int_equal(g.out.rx, 6);
	assert_int_equal(g.out.tx, 0);
	schema_done(&schema_device, &g.out);
	create_done(&c);
}

static int write_audit(struct tx *tx, void *arg, struct err *e)
{
	for (int i = 0; i < 5; i++) {
		int code = tx_audit(tx, i % 2 ? "prj_a" : "prj_b", "usr_0", "client.create", "cl_1",
			i == 2 ? NULL : "name", e);

		if (code < 0)
			return code;
	}
	return *(int *)arg;
}

static int verify_audit(struct tx *tx, void *arg, struct err *e)
{
	int code = tx_audit_verify(tx, "prj_a", e);

	return code < 0 ? code : tx_audit_verify(tx, "prj_b", e);
}

static int take_first_audit(void *arg, const void *object)
{
	schema_copy(&schema_audit, arg, object);
	return 1;
}

static int forge_audit(struct tx *tx, void *arg, struct err *e)
{
	const struct tx_query q = {.filters = {{"project", "prj_b"}}};
	struct audit a = {0};
	int how = *(int *)arg;
	int code = tx_list(tx, &schema_audit, &q, take_first_audit, &a, NULL, NULL, e);

	assert_non_null(a.hash);
	if (code == 0 && how == 0) {
		a.at++;
		code = tx_update(tx, &schema_audit, &a, e);
	} else if (code == 0 && how == 1) {
		code = tx_delete(tx, &schema_audit, a.id, e);
	}
	schema_done(&schema_audit, &a);
	return code;
}

struct pruning {
	msec before;
	int64_t most, first, last;
};

static int prune_audit(struct tx *tx, void *arg, struct err *e)
{
	struct pruning *p = arg;
	int code = tx_audit_prune(tx, "prj_p", p->before, p->most, e);

	return code < 0 ? code : tx_audit_range(tx, "prj_p", &p->first, &p->last, e);
}

static int write_pruned(struct tx *tx, void *arg, struct err *e)
{
	int code = 0;

	for (int i = 0; i < 5 && code == 0; i++)
		code = tx_audit(tx, "prj_p", "usr_0", "client.create", "cl_1", "x", e);
	return code;
}

static int verify_pruned(struct tx *tx, void *arg, struct err *e)
{
	return tx_audit_verify(tx, "prj_p", e);
}

/* Somebody else cuts off the beginning: the oldest line that is left. */
static int cut_beginning(struct tx *tx, void *arg, struct err *e)
{
	const struct tx_query q = {.filters = {{"project", "prj_p"}}};
	struct audit a = {0};
	int code = tx_list(tx, &schema_audit, &q, take_first_audit, &a, NULL, NULL, e);

	if (code == 0)
		code = tx_delete(tx, &schema_audit, a.id, e);
	schema_done(&schema_audit, &a);
	return code;
}

static void test_audit_pruning(void **state)
{
	struct pruning p = {.most = 100};

	p.before = clock_wall(&clock_test);
	OK(change(prune_audit, &p)); /* nothing there */
	assert_int_equal(p.last, 0);
	OK(change(write_pruned, NULL));
	clock_test.fake_wall += 1000;
	p.before = clock_wall(&clock_test);
	OK(change(write_pruned, NULL));
	p.most = 3;
	OK(change(prune_audit, &p));
	assert_int_equal(p.first, 4);
	assert_int_equal(p.last, 11); /* with the line about it */
	OK(look(verify_pruned, NULL));
	p.most = 100;
	OK(change(prune_audit, &p));
	assert_int_equal(p.first, 6); /* the younger ones stay */
	reopen();
	OK(look(verify_pruned, NULL));
	OK(change(prune_audit, &p)); /* nothing more */
	assert_int_equal(p.last, 12);
	clock_test.fake_wall += 1000;
	p.before = clock_wall(&clock_test);
	OK(change(prune_audit, &p)); /* all, and a line about it */
	assert_int_equal(p.first, 13);
	assert_int_equal(p.last, 13);
	OK(look(verify_pruned, NULL));
	OK(change(write_pruned, NULL));
	OK(look(verify_pruned, NULL));
	OK(change(cut_beginning, NULL));
	assert_int_equal(look(verify_pruned, NULL), ERR_CORRUPT);
}

static void test_audit(void **state)
{
	int result = 0, how;

	OK(look(verify_audit, NULL)); /* an empty chain is whole */
	OK(change(write_audit, &result));
	result = ERR_DENIED;
	assert_int_equal(change(write_audit, &result), ERR_DENIED);
	result = 0;
	clock_test.fake_wall -= 5000; /* a clock that was set back does not break it */
	OK(change(write_audit, &result));
	reopen();
	OK(look(verify_audit, NULL));
	how = 0;
	OK(change(forge_audit, &how));
	assert_int_equal(look(verify_audit, NULL), ERR_CORRUPT);
	assert_non_null(strstr(last.text, "line 1 "));
	how = 1;
	OK(change(forge_audit, &how));
	assert_int_equal(look(verify_audit, NULL), ERR_CORRUPT);
}

int conformance(const struct store_engine *e, const char *(*f)(void), void (*g)(void))
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_objects),
		T(test_every_schema),
		T(test_find),
		T(test_unique),
		T(test_column_of_many),
		T(test_isolation),
		T(test_snapshot),
		T(test_writer_does_not_wait_for_itself),
		T(test_crowd),
		T(test_lease_rest),
		T(test_lease_forget),
		T(test_lease_exact),
		T(test_lease_ipv6),
		T(test_pages),
		T(test_search),
		T(test_search_for_addresses),
		T(test_bad_queries),
		T(test_sweep),
		T(test_outbox),
		T(test_settings),
		T(test_touch),
		T(test_audit),
		T(test_audit_pruning),
	};

	engine = e;
	fresh = f;
	gone = g;
	return cmocka_run_group_tests_name(e->name, tests, NULL, NULL);
}
