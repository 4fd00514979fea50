/* DOC: see part.h. */
#include "codec/part.h"

#include "base/text.h"
#include "codec/value.h"

#include <string.h>

/* Far above anything sensible: a bound on what a broken control plane can make an agent hold. */
#define LIST_MAX 100000

static void write_text(struct json_writer *w, const struct part *m, const void *at)
{
	char *const *s = at;

	json_put_str(w, m->name, *s ? *s : "");
}

static int read_text(const struct json *j, const struct part *m, void *at, struct err *e)
{
	const char *s = NULL;

	if (value_text(j, m->name, m->flags & PART_MUST ? 1 : 0, m->max, &s, e) != 0)
		return ERR_INVALID;
	*(char **)at = *s ? mem_strdup(s) : NULL;
	return 0;
}

/* ids and interface names lie inside the item */
static void write_chars(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_str(w, m->name, at);
}

static int read_ifname(const struct json *j, const struct part *m, void *at, struct err *e)
{
	const char *s = NULL;

	if (value_text(j, m->name, 1, IFNAME_LEN - 1, &s, e) != 0)
		return ERR_INVALID;
	if (ifname_check(s) != 0)
		return err_field(e, ERR_INVALID, m->name, "\"%.40s\" is not an interface name", s);
	memcpy(at, s, strlen(s) + 1);
	return 0;
}

static int read_id(const struct json *j, const struct part *m, void *at, struct err *e)
{
	const char *s = NULL;

	if (value_text(j, m->name, 1, ID_LEN - 1, &s, e) != 0)
		return ERR_INVALID;
	if (strlen(s) >= ID_LEN)
		return err_field(e, ERR_INVALID, m->name, "\"%.40s\" is too long for an id", s);
	id_copy(at, s);
	return 0;
}

static int read_maybe_id(const struct json *j, const struct part *m, void *at, struct err *e)
{
	const char *s = json_str(j, NULL);

	return s != NULL && *s == '\0' ? 0 : read_id(j, m, at, e);
}

static int read_u16(const struct json *j, const struct part *m, void *at, struct err *e)
{
	int64_t v = 0;

	if (value_int(j, m->name, 0, UINT16_MAX, &v, e) != 0)
		return ERR_INVALID;
	*(uint16_t *)at = (uint16_t)v;
	return 0;
}

static void write_u16(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_int(w, m->name, *(const uint16_t *)at);
}

static int read_u32(const struct json *j, const struct part *m, void *at, struct err *e)
{
	int64_t v = 0;

	if (value_int(j, m->name, 0, UINT32_MAX, &v, e) != 0)
		return ERR_INVALID;
	*(uint32_t *)at = (uint32_t)v;
	return 0;
}

static void write_u32(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_int(w, m->name, *(const uint32_t *)at);
}

static int read_u64(const struct json *j, const struct part *m, void *at, struct err *e)
{
	int64_t v = 0;

	if (value_int(j, m->name, 0, INT64_MAX, &v, e) != 0)
		return ERR_INVALID;
	*(uint64_t *)at = (uint64_t)v;
	return 0;
}

static void write_u64(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_u64(w, m->name, *(const uint64_t *)at);
}

static void write_bool(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_bool(w, m->name, *(const bool *)at);
}

static int read_bool(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return value_bool(j, m->name, at, e);
}

static void write_time(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_time(w, m->name, *(const msec *)at);
}

static int read_time(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return value_time(j, m->name, at, e);
}

static void write_role(struct json_writer *w, const struct part *m, const void *at)
{
	json_put_str(w, m->name, interface_role_words[*(const int *)at]);
}

static int read_role(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return value_word(j, m->name, interface_role_words, at, e);
}

/* Unset addresses, keys and secrets are "" on the wire, as the published peer object has it. */
static bool is_unset(const struct json *j, const struct part *m)
{
	const char *s = json_str(j, NULL);

	return !(m->flags & PART_MUST) && s && *s == '\0';
}

static void write_addr(struct json_writer *w, const struct part *m, const void *at)
{
	const struct addr *a = at;
	char text[ADDR_TEXT_LEN];

	json_put_str(w, m->name, addr_is_set(*a) ? addr_format(*a, text) : "");
}

static int read_addr(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return is_unset(j, m) ? 0 : value_addr(j, m->name, at, e);
}

static void write_key(struct json_writer *w, const struct part *m, const void *at)
{
	char text[KEY_TEXT_LEN];

	json_put_str(w, m->name, public_key_is_zero(at) ? "" : key_format_public(at, text));
}

static int read_key(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return is_unset(j, m) ? 0 : value_key(j, m->name, at, e);
}

static void write_secret(struct json_writer *w, const struct part *m, const void *at)
{
	char text[KEY_TEXT_LEN];

	json_put_str(w, m->name, secret_is_zero(at) ? "" : key_format_secret(at, text));
	mem_wipe(text, sizeof(text));
}

static int read_secret(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return is_unset(j, m) ? 0 : key_parse_secret(json_str(j, NULL), m->name, at, e);
}

static void write_prefix(struct json_writer *w, const struct part *m, const void *at)
{
	value_put_prefix(w, m->name, *(const struct prefix *)at);
}

static int read_prefix(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return value_prefix(j, m->name, at, e);
}

static void write_prefixes(struct json_writer *w, const struct part *m, const void *at)
{
	value_put_prefixes(w, m->name, at);
}

static int read_prefixes(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return value_prefixes(j, m->name, LIST_MAX, at, e);
}

static void write_strs(struct json_writer *w, const struct part *m, const void *at)
{
	value_put_strs(w, m->name, at);
}

static int read_strs(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return value_strs(j, m->name, LIST_MAX, PART_CHARS_MAX, at, e);
}

/* An address with the length of its network: host bits stay, so it is no prefix. */
static void write_cidr(struct json_writer *w, const struct part *m, const void *at)
{
	const struct address_item *a = at;
	char text[PREFIX_TEXT_LEN];
	struct buf b = {0};

	buf_addf(&b, "%s/%u", addr_format(a->addr, text), a->len);
	json_put_str(w, m->name, b.data);
	buf_done(&b);
}

static int read_cidr(const struct json *j, const struct part *m, void *at, struct err *e)
{
	struct address_item *a = at;
	const char *s = json_str(j, NULL), *slash = s ? strchr(s, '/') : NULL;
	char text[ADDR_TEXT_LEN];
	struct addr addr;
	uint64_t len = 0;

	if (!slash || (size_t)(slash - s) >= sizeof(text))
		goto bad;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	if (addr_parse(text, &addr) != 0 || strlen(slash + 1) > 3 ||
		(slash[1] == '0' && slash[2] != '\0') ||
		text_u64(slash + 1, addr_width(addr), &len) != 0)
		goto bad;
	a->addr = addr;
	a->len = (uint8_t)len;
	return 0;
bad:
	return err_field(e, ERR_INVALID, m->name,
		"\"%.60s\" is not an address and length like 10.0.0.1/16", s ? s : "");
}

static void write_rules(struct json_writer *w, const struct part *m, const void *at)
{
	json_begin_array(w, m->name);
	VEC_FOREACH (r, (const struct fw_rule_vec *)at) {
		json_begin_object(w, NULL);
		json_put_str(w, "from", r->from ? r->from : "");
		json_put_str(w, "to", r->to ? r->to : "");
		json_put_str(w, "protocol", r->protocol ? r->protocol : "any");
		value_put_strs(w, "ports", &r->ports);
		json_end_object(w);
	}
	json_end_array(w);
}

static int read_rule(const struct json *j, struct fw_rule *r, struct err *e)
{
	static const char *const protocols[] = {"any", "tcp", "udp", "icmp", NULL};
	const char *from = NULL, *to = NULL;
	int word = 0;

	/* nothing is optional: a rule read with a member missing would allow more than was meant */
	if (value_text(json_get(j, "from"), "from", 0, PART_CHARS_MAX, &from, e) != 0 ||
		value_text(json_get(j, "to"), "to", 0, PART_CHARS_MAX, &to, e) != 0 ||
		value_word(json_get(j, "protocol"), "protocol", protocols, &word, e) != 0 ||
		value_strs(json_get(j, "ports"), "ports", LIST_MAX, PART_CHARS_MAX, &r->ports, e) !=
			0)
		return ERR_INVALID;
	r->from = mem_strdup(from);
	r->to = mem_strdup(to);
	r->protocol = mem_strdup(protocols[word]);
	return 0;
}

static int read_rules(const struct json *j, const struct part *m, void *at, struct err *e)
{
	struct fw_rule_vec *v = at; /* freed with the item when something behind fails */
	char item[VALUE_FIELD_LEN];

	if (value_list(j, m->name, LIST_MAX, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(j); i++) {
		struct fw_rule r = {0};

		if (read_rule(json_at(j, i), &r, e) != 0)
			return value_under(e, value_item(m->name, i, item));
		VEC_PUSH(v, r);
	}
	return 0;
}

/* Interface names that may be empty. */
static int read_maybe_ifname(const struct json *j, const struct part *m, void *at, struct err *e)
{
	return is_unset(j, m) ? 0 : read_ifname(j, m, at, e);
}

static void write_exits(struct json_writer *w, const struct part *m, const void *at)
{
	json_begin_array(w, m->name);
	VEC_FOREACH (x, (const struct fw_exit_vec *)at) {
		json_begin_object(w, NULL);
		json_put_str(w, "set", x->set);
		json_put_int(w, "mark", x->mark);
		json_put_str(w, "interface", x->interface);
		json_end_object(w);
	}
	json_end_array(w);
}

static int read_exit(const struct json *j, struct fw_exit *x, struct err *e)
{
	static const struct part interface = {.name = "interface"}, mark = {.name = "mark"};
	const char *set = NULL;

	if (value_text(json_get(j, "set"), "set", 1, PART_CHARS_MAX, &set, e) != 0 ||
		read_u32(json_get(j, "mark"), &mark, &x->mark, e) != 0 ||
		read_maybe_ifname(json_get(j, "interface"), &interface, x->interface, e) != 0)
		return ERR_INVALID;
	x->set = mem_strdup(set);
	return 0;
}

static int read_exits(const struct json *j, const struct part *m, void *at, struct err *e)
{
	struct fw_exit_vec *v = at;
	char item[VALUE_FIELD_LEN];

	if (value_list(j, m->name, LIST_MAX, e) != 0)
		return ERR_INVALID;
	for (size_t i = 0; i < json_count(j); i++) {
		struct fw_exit x = {0};

		if (read_exit(json_at(j, i), &x, e) != 0)
			return value_under(e, value_item(m->name, i, item));
		VEC_PUSH(v, x);
	}
	return 0;
}

const struct part_type part_text = {write_text, read_text, 0};
const struct part_type part_spare_text = {write_text, read_text, sizeof(char *)};
const struct part_type part_ifname = {write_chars, read_ifname, 0};
const struct part_type part_id = {write_chars, read_id, 0};
const struct part_type part_maybe_id = {write_chars, read_maybe_id, 0};
const struct part_type part_u16 = {write_u16, read_u16, 0};
const struct part_type part_u32 = {write_u32, read_u32, 0};
const struct part_type part_u64 = {write_u64, read_u64, sizeof(uint64_t)};
const struct part_type part_truth = {write_bool, read_bool, sizeof(bool)};
const struct part_type part_when = {write_time, read_time, 0};
const struct part_type part_role = {write_role, read_role, 0};
const struct part_type part_addr = {write_addr, read_addr, 0};
const struct part_type part_key = {write_key, read_key, KEY_LEN};
const struct part_type part_secret = {write_secret, read_secret, KEY_LEN};
const struct part_type part_prefix = {write_prefix, read_prefix, 0};
const struct part_type part_prefixes = {write_prefixes, read_prefixes, 0};
const struct part_type part_strs = {write_strs, read_strs, 0};
const struct part_type part_cidr = {write_cidr, read_cidr, 0};
const struct part_type part_rules = {write_rules, read_rules, 0};
const struct part_type part_maybe_ifname = {write_chars, read_maybe_ifname, 0};
const struct part_type part_exits = {write_exits, read_exits, 0};
