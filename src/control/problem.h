/* DOC: errors as people and programs get them: RFC 9457 problem+json. */
#ifndef WARREN_CONTROL_PROBLEM_H
#define WARREN_CONTROL_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

#define PROBLEM_TYPE "application/problem+json"

/* HTTP status of an error code; 500 for what is our fault. */
int problem_status(int code);
/* The body. field may be NULL or "". */
void problem_write(
	struct buf *out, int status, const char *code, const char *detail, const char *field);
/* For http_options.error_body. */
void problem_body(
	int status, const char *detail, const char *field, struct buf *out, const char **ret_type);

#endif
