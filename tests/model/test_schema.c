/* DOC: every schema with every field filled: copying, comparing and freeing cover all of it. */
#include "model/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Put a value that depends on salt into the field. */
static void fill(const struct field *f, void *object, unsigned salt)
{
	void *p = field_at(f, object);
	char text[32];
	struct addr a = {FAMILY_IPV4, 0x0a000000 + salt};
	struct prefix pre = {{FAMILY_IPV6, (u128)salt << 64}, 64};
	struct rule rule = {0};

	snprintf(text, sizeof(text), "%s%u", f->name, salt);
	switch (f->type) {
	case FIELD_ID:
		id_copy(p, text);
		break;
	case FIELD_STR:
		*(char **)p = mem_strdup(text);
		break;
	case FIELD_BOOL:
		*(bool *)p = salt & 1;
		break;
	case FIELD_U16:
		*(uint16_t *)p = (uint16_t)salt;
		break;
	case FIELD_U32:
		*(uint32_t *)p = salt;
		break;
	case FIELD_I32:
		*(int32_t *)p = -(int32_t)salt;
		break;
	case FIELD_U64:
		*(uint64_t *)p = (uint64_t)salt << 40;
		break;
	case FIELD_TIME:
		*(msec *)p = (msec)salt << 40;
		break;
	case FIELD_ENUM:
		*(int *)p = (int)(salt & 1);
		break;
	case FIELD_BITS:
		*(unsigned *)p = salt & 3;
		break;
	case FIELD_KEY:
		memset(p, (int)salt, sizeof(struct public_key));
		break;
	case FIELD_ADDR:
		*(struct addr *)p = a;
		break;
	case FIELD_PREFIX:
		*(struct prefix *)p = pre;
		break;
	case FIELD_PREFIXES:
		VEC_PUSH((struct prefix_vec *)p, pre);
		VEC_PUSH((struct prefix_vec *)p, prefix_host(a));
		break;
	case FIELD_STRS:
		strs_push(p, text);
		strs_push(p, "second");
		break;
	case FIELD_RULES:
		strs_push(&rule.from, "*");
		strs_push(&rule.to, text);
		strs_push(&rule.ports, "443");
		rule.protocol = mem_strdup("tcp");
		VEC_PUSH((struct rule_vec *)p, rule);
		break;
	}
}

static void every_field_of_every_schema(void **state)
{
	for (const struct schema *const *it = schemas; *it != NULL; it++) {
		const struct schema *s = *it;
		void *a = mem_zalloc(s->size), *zero = mem_zalloc(s->size), *b, *c;

		for (size_t i = 0; i < s->n; i++)
			fill(&s->fields[i], a, 3);
		b = schema_dup(s, a);
		assert_true(schema_equal(s, a, b));
		assert_false(schema_equal(s, a, zero));
		for (size_t i = 0; i < s->n; i++) { /* each field alone makes a difference */
			c = mem_zalloc(s->size);
			for (size_t k = 0; k < s->n; k++)
				fill(&s->fields[k], c, k == i ? 4 : 3);
			if (schema_equal(s, a, c))
				fail_msg("%s.%s is not compared", s->name, s->fields[i].name);
			schema_free(s, c);
		}
		schema_done(s, a);
		assert_memory_equal(a, zero, s->size);
		schema_free(s, a);
		for (size_t i = 0; i < s->n; i++) /* the copy lives on its own */
			if (s->fields[i].type == FIELD_STR)
				assert_true(strlen(*(char **)field_at(&s->fields[i], b)) > 0);
		schema_free(s, b);
		b = schema_dup(s, zero); /* empty objects too */
		assert_true(schema_equal(s, b, zero));
		schema_free(s, b);
		schema_free(s, zero);
	}
	assert_null(schema_free(&schema_node, NULL));
}

/* Every byte of a struct belongs to a field, but for padding: a member added to objects.h and
 * forgotten in the table leaves a hole. */
static void no_member_is_forgotten(void **state)
{
	static const size_t sizes[] = {[FIELD_ID] = sizeof(id_text),
		[FIELD_STR] = sizeof(char *),
		[FIELD_BOOL] = sizeof(bool),
		[FIELD_U16] = 2,
		[FIELD_U32] = 4,
		[FIELD_I32] = 4,
		[FIELD_U64] = 8,
		[FIELD_TIME] = 8,
		[FIELD_ENUM] = 4,
		[FIELD_BITS] = 4,
		[FIELD_KEY] = KEY_LEN,
		[FIELD_ADDR] = sizeof(struct addr),
		[FIELD_PREFIX] = sizeof(struct prefix),
		[FIELD_PREFIXES] = sizeof(struct prefix_vec),
		[FIELD_STRS] = sizeof(struct strs),
		[FIELD_RULES] = sizeof(struct rule_vec)};

	for (const struct schema *const *it = schemas; *it != NULL; it++) {
		const struct schema *s = *it;
		size_t end = 0, slack;

		for (size_t i = 0; i < s->n; i++) {
			const struct field *f = &s->fields[i];

			assert_true(f->offset >= end); /* in the order of the struct */
			slack = f->type == FIELD_ADDR || f->type == FIELD_PREFIX ? 15 : 7;
			if (f->offset - end > slack)
				fail_msg("something is missing before %s.%s", s->name, f->name);
			end = f->offset + sizes[f->type];
		}
		assert_true(s->size - end < 16);
	}
}

static void rules_of_the_tables(void **state)
{
	static const char *const never_set[] = {"id", "project", "created_at", "rx", "tx",
		"last_seen", "last_heartbeat", "revision", "applied_revision", "observed_endpoint",
		"near_endpoint", "calls_from", "dns_name", "generation", "config_hash"};
	static const char *const hidden[] = {
		"password_hash", "bearer_hash", "sealed", "config_hash", "join_token"};

	for (const struct schema *const *it = schemas; *it != NULL; it++) {
		const struct schema *s = *it;

		assert_string_equal(s->fields[0].name, "id");
		assert_int_equal(s->fields[0].offset, 0);
		assert_true(strlen(s->prefix) >= 2 && strlen(s->prefix) <= 4);
		for (size_t i = 0; i < s->n; i++) {
			const struct field *f = &s->fields[i];

			assert_ptr_equal(schema_field(s, f->name), f); /* names are unique */
			if (f->flags & FIELD_HIDDEN)
				assert_false(f->flags & (FIELD_SET | FIELD_CHANGE));
			if (f->flags & FIELD_REQUIRED)
				assert_true(f->flags & FIELD_SET);
			if (f->type == FIELD_ENUM || f->type == FIELD_BITS)
				assert_non_null(f->words);
			if (f->type == FIELD_STR || f->type == FIELD_STRS ||
				f->type == FIELD_PREFIXES || f->type == FIELD_RULES)
				assert_true(f->max > 0);
			for (size_t k = 0; k < ARRAY_LEN(never_set); k++)
				if (strcmp(f->name, never_set[k]) == 0)
					assert_false(f->flags & (FIELD_SET | FIELD_CHANGE));
			for (size_t k = 0; k < ARRAY_LEN(hidden); k++)
				if (strcmp(f->name, hidden[k]) == 0)
					assert_true(f->flags & FIELD_HIDDEN);
		}
	}
	assert_null(schema_field(&schema_node, "nonsense"));
	assert_int_equal(schema_field(&schema_device, "public_key")->flags, FIELD_SET);
	assert_int_equal((int64_t)schema_field(&schema_device, "keepalive")->min, -1);
	assert_true(schema_field(&schema_token, "hash")->flags & FIELD_HIDDEN);
	assert_int_equal(schema_field(&schema_device, "allowed_ips")->max, 64);
	assert_int_equal(schema_field(&schema_network, "name")->max, 64);
	assert_string_equal(role_words[3], "exit");
	assert_string_equal(permission_words[0], "fleet:read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_every_schema),
		cmocka_unit_test(no_member_is_forgotten),
		cmocka_unit_test(rules_of_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
