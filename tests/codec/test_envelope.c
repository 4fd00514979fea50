/* DOC: signed bytes: the two published vectors, normalisation, refusals, heads and pins. */
#include "base/mem.h"
#include "base/text.h"
#include "codec/envelope.h"
#include "codec/stamp.h"
#include "crypto/key.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* RFC 8032, test 1 */
static struct secret seed;
static struct public_key signer;

static int setup(void **state)
{
	crypto_init();
	assert_int_equal(
		text_unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			seed.bytes, KEY_LEN),
		0);
	sign_public(&seed, &signer);
	return 0;
}

static const struct {
	const char *id, *issued_at, *nonce, *payload, *bytes, *signature;
} vectors[] = {
	{"evt-1", "2025-01-15T10:30:00Z", "n-0001", "{ \"peer_id\" :\n\"n_peer456\" }",
		"{\"event_type\":\"peer_removed\",\"event_id\":\"evt-1\","
		"\"issued_at\":\"2025-01-15T10:30:00Z\",\"nonce\":\"n-0001\","
		"\"payload\":{\"peer_id\":\"n_peer456\"}}",
		"13eriN36UVOpwWYhPp+NrLNWEPe99Gw/54aTF7qvu60V1GjtF7S9NTu9gIIvYnHh2zcSQvdi/3ub1jtz8"
		"ksYBQ=="},
	{"evt-2", "2025-01-15T10:30:00.123000Z", "n-0002", "{\"peer_id\":\"a&b\"}",
		"{\"event_type\":\"peer_removed\",\"event_id\":\"evt-2\","
		"\"issued_at\":\"2025-01-15T10:30:00.123Z\",\"nonce\":\"n-0002\","
		"\"payload\":{\"peer_id\":\"a\\u0026b\"}}",
		"1Qa2NexyZDW+y3p7KcuoJSO5brs6cwYyULMz3o8jXyjB9v/4Vw7b8QRRUm/e3m4baeqewplmxs59gPwZX"
		"tB1Bg=="},
};

static void test_vectors(void **state)
{
	char text[SIGNATURE_TEXT_LEN];

	assert_string_equal(key_format_public(&signer, (char[KEY_TEXT_LEN]){0}),
		"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		CLEANUP(buf_done) struct buf bytes = {0}, wire = {0};
		CLEANUP(envelope_done)
		struct envelope v = {
			.event_type = mem_strdup("peer_removed"),
			.event_id = mem_strdup(vectors[i].id),
			.issued_at = mem_strdup(vectors[i].issued_at),
			.nonce = mem_strdup(vectors[i].nonce),
			.payload = mem_strdup(vectors[i].payload),
		};
		CLEANUP(envelope_done) struct envelope got = {0};
		struct err e = {0};

		assert_int_equal(envelope_bytes(&v, &bytes, &e), 0);
		assert_string_equal(buf_str(&bytes), vectors[i].bytes);
		assert_int_equal(envelope_sign(&v, &seed, &e), 0);
		assert_string_equal(sign_format(v.signature, text), vectors[i].signature);

		/* and from the wire, members in another order, white space, one unknown member */
		buf_addf(&wire,
			" {\"signature\":\"%s\", \"payload\": %s,\r\n\t\"x\":[{}], \"nonce\":\"%s\",\n"
			"\"issued_at\":\"%s\",\"event_id\":\"%s\",\"event_type\":\"peer_removed\"} ",
			vectors[i].signature, vectors[i].payload, vectors[i].nonce,
			vectors[i].issued_at, vectors[i].id);
		assert_int_equal(envelope_read(wire.data, wire.len, 0, &got, &e), 0);
		assert_int_equal(envelope_check(&got, &signer, NULL, &e), 0);
		buf_reset(&bytes);
		assert_int_equal(envelope_bytes(&got, &bytes, &e), 0);
		assert_string_equal(buf_str(&bytes), vectors[i].bytes);
		got.event_id[0] = 'E';
		assert_int_equal(envelope_check(&got, &signer, NULL, &e), ERR_CORRUPT);
	}
}

static struct envelope make(const char *payload)
{
	return (struct envelope){
		.event_type = mem_strdup("peer_added"),
		.event_id = mem_strdup("7"),
		.issued_at = mem_strdup("2026-01-02T03:04:05+01:00"),
		.nonce = mem_strdup("node_1:6:r"),
		.payload = mem_strdup(payload),
	};
}

/* What a compacting encoder does to a payload it passes through. */
static void test_payload(void **state)
{
	static const char *const pairs[][2] = {
		{" { \"b\" : 1 , \"a\" : [ 1 , 2 ] } ", "{\"b\":1,\"a\":[1,2]}"},
		{"\" a  b \"", "\" a  b \""},
		{"\"<>&\"", "\"\\u003c\\u003e\\u0026\""},
		{"{\"<\":\"\"}", "{\"\\u003c\":\"\"}"},
		{"\"x\xe2\x80\xa8y\xe2\x80\xa9\xe2\x80\xaaz\"",
			"\"x\\u2028y\\u2029\xe2\x80\xaaz\""},
		{"\"\\/ \\u00E9 \\u003C \xc3\xa9 \\n\"", "\"\\/ \\u00E9 \\u003C \xc3\xa9 \\n\""},
		{"[1.0,-0,1E+2,1e400,12345678901234567890]",
			"[1.0,-0,1E+2,1e400,12345678901234567890]"},
		{"[true,false,null,{},[ ],\"\"]", "[true,false,null,{},[],\"\"]"},
		{"\"\\\\\\\"\"", "\"\\\\\\\"\""},
	};
	static const char *const bad[] = {"", " ", "{", "{]", "[1", "[1,]", "{\"a\":}", "{\"a\" 1}",
		"{a:1}", "01", "1.", "-", "1e", "tru", "nul", "\"", "\"\\\"", "\"\\u12\"",
		"\"\\x\"", "\"\n\"", "\"\xff\"", "\"\xe2\x80", "1 2", "{}}", "+1", "'a'"};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		CLEANUP(envelope_done) struct envelope v = make(pairs[i][0]);
		CLEANUP(buf_done) struct buf b = {0}, want = {0};

		assert_int_equal(envelope_bytes(&v, &b, NULL), 0);
		buf_addf(&want, ",\"payload\":%s}", pairs[i][1]);
		assert_string_equal(strstr(buf_str(&b), ",\"payload\":"), buf_str(&want));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(envelope_done) struct envelope v = make(bad[i]);
		CLEANUP(buf_done) struct buf b = {0};
		struct err e = {0};

		if (envelope_bytes(&v, &b, &e) != ERR_INVALID)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(e.field, "payload");
		assert_int_equal(b.len, 0);
	}
}

static void test_stamps(void **state)
{
	static const char *const pairs[][2] = {
		{"2025-01-15T10:30:00Z", "2025-01-15T10:30:00Z"},
		{"2025-01-15T10:30:00.0Z", "2025-01-15T10:30:00Z"},
		{"2025-01-15T10:30:00.000000000Z", "2025-01-15T10:30:00Z"},
		{"2025-01-15T10:30:00.100Z", "2025-01-15T10:30:00.1Z"},
		{"2025-01-15T10:30:00.123456789Z", "2025-01-15T10:30:00.123456789Z"},
		{"2025-01-15T10:30:00.000000001+05:30", "2025-01-15T10:30:00.000000001+05:30"},
		{"2025-01-15T10:30:00.50-08:00", "2025-01-15T10:30:00.5-08:00"},
		{"2025-01-15T10:30:00+00:00", "2025-01-15T10:30:00Z"},
		{"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"},
	};
	static const char *const bad[] = {"", "2025-01-15", "2025-01-15t10:30:00Z",
		"2025-01-15T10:30:00z", "2025-01-15 10:30:00Z", "2025-01-15T10:30:00",
		"2025-01-15T10:30:00.Z", "2025-01-15T10:30:00,5Z", "2025-01-15T10:30:60Z",
		"2025-02-29T10:30:00Z", "2025-01-15T10:30:00.1234567890Z", "2025-01-15T24:00:00Z",
		"2025-01-15T10:30:00+1:00", "2025-01-15T10:30:00+24:00", "2025-01-15T10:30:00Z ",
		"2025-01-15T10:30:00.1234567890123456789012345678901234567890Z", NULL};
	char text[STAMP_LEN];

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		assert_int_equal(stamp_normal(pairs[i][0], text), 0);
		assert_string_equal(text, pairs[i][1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (stamp_normal(bad[i], text) != ERR_INVALID)
			fail_msg("taken: %s", bad[i]);
}

static void test_round_trip(void **state)
{
	CLEANUP(envelope_done) struct envelope v = make("{\"a\":\"<\\u0041\"}"), got = {0};
	CLEANUP(buf_done) struct buf wire = {0}, sealed = {0};
	struct sign_key key;
	struct secret other;
	struct public_key other_key;
	struct err e = {0};

	v.nonce = (mem_free(v.nonce), mem_strdup("node_1:6:\"<\\>\xc3\xa9"));
	assert_int_equal(envelope_sign(&v, &seed, &e), 0);
	assert_int_equal(envelope_write(&v, &wire), 0);
	sign_key_make(&seed, &key);
	assert_int_equal(envelope_seal(&v, &key, &sealed, &e), 0);
	assert_string_equal(buf_str(&sealed), buf_str(&wire));
	assert_int_equal(envelope_read(wire.data, wire.len, 0, &got, &e), 0);
	assert_string_equal(got.nonce, v.nonce);
	assert_string_equal(got.payload, "{\"a\":\"\\u003c\\u0041\"}");
	key_generate(&other);
	sign_public(&other, &other_key);
	assert_int_equal(envelope_check(&got, &signer, NULL, &e), 0);
	assert_int_equal(envelope_check(&got, &signer, &other_key, &e), 0);
	assert_int_equal(envelope_check(&got, &other_key, &signer, &e), 0);
	assert_int_equal(envelope_check(&got, &other_key, NULL, &e), ERR_CORRUPT);
	got.payload[2]++;
	assert_int_equal(envelope_check(&got, &signer, &other_key, &e), ERR_CORRUPT);
	/* cut anywhere: refused, never read beyond */
	for (size_t n = 0; n < wire.len; n++) {
		AUTOFREE char *cut = mem_alloc(n);

		memcpy(cut, wire.data, n);
		got.event_id[0] = 'k';
		assert_int_equal(envelope_read(cut, n, 0, &got, NULL), ERR_INVALID);
		assert_int_equal(got.event_id[0], 'k'); /* untouched */
	}
}

static void test_read_bad(void **state)
{
#define S \
	"\"signature\":\"13eriN36UVOpwWYhPp+NrLNWEPe99Gw/54aTF7qvu60V1GjtF7S9NTu9gIIvYnHh2zcSQvdi/3ub1jtz8ksYBQ==\""
#define T "\"event_type\":\"t\""
#define I "\"event_id\":\"1\""
#define A "\"issued_at\":\"2025-01-15T10:30:00Z\""
#define N "\"nonce\":\"n\""
#define P "\"payload\":{}"
	static const char *const bad[][2] = {
		{"{" I "," A "," N "," P "," S "}", "event_type"},
		{"{" T "," A "," N "," P "," S "}", "event_id"},
		{"{" T "," I "," N "," P "," S "}", "issued_at"},
		{"{" T "," I "," A "," P "," S "}", "nonce"},
		{"{" T "," I "," A "," N "," S "}", "payload"},
		{"{" T "," I "," A "," N "," P "}", "signature"},
		{"{" T "," I "," A "," N "," P ",\"signature\":\"AA==\"}", "signature"},
		{"{\"event_type\":7," I "," A "," N "," P "," S "}", "event_type"},
		{"{\"event_type\":\"a\\nb\"," I "," A "," N "," P "," S "}", "event_type"},
		{"{" T "," I ",\"issued_at\":\"yesterday\"," N "," P "," S "}", "issued_at"},
		{"{" T "," I "," A "," N "," P ",\"payload\":{}," S "}", ""},
		{"{" T "," I "," A "," N ",\"payl\\u006fad\":{}," S "}", "payload"},
		{"[]", "payload"},
	};
	struct envelope v = {0};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = {0};

		assert_int_equal(
			envelope_read(bad[i][0], strlen(bad[i][0]), 0, &v, &e), ERR_INVALID);
		assert_string_equal(e.field, bad[i][1]);
	}
	assert_null(v.event_id);
}

static void test_head(void **state)
{
	struct state_head h = {.node = "node_1",
				  .revision = 42,
				  .issued_at = "2026-01-02T03:04:05Z",
				  .nonce = "a\"b"},
			  got = {0};
	CLEANUP(buf_done) struct buf wire = {0};
	uint8_t signature[SIGNATURE_LEN];
	static const char signed_bytes[] =
		"warren-state-head-v1\n{\"node\":\"node_1\",\"revision\":42,\"sha256\":"
		"\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","
		"\"issued_at\":\"2026-01-02T03:04:05Z\",\"nonce\":\"a\\\"b\"}";
	struct err e = {0};

	strcpy(h.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	state_head_sign(&h, &seed);
	sign_make(&seed, signed_bytes, strlen(signed_bytes), signature);
	assert_memory_equal(h.signature, signature, SIGNATURE_LEN);
	state_head_write(&h, &wire);
	assert_null(strchr(buf_str(&wire), '\n'));
	assert_int_equal(state_head_read(buf_str(&wire), &got, &e), 0);
	assert_string_equal(got.node, "node_1");
	assert_true(got.revision == 42);
	assert_string_equal(got.sha256, h.sha256);
	assert_string_equal(got.nonce, "a\"b");
	assert_int_equal(state_head_check(&got, &signer, &e), 0);
	got.revision++;
	assert_int_equal(state_head_check(&got, &signer, &e), ERR_CORRUPT);
	got.revision--;
	got.sha256[0] = 'c';
	assert_int_equal(state_head_check(&got, &signer, &e), ERR_CORRUPT);
	for (size_t n = 0; n < wire.len; n++) {
		AUTOFREE char *cut = mem_strndup(wire.data, n);

		assert_int_equal(state_head_read(cut, &got, NULL), ERR_INVALID);
	}
	wire.data[strcspn(wire.data, "b")] = 'B'; /* upper case in the hash */
	assert_int_equal(state_head_read(buf_str(&wire), &got, &e), ERR_INVALID);
	assert_string_equal(e.field, "sha256");
	state_head_done(&got);
}

static void test_pins(void **state)
{
	static const char *const bad[][2] = {
		{"{}", "pins"},
		{"{\"pins\":[]}", "pins"},
		{"{\"pins\":[\"AAAA\"]}", "pins[0]"},
		{"{\"pins\":[\"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\"]}",
			"signing_keys.current"},
	};
	struct pins p = {.signing_current = signer, .issued_at = "2026-01-02T03:04:05Z"}, got = {0};
	CLEANUP(buf_done) struct buf wire = {0};
	struct state_head h = {0};
	struct err e = {0};

	strs_push(&p.pins, "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=");
	strs_push(&p.pins, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
	pins_sign(&p, &seed);
	pins_write(&p, &wire);
	assert_true(text_starts(buf_str(&wire),
		"{\"pins\":[\"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\","
		"\"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\"],\"signing_keys\":{\"current\":"
		"\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"},"
		"\"issued_at\":\"2026-01-02T03:04:05Z\",\"signature\":\""));
	assert_int_equal(pins_read(wire.data, wire.len, &got, &e), 0);
	assert_int_equal(got.pins.n, 2);
	assert_true(public_key_equal(&got.signing_current, &signer));
	assert_int_equal(pins_check(&got, &signer, &e), 0);
	got.pins.v[0][0] = '4';
	assert_int_equal(pins_check(&got, &signer, &e), ERR_CORRUPT);
	pins_done(&got);
	for (size_t n = 0; n < wire.len; n++) {
		AUTOFREE char *cut = mem_alloc(n);

		memcpy(cut, wire.data, n);
		assert_int_equal(pins_read(cut, n, &got, NULL), ERR_INVALID);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		e = (struct err){0};
		assert_int_equal(pins_read(bad[i][0], strlen(bad[i][0]), &got, &e), ERR_INVALID);
		assert_string_equal(e.field, bad[i][1]);
	}
	/* a signature of one kind is none of another */
	memcpy(h.signature, p.signature, SIGNATURE_LEN);
	assert_int_equal(state_head_check(&h, &signer, &e), ERR_CORRUPT);
	strs_done(&p.pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_read_bad),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_pins),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
