/*
 * DOC: how a network's table comes into the kernel and is kept there. Rules are nft text, fed to
 * `nft -f -` (fixed arguments, no shell; the text comes from firewall.c alone); what is in sets
 * goes by netlink (nfnl.h). Each is one transaction, so there is no moment without rules:
 *
 *	no table yet                  nft: rules with their members at once; over sets that are
 *	                              still empty they would drop what passes now
 *	rules as we loaded them       netlink: what differs in the sets
 *	rules are to be others        nft: rules anew, and what differs in the sets
 *	unknown, or a foreign hand    nft: the table anew
 */
#include "net/net.h"

#include "base/map.h"
#include "base/proc.h"
#include "crypto/hash.h"
#include "net/firewall.h"
#include "net/nfnl.h"
#include "net/rtnl.h"

#include <string.h>

#define NFT_TIMEOUT 60000 /* ms; 20,000 elements take less than a second */
#define CHANGE_TRIES 20   /* somebody else may change nftables at the same time */

/* What this process knows of one network's table. */
struct known {
	bool loaded;
	unsigned chains;   /* that it was loaded with, FIREWALL_ bits */
	bool limited;      /* and with rules for limits */
	char text[65];     /* digest of the skeleton as nft text */
	char skeleton[65]; /* of what the kernel made of it */
	/* At this generation of nftables the table was as wanted; 0 = it has to be looked at. */
	uint32_t verified;
};

struct net_tables {
	struct nfnl *nfnl;
	struct map known; /* network -> struct known */
};

static void free_known(void *k)
{
	mem_free(k);
}

struct net_tables *net_tables_free(struct net_tables *t)
{
	if (t == NULL)
		return NULL;
	nfnl_free(t->nfnl);
	map_done(&t->known, free_known);
	return mem_free(t);
}

static int tables_of(struct net *n, struct net_tables **ret, struct err *e)
{
	if (n->tables == NULL) {
		struct nfnl *nfnl = nfnl_new(e);

		if (nfnl == NULL)
			return ERR_SYSTEM;
		n->tables = NEW(struct net_tables);
		n->tables->nfnl = nfnl;
	}
	*ret = n->tables;
	return 0;
}

static struct known *known_of(struct net_tables *t, const char *network)
{
	struct known *k = map_get(&t->known, network);

	if (k == NULL) {
		k = NEW(struct known);
		map_set(&t->known, network, k);
	}
	return k;
}

static int nft(const struct buf *text, struct err *e)
{
	static const char *const argv[] = {"nft", "-f", "-", NULL};

	return proc_run(argv, text->data, text->len, NULL, NULL, NFT_TIMEOUT, e);
}

/* --- loading --------------------------------------------------------------------------------- */

/* Only the sets: from what they hold to what they should. ERR_STALE: not possible, or overtaken. */
static int change_content(struct net_tables *t, const struct firewall *fw,
	const struct nf_content *from, uint32_t generation, struct err *e)
{
	struct nf_changes c = {0};
	int r = nf_changes_between(from, &fw->content, &c);

	if (r < 0)
		return err_set(e, r, "a limit changed its rate");
	r = nfnl_change(t->nfnl, fw->table, &c, generation, e);
	nf_changes_done(&c);
	return r;
}

/* What the kernel made of the skeleton; not learned when somebody else was there meanwhile, for it
 * could be theirs: the table is loaded anew then, the next time. */
static void learn(struct net_tables *t, const struct firewall *fw, uint32_t before, struct known *k)
{
	CLEANUP(nf_table_done) struct nf_table now = {0};

	if (nfnl_read(t->nfnl, fw->table, &now, NULL) < 0 || now.generation != before + 1)
		return;
	k->loaded = true;
	memcpy(k->skeleton, now.skeleton, sizeof(k->skeleton));
	hash_sha256_hex(fw->skeleton.data, fw->skeleton.len, k->text);
}

/* Rules by nft; old: what the sets hold now, when the table stays. */
static int load_text(struct net_tables *t, const struct firewall *fw, const struct nf_content *old,
	struct known *k, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	uint32_t before;
	int r = firewall_text(fw, old, k->chains, &text);

	if (r < 0)
		return err_set(e, r, "a limit changed its rate");
	r = nfnl_generation(t->nfnl, &before, e);
	if (r < 0)
		return r;
	k->loaded = false;
	r = nft(&text, e);
	if (r < 0)
		return r;
	k->chains = fw->chains;
	k->limited = fw->limited;
	learn(t, fw, before, k);
	return 0;
}

/* In place. Anything but success may be tried again by loading the table anew. */
static int load_again(struct net_tables *t, const struct firewall *fw, const struct nf_table *now,
	struct known *k, struct err *e)
{
	char text[65];

	if (!k->loaded || strcmp(k->skeleton, now->skeleton) != 0)
		return err_set(e, ERR_CORRUPT, "the rules are not those that were loaded");
	hash_sha256_hex(fw->skeleton.data, fw->skeleton.len, text);
	if (strcmp(text, k->text) == 0)
		return change_content(t, fw, &now->content, now->generation, e);
	return load_text(t, fw, &now->content, k, e);
}

static int load(struct net_tables *t, const struct firewall *fw, struct known *k, struct err *e)
{
	int r = ERR_STALE;

	for (int i = 0; i < CHANGE_TRIES && r == ERR_STALE; i++) {
		CLEANUP(nf_table_done) struct nf_table now = {0};

		r = nfnl_read(t->nfnl, fw->table, &now, e);
		if (r == ERR_NOT_FOUND)
			break;
		if (r == 0)
			r = load_again(t, fw, &now, k, e);
	}
	return r == 0 ? 0 : load_text(t, fw, NULL, k, e);
}

int net_firewall_load(struct net *n, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e)
{
	CLEANUP(firewall_done) struct firewall fw = {0};
	struct net_tables *t;
	int r = tables_of(n, &t, e);

	if (r < 0)
		return r;
	firewall_make(network, f, items, &fw);
	known_of(t, network)->verified = 0; /* of what was wanted until now */
	return load(t, &fw, known_of(t, network), e);
}

/* --- members --------------------------------------------------------------------------------- */

/* Single addresses and limits of one side: they become one side of the changes. */
static void singles(
	const char *network, const struct item_vec *items, bool add, struct nf_changes *ret)
{
	struct nf_content c = {0};

	firewall_singles(network, items, &c);
	VEC_FOREACH (s, &c.sets) {
		struct nf_change *change = nf_changes_set(ret, s->name, false);

		*(add ? &change->add : &change->drop) = s->elems;
		s->elems = (struct nf_elem_vec){0};
	}
	*(add ? &ret->add : &ret->drop) = c.limits;
	c.limits = (struct nf_limit_vec){0};
	nf_content_done(&c);
}

/* A range that comes or goes may lie within another, or touch one: the set is filled anew. */
static void ranges(const char *network, const struct item_vec *items, const struct item_vec *all,
	struct nf_changes *ret)
{
	char name[NFT_NAME_LEN];

	VEC_FOREACH (i, items) {
		const struct set_item *s = &(*i)->set;
		struct nf_change *change;
		enum family f;

		if ((*i)->kind != ITEM_SET || strcmp((*i)->network, network) != 0 ||
			nft_kind_of(s->prefix) != NFT_RANGES)
			continue;
		f = s->prefix.addr.family;
		change = nf_changes_set(ret, nft_set(s->set, NFT_RANGES, f, name), true);
		if (change->flush)
			continue;
		change->flush = true;
		firewall_ranges(network, s->set, f, all, &change->add);
	}
}

int net_firewall_members(struct net *n, const char *network, const struct item_vec *all,
	const struct item_vec *put, const struct item_vec *drop, struct err *e)
{
	struct nf_changes c = {0};
	char table[NFT_NAME_LEN];
	struct net_tables *t;
	struct known *k;
	int r = tables_of(n, &t, e);

	if (r < 0)
		return r;
	k = known_of(t, network);
	k->verified = 0; /* of what was wanted until now */
	if ((firewall_limited(network, put) || firewall_limited(network, drop)) &&
		firewall_limited(network, all) != k->limited)
		return err_set(e, ERR_STALE, "the first or last limit changes the rules");
	singles(network, drop, false, &c);
	singles(network, put, true, &c);
	ranges(network, drop, all, &c);
	ranges(network, put, all, &c);
	r = nfnl_change(t->nfnl, nft_table(network, table), &c, 0, e);
	nf_changes_done(&c);
	return r;
}

/* --- looking and leaving --------------------------------------------------------------------- */

static bool is_wanted(const struct known *k, const struct firewall *fw, const struct nf_table *now)
{
	struct nf_changes c = {0};
	char text[65];
	bool same;

	hash_sha256_hex(fw->skeleton.data, fw->skeleton.len, text);
	if (!k->loaded || strcmp(k->skeleton, now->skeleton) != 0 || strcmp(k->text, text) != 0 ||
		nf_changes_between(&now->content, &fw->content, &c) < 0)
		return false;
	same = nf_changes_are_none(&c);
	nf_changes_done(&c);
	return same;
}

int net_firewall_intact(struct net *n, const char *network, const struct firewall_item *f,
	const struct item_vec *items, struct err *e)
{
	CLEANUP(firewall_done) struct firewall fw = {0};
	CLEANUP(nf_table_done) struct nf_table now = {0};
	char table[NFT_NAME_LEN];
	uint32_t generation;
	struct net_tables *t;
	struct known *k;
	int r = tables_of(n, &t, e);

	if (r == 0)
		r = nfnl_generation(t->nfnl, &generation, e);
	if (r < 0)
		return r;
	k = known_of(t, network);
	if (k->verified != 0 && k->verified == generation)
		return 1;
	r = nfnl_read(t->nfnl, nft_table(network, table), &now, e);
	if (r < 0)
		return r;
	firewall_make(network, f, items, &fw);
	if (!is_wanted(k, &fw, &now))
		return 0;
	k->verified = now.generation;
	return 1;
}

int net_firewall_digest(struct net *n, const char *network, char ret[static 65], struct err *e)
{
	CLEANUP(nf_table_done) struct nf_table now = {0};
	char table[NFT_NAME_LEN];
	struct net_tables *t;
	int r = tables_of(n, &t, e);

	if (r == 0)
		r = nfnl_read(t->nfnl, nft_table(network, table), &now, e);
	if (r == 0)
		nf_table_digest(&now, ret);
	return r;
}

int net_firewall_there(struct net *n, const char *network, struct err *e)
{
	char table[NFT_NAME_LEN];
	struct net_tables *t;
	int r = tables_of(n, &t, e);

	return r < 0 ? r : nfnl_there(t->nfnl, nft_table(network, table), e);
}

int net_firewall_delete(struct net *n, const char *network, struct err *e)
{
	CLEANUP(buf_done) struct buf text = {0};
	char table[NFT_NAME_LEN];
	struct net_tables *t;
	int r = tables_of(n, &t, e);

	if (r < 0)
		return r;
	*known_of(t, network) = (struct known){0};
	nft_table(network, table);
	buf_addf(&text, "add table inet %s\ndelete table inet %s\n", table, table);
	return nft(&text, e);
}
