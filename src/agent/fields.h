/*
 * DOC: the parts messages between the agent's processes are made of. Numbers are 64 bits as this
 * machine has them; a text is its length, its bytes and a zero byte, so that it can be borrowed.
 * Reading trusts nothing: once something was not as it should be, the reader is bad, and what it
 * gives is zero.
 */
#ifndef WARREN_AGENT_FIELDS_H
#define WARREN_AGENT_FIELDS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "model/prefix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void fields_put_number(struct buf *out, int64_t n);
void fields_put_bytes(struct buf *out, const char *p, size_t n); /* NULL: not there */
void fields_put_text(struct buf *out, const char *s);            /* the same */
void fields_put_texts(struct buf *out, const struct strs *l);
void fields_put_prefix(struct buf *out, struct prefix p);
void fields_put_addr(struct buf *out, struct addr a); /* unset, too */

struct fields {
	const char *at; /* a zero byte follows the last one */
	size_t left;
	bool bad;
};

int64_t fields_number(struct fields *r, int64_t low, int64_t high); /* low when bad */
/* NULL when it is not there, or when r is bad. Borrowed. */
const char *fields_bytes(struct fields *r, size_t *ret_n);
const char *fields_text_or_null(struct fields *r);
const char *fields_text(struct fields *r); /* one that is not there makes r bad */
void fields_texts(struct fields *r, struct strs *ret);
struct prefix fields_prefix(struct fields *r);
struct addr fields_addr(struct fields *r);

/* Was all read, and all well? ERR_INVALID else, naming what it was. */
int fields_end(const struct fields *r, const char *what, struct err *e);

#endif
