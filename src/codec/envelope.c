/* DOC: event envelopes; see envelope.h. What is signed keeps the payload's own characters. */
#include "codec/envelope.h"

#include "base/mem.h"
#include "base/text.h"
#include "codec/scan.h"
#include "codec/stamp.h"
#include "codec/value.h"

#include <string.h>

#define MEMBER_CHARS_MAX 256

/* Event type, id and nonce: text of one line, so that every JSON encoder quotes it alike. */
static int text_member(const char *s, const char *name, struct err *e)
{
	if (!s || !*s)
		return err_field(e, ERR_INVALID, name, "%s is missing", name);
	if (strlen(s) > MEMBER_CHARS_MAX || text_printable(s) < 0)
		return err_field(
			e, ERR_INVALID, name, "%s is too long or has control characters", name);
	return 0;
}

/* Append s quoted as the signer of the published vectors does. */
static void quote(struct buf *out, const char *s)
{
	CLEANUP(buf_done) struct buf plain = {0};

	json_quote(&plain, s);
	scan_compact((struct slice){plain.data, plain.len}, out);
}

int envelope_bytes(const struct envelope *v, struct buf *out, struct err *e)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	const char *payload = v->payload ? v->payload : "";
	size_t n = strlen(payload);
	char stamp[STAMP_LEN];

	if (text_member(v->event_type, "event_type", e) != 0 ||
		text_member(v->event_id, "event_id", e) != 0 ||
		text_member(v->nonce, "nonce", e) != 0)
		return ERR_INVALID;
	if (stamp_normal(v->issued_at, stamp) != 0)
		return err_field(e, ERR_INVALID, "issued_at", "issued_at is not an RFC 3339 time");
	buf_room(&b, n + n / 4 + 1024); /* one block in all but odd cases */
	buf_adds(&b, "{\"event_type\":");
	quote(&b, v->event_type);
	buf_adds(&b, ",\"event_id\":");
	quote(&b, v->event_id);
	buf_addf(&b, ",\"issued_at\":\"%s\",\"nonce\":", stamp);
	quote(&b, v->nonce);
	buf_adds(&b, ",\"payload\":");
	if (scan_compact((struct slice){payload, n}, &b) != 0)
		return err_field(e, ERR_INVALID, "payload", "payload is not JSON");
	buf_addc(&b, '}');
	buf_add(out, b.data, b.len);
	return 0;
}

int envelope_sign(struct envelope *v, const struct secret *seed, struct err *e)
{
	CLEANUP(buf_wipe) struct buf b = {0};

	if (envelope_bytes(v, &b, e) != 0)
		return ERR_INVALID;
	sign_make(seed, b.data, b.len, v->signature);
	return 0;
}

static void add_signature(const struct envelope *v, struct buf *out)
{
	char text[SIGNATURE_TEXT_LEN];

	out->len--; /* the closing brace comes again behind the signature */
	buf_addf(out, ",\"signature\":\"%s\"}", sign_format(v->signature, text));
}

int envelope_write(const struct envelope *v, struct buf *out)
{
	if (envelope_bytes(v, out, NULL) != 0)
		return ERR_INVALID;
	add_signature(v, out);
	return 0;
}

int envelope_seal(struct envelope *v, const struct sign_key *key, struct buf *out, struct err *e)
{
	size_t at = out->len;

	if (envelope_bytes(v, out, e) != 0)
		return ERR_INVALID;
	sign_make_by(key, out->data + at, out->len - at, v->signature);
	add_signature(v, out);
	return 0;
}

/* The characters of one member of an object that json_parse took. */
static int raw_member(const char *text, size_t n, const char *name, struct buf *out, struct err *e)
{
	struct slice key, value;
	struct scan s;

	if (scan_open(&s, (struct slice){text, n}, '{') == 0)
		while (scan_next(&s, &key, &value) > 0)
			if (scan_is(key, name) && scan_compact(value, out) == 0)
				return 0;
	return err_field(e, ERR_INVALID, name, "%s is missing", name);
}

int envelope_read(const char *text, size_t n, size_t max, struct envelope *ret, struct err *e)
{
	CLEANUP(envelope_done) struct envelope v = {0};
	CLEANUP(buf_wipe) struct buf check = {0}, payload = {0};
	struct json_doc *d = json_parse(text, n, max > JSON_MAX ? max : JSON_MAX, e);
	const struct json *j;
	const char *signature;
	int rc = ERR_INVALID;

	if (!d)
		return ERR_INVALID;
	j = json_root(d);
	v.event_type = mem_strdup(json_str(j, "event_type"));
	v.event_id = mem_strdup(json_str(j, "event_id"));
	v.issued_at = mem_strdup(json_str(j, "issued_at"));
	v.nonce = mem_strdup(json_str(j, "nonce"));
	signature = json_str(j, "signature");
	if (raw_member(text, n, "payload", &payload, e) != 0)
		goto out;
	v.payload = buf_take(&payload);
	if (sign_parse(signature, v.signature) != 0) {
		err_field(e, ERR_INVALID, "signature",
			signature ? "signature is not 64 bytes of base64" : "signature is missing");
		goto out;
	}
	if (envelope_bytes(&v, &check, e) != 0)
		goto out;
	*ret = v;
	v = (struct envelope){0};
	rc = 0;
out:
	json_free(d);
	return rc;
}

int envelope_check(const struct envelope *v, const struct public_key *current,
	const struct public_key *previous, struct err *e)
{
	CLEANUP(buf_wipe) struct buf b = {0};

	if (envelope_bytes(v, &b, e) == 0 &&
		(sign_check(current, b.data, b.len, v->signature) == 0 ||
			(previous && sign_check(previous, b.data, b.len, v->signature) == 0)))
		return 0;
	return err_set(e, ERR_CORRUPT, "the signature of event \"%.60s\" does not verify",
		v->event_id ? v->event_id : "");
}

void envelope_done(struct envelope *v)
{
	if (v->payload)
		mem_wipe(v->payload, strlen(v->payload));
	mem_free(v->event_type);
	mem_free(v->event_id);
	mem_free(v->issued_at);
	mem_free(v->nonce);
	mem_free(v->payload);
	*v = (struct envelope){0};
}
