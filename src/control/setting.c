/* DOC: see setting.h. A setting is the meta row "setting/NAME"; on-off ones are 0 and 1 there. */
#include "control/setting.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdio.h>

static const struct {
	const char *name;
	int64_t fallback, min, max;
	bool is_switch;
} table[SETTING_COUNT] = {
	[SETTING_SESSION_IDLE] = {"session_idle_minutes", 120, 1, 43200, false},
	[SETTING_SESSION_LIFE] = {"session_hours", 12, 1, 720, false},
	[SETTING_AUDIT_KEEP] = {"audit_keep_days", 0, 0, 36500, false},
	[SETTING_SIGNON_PRIVATE] = {"signon_private_addresses", 0, 0, 1, true},
};

struct settings_live {
	_Atomic int64_t values[SETTING_COUNT];
};

struct settings_live *settings_live_new(void)
{
	struct settings_live *s = NEW(struct settings_live);

	for (size_t i = 0; i < SETTING_COUNT; i++)
		atomic_store(&s->values[i], table[i].fallback);
	return s;
}

struct settings_live *settings_live_free(struct settings_live *s)
{
	return mem_free(s);
}

int64_t setting_get(const struct settings_live *s, enum setting which)
{
	return atomic_load(&((struct settings_live *)(uintptr_t)s)->values[which]);
}

int settings_load(struct tx *tx, void *arg, struct err *e)
{
	struct settings_live *s = arg;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		CLEANUP(buf_done) struct buf text = {0};
		AUTOFREE char *key = mem_printf("setting/%s", table[i].name);
		uint64_t value;
		int r = tx_meta_get(tx, key, &text, e);

		if (r < 0 && r != ERR_NOT_FOUND)
			return r;
		if (r == 0 && text_u64(buf_str(&text), (uint64_t)table[i].max, &value) == 0)
			atomic_store(&s->values[i], (int64_t)value);
	}
	return 0;
}

struct change {
	struct tx *tx;
	struct err *e;
	int r;
};

static void change_one(void *ctx, const char *key, const struct json *v)
{
	struct change *c = ctx;
	size_t i = 0;
	int64_t value;

	while (i < SETTING_COUNT && strcmp(table[i].name, key) != 0)
		i++;
	if (c->r < 0)
		return;
	if (i == SETTING_COUNT) {
		c->r = err_field(c->e, ERR_INVALID, key, "there is no setting \"%.60s\"", key);
		return;
	}
	CLEANUP(buf_done) struct buf text = {0};
	json_text(v, &text);
	if (table[i].is_switch)
		value = strcmp(buf_str(&text), "true") == 0 ? 1 : 0;
	if (json_kind(v) != (table[i].is_switch ? JSON_IS_BOOL : JSON_IS_INT) ||
		(!table[i].is_switch &&
			(sscanf(buf_str(&text), "%ld", &value) != 1 || value < table[i].min ||
				value > table[i].max))) {
		c->r = table[i].is_switch
			? err_field(c->e, ERR_INVALID, key, "%s is true or false", key)
			: err_field(c->e, ERR_INVALID, key, "%s is a number from %lld to %lld", key,
				  (long long)table[i].min, (long long)table[i].max);
		return;
	}
	AUTOFREE char *name = mem_printf("setting/%s", key);
	AUTOFREE char *stored = mem_printf("%lld", (long long)value);
	c->r = tx_meta_put(c->tx, name, stored, c->e);
}

int settings_change(struct tx *tx, const struct json *body, struct err *e)
{
	struct change c = {.tx = tx, .e = e};

	json_each(body, change_one, &c);
	return c.r;
}

void settings_write(const struct settings_live *s, struct buf *out)
{
	struct json_writer w = {.out = out};

	json_begin_object(&w, NULL);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		int64_t value = setting_get(s, (enum setting)i);

		if (table[i].is_switch)
			json_put_bool(&w, table[i].name, value != 0);
		else
			json_put_int(&w, table[i].name, value);
	}
	json_end_object(&w);
}
