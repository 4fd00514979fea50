/*
 * DOC: the one error idiom. Functions that can fail return 0 (or a count) on success and one of
 * the negative codes below on failure; their ret_ parameters are untouched then. Where a person
 * will read about it, the last parameter is a struct err, filled with a sentence that names the
 * bad value, and with the field that held it. A function either logs or returns an error.
 */
#ifndef WARREN_BASE_ERR_H
#define WARREN_BASE_ERR_H

enum err_code {
	ERR_INVALID = -1000,      /* malformed or out of range; .field names it */
	ERR_NOT_FOUND = -1001,    /* no such object, or not visible to the caller */
	ERR_EXISTS = -1002,       /* the name, key or address is held by another object */
	ERR_EXHAUSTED = -1003,    /* a pool or a stated limit is used up */
	ERR_DENIED = -1004,       /* known caller, not allowed */
	ERR_UNAUTHORIZED = -1005, /* unknown caller */
	ERR_GONE = -1006,         /* was there once: a key shown, a link used */
	ERR_CORRUPT = -1007,      /* bytes that should be ours do not verify */
	ERR_UNSUPPORTED = -1008,  /* this machine or build cannot do it */
	ERR_UNAVAILABLE = -1009,  /* try again later: the other end is away */
	ERR_TIMEOUT = -1010,
	ERR_SYSTEM = -1011, /* a system call failed; the text carries strerror */
	ERR_INTERNAL = -1012,
	ERR_STALE = -1013, /* precondition failed: somebody changed it meanwhile */
};

struct err {
	int code;       /* 0 = no error */
	char field[64]; /* name of the input field at fault, or "" */
	char text[384]; /* one sentence, no trailing full stop, never a secret */
};

/* Fill e (which may be NULL) and return code, so callers can write return err_set(...). */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_field(struct err *e, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ERR_SYSTEM with ": strerror(errnum)" appended. */
int err_errno(struct err *e, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "prefix: " before the text of an error that is being passed up. Returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "invalid", "not_found", ...: a stable word for logs and metrics. */
const char *err_name(int code);

#endif
