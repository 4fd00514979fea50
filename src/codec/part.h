/*
 * DOC: members of items: each has a name, a place in struct item and a type, each type a writer and
 * a reader. Readers answer ERR_INVALID naming the member, and what they have read by then is the
 * item's (item_free).
 */
#ifndef WARREN_CODEC_PART_H
#define WARREN_CODEC_PART_H

#include "codec/json.h"
#include "model/state.h"

#include <stddef.h>

enum part_flags { PART_KEY = 1, PART_MUST = 2, PART_BRIEF = 4 /* not written when it is zero */ };

#define PART_CHARS_MAX 256 /* of texts that have no limit of their own */

struct part;
typedef void part_write_fn(struct json_writer *w, const struct part *m, const void *at);
typedef int part_read_fn(const struct json *j, const struct part *m, void *at, struct err *e);

struct part {
	const char *name;
	size_t offset; /* in struct item */
	const struct part_type *type;
	unsigned flags;
	uint64_t max; /* texts: characters */
};

struct part_type {
	part_write_fn *write;
	part_read_fn *read;
	size_t size; /* of what may be brief */
};

/* What each finds at its place: */
extern const struct part_type part_text;         /* char *, owned */
extern const struct part_type part_spare_text;   /* char *, owned; may be brief */
extern const struct part_type part_ifname;       /* char[IFNAME_LEN] */
extern const struct part_type part_id;           /* id_text */
extern const struct part_type part_maybe_id;     /* id_text; may be empty */
extern const struct part_type part_u16;          /* uint16_t */
extern const struct part_type part_u32;          /* uint32_t */
extern const struct part_type part_u64;          /* uint64_t */
extern const struct part_type part_truth;        /* bool */
extern const struct part_type part_when;         /* msec */
extern const struct part_type part_role;         /* int, an enum interface_role */
extern const struct part_type part_addr;         /* struct addr; may be unset */
extern const struct part_type part_key;          /* struct public_key */
extern const struct part_type part_secret;       /* struct secret */
extern const struct part_type part_prefix;       /* struct prefix */
extern const struct part_type part_prefixes;     /* struct prefix_vec */
extern const struct part_type part_strs;         /* struct strs */
extern const struct part_type part_cidr;         /* struct address_item */
extern const struct part_type part_rules;        /* struct fw_rule_vec */
extern const struct part_type part_maybe_ifname; /* char[IFNAME_LEN]; may be empty */
extern const struct part_type part_exits;        /* struct fw_exit_vec */

#endif
