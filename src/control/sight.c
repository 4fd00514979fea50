/* DOC: see sight.h. */
#include "control/sight.h"

#include "model/names.h"

#include <stdio.h>
#include <string.h>

const char *const nat_type_words[] = {"unknown", "none", "easy", "hard", NULL};

struct seen_by {
	id_text observer;
	char endpoint[SIGHT_TEXT];
	msec at; /* the handshake, wall */
};

struct sight {
	VEC(struct seen_by) by;
	char best[SIGHT_TEXT];
	char said[SIGHT_TEXT];
	struct addr called;
};

static void sight_free(void *p)
{
	struct sight *s = p;

	VEC_DONE(&s->by);
	mem_free(s);
}

void sights_done(struct sights *s)
{
	map_done(&s->members, sight_free);
}

void sights_forget(struct sights *s, const char *member)
{
	struct sight *gone = map_remove(&s->members, member);

	if (gone != NULL)
		sight_free(gone);
}

void sights_forget_observer(struct sights *s, const char *node)
{
	MAP_FOREACH (slot, &s->members) {
		struct sight *m = slot->value;

		for (size_t i = m->by.n; i-- > 0;)
			if (strcmp(m->by.v[i].observer, node) == 0)
				VEC_REMOVE(&m->by, i);
	}
}

static struct sight *get(struct sights *s, const char *member)
{
	struct sight *m = map_get(&s->members, member);

	if (m == NULL) {
		m = NEW(struct sight);
		map_set(&s->members, member, m);
	}
	return m;
}

static struct seen_by *by_observer(struct sight *m, const char *observer)
{
	size_t oldest = 0;
	struct seen_by none = {0};

	VEC_FOREACH (b, &m->by)
		if (strcmp(b->observer, observer) == 0)
			return b;
	if (m->by.n < SIGHT_OBSERVERS) {
		VEC_PUSH(&m->by, none);
		return &m->by.v[m->by.n - 1];
	}
	for (size_t i = 1; i < m->by.n; i++)
		if (m->by.v[i].at < m->by.v[oldest].at)
			oldest = i;
	m->by.v[oldest] = none;
	return &m->by.v[oldest];
}

static bool fresh(const struct seen_by *b, msec now)
{
	return now - b->at < SIGHT_FRESH;
}

static bool anyone_sees(const struct sight *m, const char *endpoint, msec now)
{
	VEC_FOREACH (b, &m->by)
		if (fresh(b, now) && strcmp(b->endpoint, endpoint) == 0)
			return true;
	return false;
}

/* What an observer sees move is the news. A new observer's word counts only where nobody confirms
 * what is told already: behind a hard NAT each would say something else. */
void sights_add(struct sights *s, const char *member, const char *observer, const char *endpoint,
	msec handshake)
{
	struct sight *m = get(s, member);
	struct seen_by *b = by_observer(m, observer);
	bool moved = b->endpoint[0] != '\0' && strcmp(b->endpoint, endpoint) != 0;

	id_copy(b->observer, observer);
	snprintf(b->endpoint, sizeof(b->endpoint), "%s", endpoint);
	b->at = handshake;
	if (moved || !anyone_sees(m, m->best, handshake))
		snprintf(m->best, sizeof(m->best), "%s", endpoint);
}

void sights_said(struct sights *s, const char *member, const char *endpoint, struct addr called)
{
	struct sight *m = get(s, member);

	if (endpoint != NULL)
		snprintf(m->said, sizeof(m->said), "%s", endpoint);
	if (addr_is_set(called))
		m->called = called;
}

bool sights_best(const struct sights *s, const char *member, msec now, char ret[static SIGHT_TEXT])
{
	const struct sight *m = map_get(&s->members, member);

	if (m == NULL || m->best[0] == '\0' || !anyone_sees(m, m->best, now))
		return false;
	snprintf(ret, SIGHT_TEXT, "%s", m->best);
	return true;
}

enum nat_type sights_nat(const struct sights *s, const char *member, msec now)
{
	const struct sight *m = map_get(&s->members, member);
	const struct seen_by *first = NULL;
	bool two = false, same = true, own = true;

	if (m == NULL)
		return NAT_UNKNOWN;
	VEC_FOREACH (b, &m->by) {
		if (!fresh(b, now))
			continue;
		own = own && strcmp(b->endpoint, m->said) == 0;
		if (first == NULL) {
			first = b;
			continue;
		}
		two = true;
		same = same && strcmp(b->endpoint, first->endpoint) == 0;
	}
	if (first == NULL)
		return NAT_UNKNOWN;
	if (own)
		return NAT_NONE;
	if (!two)
		return NAT_UNKNOWN;
	return same ? NAT_EASY : NAT_HARD;
}

static bool is_at(const char *endpoint, struct addr a)
{
	char host[256];
	uint16_t port;
	struct addr b;

	return endpoint_split(endpoint, host, sizeof(host), &port) == 0 &&
		addr_parse(host, &b) == 0 && addr_compare(a, b) == 0;
}

bool sights_behind_nat(const struct sights *s, const char *member, msec now)
{
	const struct sight *m = map_get(&s->members, member);

	if (m == NULL || m->said[0] == '\0')
		return false;
	VEC_FOREACH (b, &m->by)
		if (fresh(b, now))
			return strcmp(b->endpoint, m->said) != 0;
	return addr_is_set(m->called) && !is_at(m->said, m->called);
}
