/*
 * DOC: typed growable arrays. VEC(struct peer) peers = {0}; then VEC_PUSH(&peers, p); items are
 * in peers.v[0 .. peers.n). A named type comes from VEC_TYPE(peer_vec, struct peer).
 */
#ifndef WARREN_BASE_VEC_H
#define WARREN_BASE_VEC_H

#include "base/mem.h"

#include <string.h>

#define VEC(type)           \
	struct {            \
		type *v;    \
		size_t n;   \
		size_t cap; \
	}

#define VEC_TYPE(name, type) \
	struct name {        \
		type *v;     \
		size_t n;    \
		size_t cap;  \
	}

/* Room a vector starts with. Vectors of large elements (prefixes of a peer, 48 bytes) mostly hold
 * one or two, and there are many of them. */
#define VEC_FIRST(vec) (sizeof(*(vec)->v) >= 32 ? 2 : 8)

#define VEC_RESERVE(vec, want)                                                    \
	do {                                                                      \
		size_t want_ = (want);                                            \
		if (want_ > (vec)->cap) {                                         \
			size_t cap_ = (vec)->cap ? (vec)->cap : VEC_FIRST(vec);   \
			while (cap_ < want_)                                      \
				cap_ *= 2;                                        \
			(vec)->v = mem_resize((vec)->v, cap_, sizeof(*(vec)->v)); \
			(vec)->cap = cap_;                                        \
		}                                                                 \
	} while (0)

#define VEC_PUSH(vec, item)                     \
	do {                                    \
		VEC_RESERVE(vec, (vec)->n + 1); \
		(vec)->v[(vec)->n++] = (item);  \
	} while (0)

/* Open a gap at index i (0..n) and put item there, keeping order. */
#define VEC_INSERT(vec, i, item)                                                                \
	do {                                                                                    \
		size_t i_ = (i);                                                                \
		VEC_RESERVE(vec, (vec)->n + 1);                                                 \
		memmove(&(vec)->v[i_ + 1], &(vec)->v[i_], ((vec)->n - i_) * sizeof(*(vec)->v)); \
		(vec)->v[i_] = (item);                                                          \
		(vec)->n++;                                                                     \
	} while (0)

#define VEC_REMOVE(vec, i)                                                                      \
	do {                                                                                    \
		size_t i_ = (i);                                                                \
		(vec)->n--;                                                                     \
		memmove(&(vec)->v[i_], &(vec)->v[i_ + 1], ((vec)->n - i_) * sizeof(*(vec)->v)); \
	} while (0)

#define VEC_FOREACH(it, vec) \
	for (__typeof__(*(vec)->v) *it = (vec)->v; it != NULL && it < (vec)->v + (vec)->n; it++)

/* Frees the array, not what its items own. */
#define VEC_DONE(vec)                      \
	do {                               \
		mem_free((vec)->v);        \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

/* Lists of strings, the commonest case. Items are owned. */
VEC_TYPE(strs, char *);
void strs_push(struct strs *l, const char *s);
void strs_copy(struct strs *to, const struct strs *from); /* to must be empty */
void strs_own(struct strs *l);                            /* a borrowed list becomes a copy */
int strs_equal(const struct strs *a, const struct strs *b);
int strs_has(const struct strs *l, const char *s);
void strs_done(struct strs *l);

#endif
