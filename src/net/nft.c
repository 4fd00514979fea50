/*
 * DOC: nft as a child program: one `nft -f -` is one transaction of the kernel. The text comes from
 * firewall.c and nftname.c; nothing else is ever fed to it.
 */
#include "net/net.h"

#include "base/map.h"
#include "base/proc.h"
#include "crypto/hash.h"
#include "net/nftname.h"

#include <stdlib.h>
#include <string.h>

#define NFT_TIMEOUT 60000 /* ms; 20,000 elements take less than a second */

int net_firewall_load(const struct buf *text, struct err *e)
{
	static const char *const argv[] = {"nft", "-f", "-", NULL};

	if (text->len == 0)
		return 0;
	return proc_run(argv, text->data, text->len, NULL, NULL, NFT_TIMEOUT, e);
}

/* Members of one set that come or go. */
struct batch {
	const char *set; /* borrowed */
	struct prefix_vec prefixes;
};

static void batch_free(void *value)
{
	struct batch *b = value;

	VEC_DONE(&b->prefixes);
	mem_free(b);
}

/* Deterministic although the map is not: sets in the order in which they are first named. */
static void batches_add(struct buf *out, const char *verb, const char *network, const char *table,
	const struct item_vec *items)
{
	static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
	VEC(struct batch *) order = {0};
	struct map by_set = {0};

	VEC_FOREACH (i, items) {
		const struct set_item *s = &(*i)->set;
		struct batch *b;

		if ((*i)->kind != ITEM_SET || strcmp((*i)->network, network) != 0)
			continue;
		b = map_get(&by_set, s->set);
		if (b == NULL) {
			b = NEW(struct batch);
			b->set = s->set;
			map_set(&by_set, s->set, b);
			VEC_PUSH(&order, b);
		}
		VEC_PUSH(&b->prefixes, s->prefix);
	}
	VEC_FOREACH (b, &order) {
		for (size_t k = 0; k < ARRAY_LEN(families); k++) {
			char name[NFT_NAME_LEN];

			nft_elements(out, verb, table,
				nft_set((*b)->set, NFT_HOSTS, families[k], name), NFT_HOSTS,
				families[k], &(*b)->prefixes);
		}
	}
	VEC_DONE(&order);
	map_done(&by_set, batch_free);
}

/* Ranges are not changed one by one: nft 1.0.6 takes seconds to delete some thousand elements of an
 * interval set (milliseconds from a plain one), crashes over merged ones, and only the whole text
 * knows what lay inside a range that goes. */
static int check_hosts(const char *network, const struct item_vec *v, struct err *e)
{
	VEC_FOREACH (i, v)
		if ((*i)->kind == ITEM_SET && strcmp((*i)->network, network) == 0 &&
			nft_kind_of((*i)->set.prefix) != NFT_HOSTS)
			return err_set(e, ERR_STALE,
				"a range of the firewall of %s changes: it has to be loaded whole",
				network);
	return 0;
}

int net_firewall_members(
	const char *network, const struct item_vec *put, const struct item_vec *drop, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	char table[NFT_NAME_LEN];
	int r = check_hosts(network, drop, e);

	if (r == 0)
		r = check_hosts(network, put, e);
	if (r < 0)
		return r;
	nft_table(network, table);
	batches_add(&text, "delete", network, table, drop);
	batches_add(&text, "add", network, table, put);
	return net_firewall_load(&text, e);
}

int net_firewall_digest(const char *network, char ret[static 65], struct err *e)
{
	CLEANUP(buf_done) struct buf out = {0};
	CLEANUP(buf_done) struct buf errout = {0};
	char table[NFT_NAME_LEN];
	const char *const argv[] = {
		"nft", "-nn", "list", "table", "inet", nft_table(network, table), NULL};
	int r = proc_run(argv, NULL, 0, &out, &errout, NFT_TIMEOUT, e);

	if (r == ERR_SYSTEM && strstr(buf_str(&errout), "No such file or directory") != NULL)
		return err_set(e, ERR_NOT_FOUND, "the firewall table %s is not there", table);
	if (r == 0)
		hash_sha256_hex(out.data, out.len, ret);
	return r;
}

int net_firewall_delete(const char *network, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	char table[NFT_NAME_LEN];

	nft_table(network, table);
	buf_addf(&text, "add table inet %s\ndelete table inet %s\n", table, table);
	return net_firewall_load(&text, e);
}
