/* DOC: one call over libcurl: how it asks, what it gathers, how it is judged; see call.h. */
#include "http/call.h"
#include "http/public.h"

#include "http/gzip.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RESPONSE_MAX (64u * 1024 * 1024)
#define RESPONSE_HEADERS_MAX 256
#define GZIP_FROM 1024
#define TIMEOUT_DEFAULT ((msec)30 * 1000)
#define CONNECT_TIMEOUT_MS 10000L
#define RETRY_AFTER_MAX (24u * 3600)
#define UNIX_SCHEME "http+unix://"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_start(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_call_library(void)
{
	pthread_once(&curl_once, curl_start);
}

void http_target_done(struct http_target *t)
{
	t->base = mem_free(t->base);
	strs_done(&t->pins);
	t->ca_file = mem_free(t->ca_file);
}

const char *http_response_header(const struct http_response *r, const char *name)
{
	size_t n = strlen(name);

	VEC_FOREACH (h, &r->headers)
		if (strncasecmp(*h, name, n) == 0 && (*h)[n] == ':')
			return *h + n + 1 + strspn(*h + n + 1, " \t");
	return NULL;
}

void http_response_done(struct http_response *r)
{
	/* Answers carry keys and tokens. */
	buf_wipe(&r->body);
	strs_done(&r->headers);
}

static void read_retry_after(struct http_response *r)
{
	const char *text = http_response_header(r, "Retry-After");
	uint64_t s;

	if (text != NULL && text_u64(text, RETRY_AFTER_MAX, &s) == 0)
		r->retry_after = (msec)s * 1000;
}

/* No byte that could end a header line or the request line. */
static bool clean(const char *s, char lowest)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < (unsigned char)lowest || *s == 0x7f)
			return false;
	return true;
}

static void add_header(struct http_call *call, const char *fmt, const char *value, struct err *e)
{
	CLEANUP(buf_wipe) struct buf b = {0};

	buf_adds(&b, fmt);
	buf_adds(&b, value);
	if (!clean(buf_str(&b), ' '))
		err_set(e, ERR_INVALID, "a header has a control character");
	else
		call->headers = curl_slist_append(call->headers, buf_str(&b));
}

/* Plain http keeps nothing secret, so it is for this machine only. */
static bool is_loopback(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	struct in_addr in4;
	bool yes = false;

	if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		yes = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
			(inet_pton(AF_INET, host, &in4) == 1 && ntohl(in4.s_addr) >> 24 == 127);
	curl_free(host);
	curl_url_cleanup(u);
	return yes;
}

static int set_address(
	struct http_call *call, const struct http_target *t, const char *path, struct err *e)
{
	const char *base = t->base;
	size_t n = strlen(base);
	AUTOFREE char *url = NULL;

	if (path[0] != '/' || !clean(path, '!') || !clean(base, '!'))
		return err_set(e, ERR_INVALID, "\"%s%s\" is not a usable address", base, path);
	while (n > 0 && base[n - 1] == '/')
		n--;
	url = mem_printf("%.*s%s", (int)n, base, path);
	if (text_starts(base, UNIX_SCHEME)) {
		AUTOFREE char *on_socket = mem_printf("http://localhost%s", path);

		curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, base + strlen(UNIX_SCHEME));
		curl_easy_setopt(call->easy, CURLOPT_URL, on_socket);
	} else if (text_starts(base, "https://") ||
		(text_starts(base, "http://") && is_loopback(base))) {
		curl_easy_setopt(call->easy, CURLOPT_URL, url);
	} else {
		return err_set(e, ERR_INVALID, "\"%s\" is not an https:// address", base);
	}
	if (!text_starts(base, "https://"))
		curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR,
		text_starts(base, "https://") ? "https" : "http");
	return 0;
}

static void set_trust(struct http_call *call, const struct http_target *t)
{
	CLEANUP(buf_done) struct buf pins = {0};

	VEC_FOREACH (pin, &t->pins)
		buf_addf(&pins, "%ssha256//%s", pins.len > 0 ? ";" : "", *pin);
	if (pins.len > 0)
		curl_easy_setopt(call->easy, CURLOPT_PINNEDPUBLICKEY, buf_str(&pins));
	/* A pin says which key; who else vouches for it does not matter then. */
	if (pins.len > 0 || t->insecure) {
		curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
		/* Parsing the system's CAs costs more than all the rest of a handshake. */
		curl_easy_setopt(call->easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(call->easy, CURLOPT_CAPATH, NULL);
	} else if (t->ca_file != NULL) {
		curl_easy_setopt(call->easy, CURLOPT_CAINFO, t->ca_file);
	}
	curl_easy_setopt(call->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

/* The address that is about to be called, after names were resolved: no later answer of anybody's
 * DNS changes it. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_call *call = arg;

	(void)purpose;
	if (!http_address_is_public(&a->addr)) {
		err_set(&call->failure, ERR_DENIED,
			"%s is at an address that is not public: loopback, private or link-local",
			call->base);
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static void set_bounds(struct http_call *call, const struct http_target *t)
{
	if (!t->public_only)
		return;
	/* A proxy would call for us, whatever the address. */
	curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
}

static int set_body(struct http_call *call, const struct http_send *send, struct err *e)
{
	bool gzip = send->gzip && send->body_len > GZIP_FROM;
	int r = 0;

	if (gzip)
		r = http_gzip(send->body, send->body_len, &call->body, e);
	else if (send->body_len > 0)
		buf_add(&call->body, send->body, send->body_len);
	if (r < 0)
		return r;
	if (gzip)
		add_header(call, "Content-Encoding: ", "gzip", e);
	if (send->body_len == 0 && send->content_type == NULL)
		add_header(call, "Content-Type:", "", e); /* else curl calls it a form */
	else
		add_header(call, "Content-Type: ",
			send->content_type != NULL ? send->content_type : "application/json", e);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, buf_str(&call->body));
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
	return 0;
}

static int set_request(struct http_call *call, const struct http_send *send, struct err *e)
{
	bool has_body = send->body_len > 0 || strcmp(send->method, "POST") == 0 ||
		strcmp(send->method, "PUT") == 0 || strcmp(send->method, "PATCH") == 0;
	struct err bad = {0};
	int r = 0;

	if (!clean(send->method, '!'))
		return err_set(e, ERR_INVALID, "\"%s\" is not a method", send->method);
	if (has_body)
		r = set_body(call, send, e);
	if (r < 0)
		return r;
	if (strcmp(send->method, "HEAD") == 0)
		curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, send->method);
	if (send->bearer != NULL)
		add_header(call, "Authorization: Bearer ", send->bearer, &bad);
	for (size_t i = 0; send->headers != NULL && send->headers[i] != NULL; i++)
		add_header(call, "", send->headers[i], &bad);
	/* Waiting for "100 Continue" only costs a round trip with our servers. */
	add_header(call, "Expect:", "", &bad);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	if (bad.code != 0 && e != NULL)
		*e = bad;
	return bad.code;
}

int http_call_status(struct http_call *call)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;
	size_t len = n;

	(void)size;
	while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	if (len == 0) {
		/* The end of the headers, perhaps of an interim response only. */
		if (call->is_stream && http_call_status(call) == 200) {
			call->opened = true;
		}
	} else if (len > 5 && memcmp(p, "HTTP/", 5) == 0) {
		strs_done(&call->resp.headers);
	} else if (call->resp.headers.n < RESPONSE_HEADERS_MAX) {
		VEC_PUSH(&call->resp.headers, mem_strndup(p, len));
	}
	if (call->is_stream)
		call->heard(call);
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *call = arg;

	(void)size;
	if (call->is_stream) {
		if (call->opened)
			buf_add(&call->in, p, n);
		call->heard(call);
		return n;
	}
	if (n > call->answer_max - call->resp.body.len) {
		err_set(&call->failure, ERR_INVALID, "answer of %s is larger than %zu bytes",
			call->base, call->answer_max);
		return 0;
	}
	buf_add(&call->resp.body, p, n);
	return n;
}

static int code_of(CURLcode c)
{
	static const struct {
		CURLcode curl;
		int code;
	} t[] = {
		{CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
		{CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_CORRUPT},
		{CURLE_PEER_FAILED_VERIFICATION, ERR_CORRUPT},
		{CURLE_SSL_CACERT_BADFILE, ERR_INVALID},
		{CURLE_URL_MALFORMAT, ERR_INVALID},
		{CURLE_UNSUPPORTED_PROTOCOL, ERR_INVALID},
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (t[i].curl == c)
			return t[i].code;
	return ERR_UNAVAILABLE;
}

void http_call_judge(struct http_call *call, CURLcode c, struct err *e)
{
	if (call->failure.code != 0)
		*e = call->failure;
	else if (c != CURLE_OK)
		err_set(e, code_of(c), "%s: %s", call->base,
			call->detail[0] != '\0' ? call->detail : curl_easy_strerror(c));
	call->resp.status = http_call_status(call);
	read_retry_after(&call->resp);
}

struct http_call *http_call_new(struct http_client *c, const struct http_target *t)
{
	struct http_call *call = NEW(struct http_call);

	http_call_library();
	call->client = c;
	call->base = mem_strdup(t->base);
	call->answer_max = t->answer_max > 0 ? t->answer_max : RESPONSE_MAX;
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		abort(); /* out of memory, as in base/mem.h */
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->detail);
	curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(call->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	return call;
}

void http_call_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	for (struct curl_slist *h = call->headers; h != NULL; h = h->next)
		mem_wipe(h->data, strlen(h->data));
	curl_slist_free_all(call->headers);
	buf_wipe(&call->body);
	http_response_done(&call->resp);
	buf_done(&call->in);
	sse_done(&call->sse);
	mem_free(call->base);
	mem_free(call);
}

int http_call_prepare(struct http_call *call, const struct http_target *t,
	const struct http_send *send, struct err *e)
{
	int r = set_address(call, t, send->path, e);

	if (r < 0)
		return r;
	set_trust(call, t);
	set_bounds(call, t);
	return set_request(call, send, e);
}

void http_call_set_timeout(struct http_call *call, const struct http_send *send)
{
	msec t = send->timeout > 0 ? send->timeout : TIMEOUT_DEFAULT;

	curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)t);
	curl_easy_setopt(call->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

int http_call_wait(const struct http_target *t, const struct http_send *send,
	struct http_response *ret, struct err *e)
{
	struct http_call *call = http_call_new(NULL, t);
	struct err bad = {0};

	if (http_call_prepare(call, t, send, &bad) == 0) {
		http_call_set_timeout(call, send);
		http_call_judge(call, curl_easy_perform(call->easy), &bad);
	}
	if (bad.code == 0) {
		*ret = call->resp;
		memset(&call->resp, 0, sizeof(call->resp));
	} else if (e != NULL) {
		*e = bad;
	}
	http_call_free(call);
	return bad.code;
}
