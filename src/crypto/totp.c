/* DOC: see totp.h. */
#include "crypto/totp.h"

#include "base/mem.h"
#include "base/rand.h"

#include <ctype.h>
#include <liboath/oath.h>
#include <pthread.h>
#include <string.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void totp_generate(struct secret *ret)
{
	memset(ret->bytes, 0, sizeof(ret->bytes));
	rand_bytes(ret->bytes, TOTP_SECRET_LEN);
}

/* 20 bytes are 32 digits of five bits, without padding. */
void totp_text(const struct secret *s, struct buf *out)
{
	unsigned bits = 0, n = 0;

	for (size_t i = 0; i < TOTP_SECRET_LEN; i++) {
		bits = bits << 8 | s->bytes[i];
		for (n += 8; n >= 5; n -= 5)
			buf_addc(out, (char)toupper(alphabet[bits >> (n - 5) & 31]));
	}
}

static void escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL)
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
}

void totp_uri(const struct secret *s, const char *issuer, const char *name, struct buf *out)
{
	buf_adds(out, "otpauth://totp/");
	escape(out, issuer);
	buf_addc(out, ':');
	escape(out, name);
	buf_adds(out, "?secret=");
	totp_text(s, out);
	buf_adds(out, "&issuer=");
	escape(out, issuer);
	buf_addf(out, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP);
}

static void begin(void)
{
	oath_init();
}

uint64_t totp_check(const struct secret *s, const char *code, msec now, uint64_t last)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint64_t step = 0;
	int position;

	pthread_once(&once, begin);
	if (strlen(code) != TOTP_DIGITS || strspn(code, "0123456789") != TOTP_DIGITS)
		return 0;
	if (oath_totp_validate3((const char *)s->bytes, TOTP_SECRET_LEN, (time_t)(now / 1000),
		    TOTP_STEP, 0, TOTP_WINDOW, &position, &step, code) < 0)
		return 0;
	return step > last ? step : 0;
}

void recovery_make(char ret[static RECOVERY_LEN])
{
	uint8_t random[15];
	size_t n = 0;

	rand_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i > 0 && i % 5 == 0)
			ret[n++] = '-';
		ret[n++] = alphabet[random[i] & 31];
	}
	ret[n] = '\0';
	mem_wipe(random, sizeof(random));
}
