/* DOC: the request guard; see guard.h. */
#include "http/guard.h"

#include "http/server.h"

#include <string.h>
#include <strings.h>

bool http_is_token(const char *s, size_t n)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    (c != '\0' && strchr(marks, c) != NULL)))
			return false;
	}
	return n > 0;
}

/* No control characters except the tab. */
static bool value_clean(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static bool is(const struct http_header_view *h, const char *name)
{
	return strlen(name) == h->name_len && strncasecmp(name, h->name, h->name_len) == 0;
}

static bool all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return n > 0;
}

static int refuse(struct err *e, int status, const char *why)
{
	err_set(e, ERR_INVALID, "%s", why);
	return status;
}

int http_guard(const char *version, const struct http_header_view *headers, size_t n, struct err *e)
{
	size_t total = 0;
	int hosts = 0, lengths = 0, encodings = 0;
	bool http11 = strcmp(version, "HTTP/1.1") == 0;

	if (!http11 && strcmp(version, "HTTP/1.0") != 0)
		return refuse(e, 505, "protocol version is not HTTP/1.0 or HTTP/1.1");
	for (size_t i = 0; i < n; i++) {
		const struct http_header_view *h = &headers[i];

		total += h->name_len + h->value_len + 4;
		if (!http_is_token(h->name, h->name_len))
			return refuse(e, 400, "a header name is empty or has a bad character");
		if (!value_clean(h->value, h->value_len))
			return refuse(e, 400, "a header value has a control character");
		if (is(h, "Host")) {
			hosts++;
		} else if (is(h, "Content-Length")) {
			lengths++;
			if (!all_digits(h->value, h->value_len))
				return refuse(e, 400, "Content-Length is not a number");
		} else if (is(h, "Transfer-Encoding")) {
			encodings++;
			if (h->value_len != 7 || strncasecmp(h->value, "chunked", 7) != 0)
				return refuse(e, 400, "Transfer-Encoding is not chunked");
		}
	}
	if (total > HTTP_HEADER_MAX)
		return refuse(e, 431, "headers are too large");
	if (lengths > 1)
		return refuse(e, 400, "more than one Content-Length");
	if (encodings > 1)
		return refuse(e, 400, "more than one Transfer-Encoding");
	if (encodings > 0 && lengths > 0)
		return refuse(e, 400, "both Content-Length and Transfer-Encoding");
	if (encodings > 0 && !http11)
		return refuse(e, 400, "Transfer-Encoding in HTTP/1.0");
	if (hosts > 1)
		return refuse(e, 400, "more than one Host");
	if (hosts == 0 && http11)
		return refuse(e, 400, "no Host");
	return 0;
}
