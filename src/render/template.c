/*
 * DOC: templates of people's own, for device management that has a format of its own: names in
 * double braces, each with an escape for where it stands. Nothing is looked up twice: a value that
 * looks like a variable stays text.
 */
#include "render/format.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "render/escape.h"

#include <string.h>

static void put_list(struct buf *out, const char *text)
{
	if (out->len > 0)
		buf_adds(out, ", ");
	buf_adds(out, text);
}

static int put_config(const struct device_config *c, struct buf *out, struct err *e)
{
	return render_wg_quick(c, out, e);
}

static int put_name(const struct device_config *c, struct buf *out, struct err *e)
{
	buf_adds(out, c->name != NULL ? c->name : "");
	return 0;
}

static int put_interface(const struct device_config *c, struct buf *out, struct err *e)
{
	buf_adds(out, c->interface);
	return 0;
}

static int put_id(const struct device_config *c, struct buf *out, struct err *e)
{
	buf_adds(out, c->id);
	return 0;
}

static int put_uuid(const struct device_config *c, struct buf *out, struct err *e)
{
	char uuid[UUID_TEXT_LEN];

	buf_adds(out, uuid_of("template", c->id, uuid));
	return 0;
}

static int put_private_key(const struct device_config *c, struct buf *out, struct err *e)
{
	if (c->private_key == NULL)
		return err_field(e, ERR_GONE, "private_key",
			"the template asks for the private key, which is not kept: give it with "
			"--key-file, or rotate it");
	buf_room(out, KEY_TEXT_LEN);
	config_add_secret(out, c->private_key);
	return 0;
}

static int put_psk(const struct device_config *c, struct buf *out, struct err *e)
{
	buf_room(out, KEY_TEXT_LEN);
	if (c->psk != NULL && !secret_is_zero(c->psk))
		config_add_secret(out, c->psk);
	return 0;
}

static int put_address(const struct device_config *c, struct buf *out, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	if (addr_is_set(c->ipv4))
		put_list(out, prefix_format(prefix_host(c->ipv4), text));
	if (addr_is_set(c->ipv6))
		put_list(out, prefix_format(prefix_host(c->ipv6), text));
	return 0;
}

static int put_dns(const struct device_config *c, struct buf *out, struct err *e)
{
	if (c->dns != NULL)
		VEC_FOREACH (s, c->dns)
			put_list(out, *s);
	if (out->len > 0 && c->search_domain != NULL)
		put_list(out, c->search_domain);
	return 0;
}

static int put_mtu(const struct device_config *c, struct buf *out, struct err *e)
{
	if (c->mtu > 0)
		buf_addf(out, "%u", c->mtu);
	return 0;
}

static int put_public_key(const struct device_config *c, struct buf *out, struct err *e)
{
	char text[KEY_TEXT_LEN];

	buf_adds(out, key_format_public(&c->peer_key, text));
	return 0;
}

static int put_allowed(const struct device_config *c, struct buf *out, struct err *e)
{
	char text[PREFIX_TEXT_LEN];

	VEC_FOREACH (p, c->allowed_ips)
		put_list(out, prefix_format(*p, text));
	return 0;
}

static int put_endpoint(const struct device_config *c, struct buf *out, struct err *e)
{
	buf_adds(out, c->endpoint);
	return 0;
}

static int put_keepalive(const struct device_config *c, struct buf *out, struct err *e)
{
	buf_addf(out, "%u", c->keepalive);
	return 0;
}

static const struct {
	const char *name;
	int (*put)(const struct device_config *c, struct buf *out, struct err *e);
} variables[] = {
	{"config", put_config},
	{"name", put_name},
	{"interface", put_interface},
	{"id", put_id},
	{"uuid", put_uuid},
	{"private_key", put_private_key},
	{"preshared_key", put_psk},
	{"address", put_address},
	{"dns", put_dns},
	{"mtu", put_mtu},
	{"public_key", put_public_key},
	{"allowed_ips", put_allowed},
	{"endpoint", put_endpoint},
	{"keepalive", put_keepalive},
};

static void put_plain(struct buf *out, const char *text)
{
	buf_adds(out, text);
}

static void put_base64(struct buf *out, const char *text)
{
	base64_encode(text, strlen(text), out);
}

static const struct {
	const char *name;
	void (*put)(struct buf *out, const char *text);
} escapes[] = {
	{"", put_plain},
	{"xml", escape_xml},
	{"json", escape_string},
	{"shell", escape_shell},
	{"base64", put_base64},
};

static unsigned line_of(const char *text, const char *at)
{
	unsigned n = 1;

	for (; text < at; text++)
		n += *text == '\n';
	return n;
}

/* One variable, the words between the braces. */
static int expand(const char *words, const struct device_config *c, struct buf *out, struct err *e)
{
	CLEANUP(buf_wipe) struct buf value = {0};
	size_t n = strcspn(words, "|"), i = 0, k = 0;
	const char *escape = words[n] == '|' ? words + n + 1 : "";
	int r;

	while (i < ARRAY_LEN(variables) &&
		(strlen(variables[i].name) != n || strncmp(variables[i].name, words, n) != 0))
		i++;
	while (k < ARRAY_LEN(escapes) && strcmp(escapes[k].name, escape) != 0)
		k++;
	if (i == ARRAY_LEN(variables) || k == ARRAY_LEN(escapes))
		return err_field(e, ERR_INVALID, "template",
			"there is no variable {{%s}}; there are name, config, private_key, address "
			"and others, with |xml, |json, |shell or |base64",
			words);
	buf_room(&value, config_room(c));
	r = variables[i].put(c, &value, e);
	if (r == 0) {
		buf_room(out, 6 * value.len + 8);
		escapes[k].put(out, buf_str(&value));
	}
	return r;
}

int render_template(
	const char *template, const struct device_config *c, struct buf *out, struct err *e)
{
	const char *p = template, *open;
	size_t at = out->len;
	int r = config_check(c, e);

	if (r < 0)
		return r;
	/* once, for no copy of a key may stay behind: the keys are in at most a few places */
	buf_room(out, 4 * strlen(template) + 16 * config_room(c));
	while (r == 0 && (open = strstr(p, "{{")) != NULL) {
		char words[40];
		size_t n = strcspn(open + 2, "}\n");

		buf_add(out, p, (size_t)(open - p));
		if (strncmp(open, "{{{{}}", 6) == 0) {
			buf_adds(out, "{{");
			p = open + 6;
			continue;
		}
		if (n >= sizeof(words) || strncmp(open + 2 + n, "}}", 2) != 0) {
			r = err_field(e, ERR_INVALID, "template", "the braces do not close");
		} else {
			memcpy(words, open + 2, n);
			words[n] = '\0';
			r = text_printable(words) < 0
				? err_field(e, ERR_INVALID, "template", "this is no variable")
				: expand(words, c, out, e);
		}
		if (r < 0 && e != NULL)
			err_prefix(e, "line %u", line_of(template, open));
		p = open + 2 + n + 2;
	}
	if (r == 0)
		buf_adds(out, p);
	else if (out->data != NULL) {
		mem_wipe(out->data + at, out->len - at);
		out->len = at;
		out->data[at] = '\0';
	}
	return r;
}
