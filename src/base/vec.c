/* DOC: owned lists of strings; the generic part is macros in vec.h. */
#include "base/vec.h"

void strs_push(struct strs *l, const char *s)
{
	VEC_PUSH(l, mem_strdup(s));
}

void strs_copy(struct strs *to, const struct strs *from)
{
	VEC_FOREACH (s, from)
		strs_push(to, *s);
}

void strs_own(struct strs *l)
{
	struct strs copy = {0};

	strs_copy(&copy, l);
	*l = copy;
}

int strs_equal(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return 0;
	return 1;
}

int strs_has(const struct strs *l, const char *s)
{
	VEC_FOREACH (it, l)
		if (strcmp(*it, s) == 0)
			return 1;
	return 0;
}

void strs_done(struct strs *l)
{
	VEC_FOREACH (s, l)
		mem_free(*s);
	VEC_DONE(l);
}
