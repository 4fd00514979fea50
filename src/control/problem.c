/* DOC: see problem.h. One table maps codes to statuses, one statuses to titles. */
#include "control/problem.h"

#include "base/mem.h"
#include "codec/json.h"

#include <stddef.h>

static const struct {
	int code, status;
} statuses[] = {
	{ERR_INVALID, 400},
	{ERR_UNAUTHORIZED, 401},
	{ERR_DENIED, 403},
	{ERR_NOT_FOUND, 404},
	{ERR_EXISTS, 409},
	{ERR_EXHAUSTED, 409},
	{ERR_GONE, 410},
	{ERR_STALE, 412},
	{ERR_UNSUPPORTED, 422},
	{ERR_UNAVAILABLE, 503},
	{ERR_TIMEOUT, 503},
};

static const struct {
	int status;
	const char *title;
	const char *code; /* when the status is all we know */
} titles[] = {
	{400, "Bad Request", "invalid"},
	{401, "Unauthorized", "unauthorized"},
	{403, "Forbidden", "denied"},
	{404, "Not Found", "not_found"},
	{405, "Method Not Allowed", "invalid"},
	{409, "Conflict", "exists"},
	{410, "Gone", "gone"},
	{412, "Precondition Failed", "stale"},
	{413, "Content Too Large", "invalid"},
	{415, "Unsupported Media Type", "invalid"},
	{422, "Unprocessable Content", "unsupported"},
	{429, "Too Many Requests", "exhausted"},
	{431, "Request Header Fields Too Large", "invalid"},
	{500, "Internal Server Error", "internal"},
	{503, "Service Unavailable", "unavailable"},
};

int problem_status(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return 500;
}

void problem_write(
	struct buf *out, int status, const char *code, const char *detail, const char *field)
{
	const char *title = "Error", *word = "internal";
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status) {
			title = titles[i].title;
			word = titles[i].code;
		}
	struct json_writer w = {.out = out};
	json_begin_object(&w, NULL);
	json_put_str(&w, "type", "about:blank");
	json_put_str(&w, "title", title);
	json_put_int(&w, "status", status);
	json_put_str(&w, "detail", detail && *detail ? detail : title);
	if (field && *field)
		json_put_str(&w, "field", field);
	json_put_str(&w, "code", code ? code : word);
	json_end_object(&w);
}

void problem_body(
	int status, const char *detail, const char *field, struct buf *out, const char **ret_type)
{
	problem_write(out, status, NULL, detail, field);
	*ret_type = PROBLEM_TYPE;
}
