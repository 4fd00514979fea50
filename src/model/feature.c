/* DOC: see feature.h. */
#include "model/feature.h"

#include <stdio.h>
#include <string.h>

/* Marked packets leave by an exit only: without it, what should have gone there leaves openly. */
static bool needs_exits(const struct item *i)
{
	const struct firewall_item *f = &i->firewall;

	return i->kind == ITEM_EXIT ||
		(i->kind == ITEM_INTERFACE && i->interface.role == IFACE_EXIT) ||
		(i->kind == ITEM_FIREWALL && (f->exits.n > 0 || f->exit_interface[0] != '\0'));
}

static bool needs_limits(const struct item *i)
{
	return i->kind == ITEM_LIMIT;
}

/* Routes that hold while a path is alive, relays and hubs: taken as plain routes they lead into
 * nothing. */
static bool needs_paths(const struct item *i)
{
	return (i->kind == ITEM_ROUTE && i->route.peer[0] != '\0') ||
		(i->kind == ITEM_FIREWALL && i->firewall.hubs.n > 0) ||
		(i->kind == ITEM_INTERFACE &&
			(i->interface.role == IFACE_RELAY || i->interface.role == IFACE_HUB));
}

static bool needs_names(const struct item *i)
{
	return i->kind == ITEM_DNS || i->kind == ITEM_NAME;
}

static const struct feature {
	const char *word;
	bool (*needed)(const struct item *i);
	const char *kinds; /* "" = all of the network */
} features[] = {
	{"exits", needs_exits, ""},
	{"limits", needs_limits, ""},
	{"paths", needs_paths, ""},
	{"names", needs_names, ":dns,name"},
};

void feature_require(const struct item_vec *items, struct strs *requires)
{
	for (size_t k = 0; k < ARRAY_LEN(features); k++) {
		const char *last = ""; /* items of a network are neighbours */

		VEC_FOREACH (i, items) {
			char entry[2 * ID_LEN + 32];

			if (!features[k].needed(*i) || strcmp((*i)->network, last) == 0)
				continue;
			last = (*i)->network;
			snprintf(entry, sizeof(entry), "%s@%s%s", features[k].word, last,
				features[k].kinds);
			if (!strs_has(requires, entry))
				strs_push(requires, entry);
		}
	}
}

bool feature_known(const char *entry)
{
	size_t n = strcspn(entry, "@");

	for (size_t k = 0; k < ARRAY_LEN(features); k++)
		if (strlen(features[k].word) == n && memcmp(features[k].word, entry, n) == 0)
			return true;
	return false;
}

/* Is the word in the list "word,word"? */
static bool lists(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (;; list++) {
		size_t len = strcspn(list, ",");

		if (len == n && memcmp(list, word, n) == 0)
			return true;
		list += len;
		if (*list == '\0')
			return false;
	}
}

static bool covers(const char *entry, const struct item *i)
{
	const char *network = strchr(entry, '@'), *kinds;
	size_t n;

	if (network == NULL)
		return true;
	network++;
	n = strcspn(network, ":");
	kinds = network + n;
	if (strlen(i->network) != n || memcmp(i->network, network, n) != 0)
		return false;
	return *kinds == '\0' || lists(kinds + 1, item_kind_words[i->kind]);
}

bool feature_closes(const struct strs *entries, const struct item *i)
{
	/* what may let something through; all else keeps a part shut */
	static const bool opens[ITEM_KINDS] = {[ITEM_PEER] = true,
		[ITEM_ROUTE] = true,
		[ITEM_HOST] = true,
		[ITEM_DNS] = true,
		[ITEM_NAME] = true};

	if (!opens[i->kind])
		return false;
	VEC_FOREACH (entry, entries)
		if (covers(*entry, i))
			return true;
	return false;
}
