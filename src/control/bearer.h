/*
 * DOC: who may speak as which node: hashes of node bearers, looked up by HTTP threads before they
 * read a body. The hub's thread keeps them equal to the fleet.
 */
#ifndef WARREN_CONTROL_BEARER_H
#define WARREN_CONTROL_BEARER_H

#include "model/objects.h"

struct bearers;

struct bearers *bearers_new(void);
struct bearers *bearers_free(struct bearers *b);
void bearers_put(struct bearers *b, const struct node *n);
void bearers_remove(struct bearers *b, const char *node);

/* 0, or ERR_UNAUTHORIZED: the same answer for an unknown node and a wrong bearer. header is the
 * value of Authorization, or NULL. */
int bearers_check(struct bearers *b, const char *node, const char *header, struct err *e);

/* Whose bearer is this? As above, where a path names no node. */
int bearers_find(struct bearers *b, const char *header, id_text ret_node, struct err *e);

/* The token in "Bearer TOKEN", or NULL. */
const char *bearer_text(const char *header);

#endif
