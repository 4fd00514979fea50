/* DOC: see config_sums.h. */
#include "control/config_sums.h"

#include "base/mem.h"
#include "control/client_config.h"

#include <string.h>

struct sum {
	id_text entry; /* the gateway it names */
	char hex[HASH_HEX_LEN];
};

struct config_sums {
	struct map sums; /* device -> struct sum * */
};

struct config_sums *config_sums_new(void)
{
	return NEW(struct config_sums);
}

static void sum_free(void *sum)
{
	mem_free(sum);
}

struct config_sums *config_sums_free(struct config_sums *s)
{
	if (s != NULL)
		map_done(&s->sums, sum_free);
	return mem_free(s);
}

void config_sums_follow(struct config_sums *s, const struct hub_row *row)
{
	if (row->schema == &schema_device)
		mem_free(map_remove(&s->sums, row->row.object));
	else
		map_done(&s->sums, sum_free);
}

/* Written to the store without the fleet being told; no configuration follows from them. */
static bool is_observed(const struct field *f)
{
	static const size_t offsets[] = {offsetof(struct device, last_seen),
		offsetof(struct device, rx), offsetof(struct device, tx),
		offsetof(struct device, config_hash), offsetof(struct device, config_entry)};

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
		if (f->offset == offsets[i])
			return true;
	return false;
}

/* The rows that tell of a change come a moment after the change is in the store. */
static bool is_in_fleet(const struct fleet *f, const struct device *d)
{
	const struct device *known = map_get(&f->devices, d->id);

	if (known == NULL)
		return false;
	for (size_t i = 0; i < schema_device.n; i++)
		if (!schema_field_equal(&schema_device.fields[i], d, known) &&
			!is_observed(&schema_device.fields[i]))
			return false;
	return true;
}

void config_sums_get(struct config_sums *s, const struct fleet *f, const struct device *d,
	const char *entry, char ret[static HASH_HEX_LEN])
{
	struct sum *sum;

	if (!is_in_fleet(f, d)) {
		client_config_hash(f, d, entry, ret);
		return;
	}
	sum = map_get(&s->sums, d->id);
	if (sum == NULL || strcmp(sum->entry, entry) != 0) {
		sum = NEW(struct sum);
		id_copy(sum->entry, entry);
		client_config_hash(f, d, entry, sum->hex);
		mem_free(map_set(&s->sums, d->id, sum));
	}
	memcpy(ret, sum->hex, HASH_HEX_LEN);
}
