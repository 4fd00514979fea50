/* DOC: signed heads of states and signed pins; see envelope.h for what exactly is signed. */
#include "codec/envelope.h"

#include "base/mem.h"
#include "base/text.h"
#include "codec/stamp.h"
#include "codec/value.h"
#include "crypto/hash.h"

#include <string.h>

#define HEAD_BYTES_MAX 4096
#define PINS_BYTES_MAX (64 * 1024)
#define TEXT_CHARS_MAX 256
#define PIN_CHARS 44

/* Write s, never null, so that a missing member cannot look like another object's. */
static void put(struct json_writer *w, const char *key, const char *s)
{
	json_put_str(w, key, s ? s : "");
}

static int read_text(const struct json *j, const char *name, char **ret, struct err *e)
{
	const char *s = NULL;

	if (!json_get(j, name))
		return err_field(e, ERR_INVALID, name, "%s is missing", name);
	if (value_text(json_get(j, name), name, 1, TEXT_CHARS_MAX, &s, e) != 0)
		return ERR_INVALID;
	*ret = mem_strdup(s);
	return 0;
}

static int read_stamp(const struct json *j, char **ret, struct err *e)
{
	const char *s = json_str(j, "issued_at");
	char normal[STAMP_LEN];

	if (stamp_normal(s, normal) != 0)
		return err_field(e, ERR_INVALID, "issued_at", "issued_at is not an RFC 3339 time");
	*ret = mem_strdup(s);
	return 0;
}

static int read_signature(const struct json *j, uint8_t ret[static SIGNATURE_LEN], struct err *e)
{
	if (sign_parse(json_str(j, "signature"), ret) != 0)
		return err_field(
			e, ERR_INVALID, "signature", "signature is not 64 bytes of base64");
	return 0;
}

static void put_signature(struct json_writer *w, const uint8_t s[static SIGNATURE_LEN])
{
	char text[SIGNATURE_TEXT_LEN];

	json_put_str(w, "signature", sign_format(s, text));
}

/* --- heads ----------------------------------------------------------------------------------- */

static void head_members(struct json_writer *w, const struct state_head *h)
{
	json_begin_object(w, NULL);
	put(w, "node", h->node);
	json_put_u64(w, "revision", h->revision);
	json_put_str(w, "sha256", h->sha256);
	put(w, "issued_at", h->issued_at);
	put(w, "nonce", h->nonce);
}

static void head_bytes(const struct state_head *h, struct buf *out)
{
	struct json_writer w = {.out = out};

	buf_adds(out, STATE_HEAD_DOMAIN);
	head_members(&w, h);
	json_end_object(&w);
}

void state_head_sign(struct state_head *h, const struct secret *seed)
{
	CLEANUP(buf_done) struct buf b = {0};

	head_bytes(h, &b);
	sign_make(seed, b.data, b.len, h->signature);
}

void state_head_write(const struct state_head *h, struct buf *out)
{
	struct json_writer w = {.out = out};

	head_members(&w, h);
	put_signature(&w, h->signature);
	json_end_object(&w);
}

static int head_fill(const struct json *j, struct state_head *h, struct err *e)
{
	const char *sha256 = json_str(j, "sha256");
	uint8_t hash[HASH_LEN];
	int64_t revision = 0;

	if (read_text(j, "node", &h->node, e) != 0 ||
		value_int(json_get(j, "revision"), "revision", 0, INT64_MAX, &revision, e) != 0)
		return ERR_INVALID;
	if (!sha256 || text_unhex(sha256, hash, HASH_LEN) != 0)
		return err_field(e, ERR_INVALID, "sha256", "sha256 is not 64 hex digits");
	text_hex(hash, HASH_LEN, h->sha256); /* lower case: one text for one hash */
	if (strcmp(sha256, h->sha256) != 0)
		return err_field(e, ERR_INVALID, "sha256", "sha256 is not in lower case");
	h->revision = (uint64_t)revision;
	if (read_stamp(j, &h->issued_at, e) != 0 || read_text(j, "nonce", &h->nonce, e) != 0)
		return ERR_INVALID;
	return read_signature(j, h->signature, e);
}

int state_head_read(const char *text, struct state_head *ret, struct err *e)
{
	struct json_doc *d = json_parse(text, strlen(text), HEAD_BYTES_MAX, e);
	struct state_head h = {0};
	int rc;

	if (!d)
		return ERR_INVALID;
	rc = head_fill(json_root(d), &h, e);
	json_free(d);
	if (rc != 0)
		state_head_done(&h);
	else
		*ret = h;
	return rc;
}

int state_head_check(const struct state_head *h, const struct public_key *key, struct err *e)
{
	CLEANUP(buf_done) struct buf b = {0};

	head_bytes(h, &b);
	if (sign_check(key, b.data, b.len, h->signature) != 0)
		return err_set(e, ERR_CORRUPT, "the signature of the state's head does not verify");
	return 0;
}

void state_head_done(struct state_head *h)
{
	mem_free(h->node);
	mem_free(h->issued_at);
	mem_free(h->nonce);
	*h = (struct state_head){0};
}

/* --- pins ------------------------------------------------------------------------------------ */

static void pins_members(struct json_writer *w, const struct pins *p)
{
	json_begin_object(w, NULL);
	value_put_strs(w, "pins", &p->pins);
	json_begin_object(w, "signing_keys");
	value_put_key(w, "current", &p->signing_current);
	json_end_object(w);
	put(w, "issued_at", p->issued_at);
}

static void pins_bytes(const struct pins *p, struct buf *out)
{
	struct json_writer w = {.out = out};

	buf_adds(out, PINS_DOMAIN);
	pins_members(&w, p);
	json_end_object(&w);
}

void pins_sign(struct pins *p, const struct secret *root_seed)
{
	CLEANUP(buf_done) struct buf b = {0};

	pins_bytes(p, &b);
	sign_make(root_seed, b.data, b.len, p->signature);
}

void pins_write(const struct pins *p, struct buf *out)
{
	struct json_writer w = {.out = out};

	pins_members(&w, p);
	put_signature(&w, p->signature);
	json_end_object(&w);
}

static int pins_fill(const struct json *j, struct pins *p, struct err *e)
{
	char item[VALUE_FIELD_LEN];

	if (value_strs(json_get(j, "pins"), "pins", PINS_MAX, PIN_CHARS, &p->pins, e) != 0)
		return ERR_INVALID;
	if (p->pins.n == 0)
		return err_field(e, ERR_INVALID, "pins", "pins is empty");
	for (size_t i = 0; i < p->pins.n; i++) {
		uint8_t hash[HASH_LEN];

		if (base64_decode_exact(p->pins.v[i], HASH_LEN, hash) != 0)
			return err_field(e, ERR_INVALID, value_item("pins", i, item),
				"a pin is the base64 of a SHA-256");
	}
	if (value_key(json_get(j, "signing_keys.current"), "signing_keys.current",
		    &p->signing_current, e) != 0 ||
		read_stamp(j, &p->issued_at, e) != 0)
		return ERR_INVALID;
	return read_signature(j, p->signature, e);
}

int pins_read(const char *text, size_t n, struct pins *ret, struct err *e)
{
	struct json_doc *d = json_parse(text, n, PINS_BYTES_MAX, e);
	struct pins p = {0};
	int rc;

	if (!d)
		return ERR_INVALID;
	rc = pins_fill(json_root(d), &p, e);
	json_free(d);
	if (rc != 0)
		pins_done(&p);
	else
		*ret = p;
	return rc;
}

int pins_check(const struct pins *p, const struct public_key *root, struct err *e)
{
	CLEANUP(buf_done) struct buf b = {0};

	pins_bytes(p, &b);
	if (sign_check(root, b.data, b.len, p->signature) != 0)
		return err_set(e, ERR_CORRUPT,
			"the server's pins are not signed by the root in the join token");
	return 0;
}

void pins_done(struct pins *p)
{
	strs_done(&p->pins);
	mem_free(p->issued_at);
	*p = (struct pins){0};
}
