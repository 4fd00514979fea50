/* DOC: see heartbeat.h. */
#include "control/heartbeat.h"

#include "base/text.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "model/names.h"
#include "model/state.h"

#include <stdio.h>

#define ERROR_MAX 255
#define WORD_MAX 64

static int read_number(const struct json *j, const char *path, uint64_t *ret, struct err *e)
{
	int64_t v;

	if (json_get(j, path) == NULL) {
		*ret = 0;
		return 0;
	}
	v = json_int(j, path, -1);
	if (v < 0)
		return err_field(e, ERR_INVALID, path, "%s must be a number from 0 up", path);
	*ret = (uint64_t)v;
	return 0;
}

/* An optional line of text. Errors of agents carry what tools printed: cut, never refused. */
static int read_text(
	const struct json *j, const char *path, size_t max, bool cut, char **ret, struct err *e)
{
	const char *s = json_str(j, path);
	size_t n = s != NULL ? strlen(s) : 0;

	if (json_get(j, path) != NULL && s == NULL && !json_is_null(j, path))
		return err_field(e, ERR_INVALID, path, "%s must be a text", path);
	if (n == 0)
		return 0;
	if (cut) {
		if (n > max)
			for (n = max; n > 0 && (s[n] & 0xc0) == 0x80; n--)
				; /* not inside a character */
		*ret = mem_strndup(s, n);
		for (char *p = *ret; *p != '\0'; p++)
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				*p = ' ';
		return 0;
	}
	if (n > max || text_printable(s) < 0)
		return err_field(e, ERR_INVALID, path,
			"%s must be at most %zu printable characters", path, max);
	*ret = mem_strdup(s);
	return 0;
}

/* RFC 3339 or null. */
static int read_time(const struct json *j, const char *path, msec *ret, struct err *e)
{
	const char *s = json_str(j, path);
	msec t;

	*ret = 0;
	if (json_get(j, path) == NULL || json_is_null(j, path))
		return 0;
	if (s == NULL || clock_parse(s, &t) < 0)
		return err_field(e, ERR_INVALID, path, "%s must be a time or null", path);
	*ret = t;
	return 0;
}

static int read_link(const struct json *j, msec offset, struct link_row *ret, struct err *e)
{
	const char *peer = json_str(j, "peer"), *endpoint = json_str(j, "endpoint");
	const char *role =
		json_str(j, "role"); /* of the interface; agents before relays say none */
	struct link_row row = {0};
	struct err why;

	if (peer == NULL || peer[0] == '\0' || strlen(peer) >= ID_LEN)
		return err_field(e, ERR_INVALID, "links", "each link must name its peer");
	id_copy(row.peer, peer);
	if (read_time(j, "last_handshake", &row.handshake, e) < 0 ||
		read_number(j, "rx", &row.rx, e) < 0 || read_number(j, "tx", &row.tx, e) < 0)
		return ERR_INVALID;
	if (row.handshake > 0)
		row.handshake += offset;
	if (row.handshake < 0)
		row.handshake = 0;
	row.relayed = role != NULL && strcmp(role, interface_role_words[IFACE_DIRECT]) != 0 &&
		strcmp(role, interface_role_words[IFACE_DEVICES]) != 0;
	/* shown to people only; an odd one is not worth losing the heartbeat for */
	if (endpoint != NULL && endpoint[0] != '\0' &&
		endpoint_check(endpoint, "endpoint", &why) == 0)
		snprintf(row.endpoint, sizeof(row.endpoint), "%s", endpoint);
	*ret = row;
	return 0;
}

static int read_list(const struct json *j, const char *name, size_t max, size_t *ret_n,
	const struct json **ret, struct err *e)
{
	const struct json *list = json_get(j, name);

	*ret_n = 0;
	*ret = list;
	if (list == NULL || json_is_null(j, name))
		return 0;
	if (json_kind(list) != JSON_IS_LIST)
		return err_field(e, ERR_INVALID, name, "%s must be a list", name);
	*ret_n = json_count(list);
	if (*ret_n > max)
		return err_field(e, ERR_INVALID, name, "%s holds more than %zu entries", name, max);
	return 0;
}

int heartbeat_endpoint_check(const char *endpoint, const char *field, struct err *e)
{
	char host[256];
	uint16_t port;
	struct addr a;

	if (endpoint == NULL)
		return err_field(e, ERR_INVALID, field, "%s must be host:port", field);
	if (endpoint_check(endpoint, field, e) < 0)
		return ERR_INVALID;
	if (endpoint_split(endpoint, host, sizeof(host), &port) < 0)
		return err_field(e, ERR_INVALID, field, "%s must be host:port", field);
	if (addr_parse(host, &a) == 0 && addr_is_special(a))
		return err_field(e, ERR_INVALID, field, "nobody else can reach %s", endpoint);
	return 0;
}

static int read_count(const struct json *j, const char *path, uint32_t *ret, struct err *e)
{
	uint64_t n = 0;

	if (read_number(j, path, &n, e) < 0)
		return ERR_INVALID;
	*ret = n < HEARTBEAT_LINKS_MAX ? (uint32_t)n : HEARTBEAT_LINKS_MAX;
	return 0;
}

static int read_ways(const struct json *j, struct heartbeat_ways *ret, struct err *e)
{
	const char *network = json_str(j, "network"), *relay = json_str(j, "relay");
	const struct json *list;
	size_t n;

	if (network == NULL || strlen(network) >= ID_LEN)
		return err_field(e, ERR_INVALID, "ways", "each way must name its network");
	id_copy(ret->network, network);
	if (relay != NULL && strlen(relay) < ID_LEN)
		id_copy(ret->relay, relay);
	if (read_count(j, "direct", &ret->direct, e) < 0 ||
		read_count(j, "relayed", &ret->relayed, e) < 0 ||
		read_list(j, "relayed_to", WAYS_NAMED_MAX, &n, &list, e) < 0)
		return ERR_INVALID;
	for (size_t i = 0; i < n; i++) {
		const char *peer = json_str(json_at(list, i), "");

		if (peer == NULL || peer[0] == '\0' || strlen(peer) >= ID_LEN)
			return err_field(e, ERR_INVALID, "ways", "relayed_to must hold ids");
		id_vec_add(&ret->relayed_to, peer);
	}
	return 0;
}

static int read_lists(const struct json *j, msec offset, struct heartbeat *b, struct err *e)
{
	const struct json *list;
	size_t n;

	if (read_list(j, "links", HEARTBEAT_LINKS_MAX, &n, &list, e) < 0)
		return ERR_INVALID;
	VEC_RESERVE(&b->links, n);
	for (size_t i = 0; i < n; i++) {
		struct link_row row;

		if (read_link(json_at(list, i), offset, &row, e) < 0)
			return ERR_INVALID;
		VEC_PUSH(&b->links, row);
	}
	if (read_list(j, "endpoints", HEARTBEAT_ENDPOINTS_MAX, &n, &list, e) < 0)
		return ERR_INVALID;
	for (size_t i = 0; i < n; i++) {
		const struct json *item = json_at(list, i);
		const char *network = json_str(item, "network");
		const char *address = json_str(item, "address");
		struct heartbeat_endpoint ep = {0};

		if (network == NULL || strlen(network) >= ID_LEN)
			return err_field(
				e, ERR_INVALID, "endpoints", "each endpoint must name its network");
		if (heartbeat_endpoint_check(address, "endpoints", e) < 0)
			return ERR_INVALID;
		if (strlen(address) >= sizeof(ep.address))
			return err_field(e, ERR_INVALID, "endpoints", "an address is too long");
		id_copy(ep.network, network);
		snprintf(ep.address, sizeof(ep.address), "%s", address);
		VEC_PUSH(&b->endpoints, ep);
	}
	if (read_list(j, "ways", HEARTBEAT_WAYS_MAX, &n, &list, e) < 0)
		return ERR_INVALID;
	for (size_t i = 0; i < n; i++) {
		struct heartbeat_ways none = {0};

		VEC_PUSH(&b->ways, none);
		if (read_ways(json_at(list, i), &b->ways.v[i], e) < 0)
			return ERR_INVALID;
	}
	return 0;
}

/* A word of the agent's choosing; only whether it is the same as before matters. */
static int read_epoch(const struct json *j, uint64_t *ret, struct err *e)
{
	const char *s = json_str(j, "epoch");
	uint8_t digest[HASH_LEN];

	if (s == NULL)
		return read_number(j, "epoch", ret, e);
	hash_sha256(s, strlen(s), digest);
	memcpy(ret, digest, sizeof(*ret));
	return 0;
}

static int read_body(const struct json *j, msec now, struct heartbeat *b, struct err *e)
{
	msec timestamp;

	if (read_number(j, "applied_revision", &b->applied_revision, e) < 0 ||
		read_epoch(j, &b->epoch, e) < 0 || read_time(j, "timestamp", &timestamp, e) < 0 ||
		read_text(j, "error", ERROR_MAX, true, &b->error, e) < 0 ||
		read_text(j, "version", WORD_MAX, false, &b->version, e) < 0 ||
		read_text(j, "backend", WORD_MAX, false, &b->backend, e) < 0)
		return ERR_INVALID;
	b->timed = timestamp > 0;
	b->clock_offset = b->timed ? timestamp - now : 0;
	/* the age of a handshake is right even where the clock is not */
	return read_lists(j, -b->clock_offset, b, e);
}

int heartbeat_read(const char *text, size_t n, msec now, struct heartbeat *ret, struct err *e)
{
	struct json_doc *doc = json_parse(text, n, HEARTBEAT_BODY_MAX, e);
	struct heartbeat b = {0};
	int r;

	if (doc == NULL)
		return ERR_INVALID;
	r = read_body(json_root(doc), now, &b, e);
	if (r < 0)
		heartbeat_done(&b);
	else
		*ret = b;
	json_free(doc);
	return r;
}

void heartbeat_done(struct heartbeat *b)
{
	mem_free(b->error);
	mem_free(b->version);
	mem_free(b->backend);
	VEC_DONE(&b->links);
	VEC_DONE(&b->endpoints);
	VEC_FOREACH (way, &b->ways)
		VEC_DONE(&way->relayed_to);
	VEC_DONE(&b->ways);
	memset(b, 0, sizeof(*b));
}
