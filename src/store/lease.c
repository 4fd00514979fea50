/*
 * DOC: address leases. A row of "lease" is an address that was ever given: held (freed_at 0), or
 * freed and resting. Fresh addresses come from a cursor per (network, first of the range), which
 * only goes up: a row the cursor meets was asked for by number and is stepped over once. When no
 * fresh one is left, the address freed longest ago is given again, if it has rested. Each step is
 * one look into an index. In a range of more than 2^32 addresses the cursor never arrives, so a
 * freed one rests for ever and needs no row ("wide").
 */
#include "store/tx.h"

#include "base/mem.h"

#include <string.h>

#define LEASE_BYTES 16

/* IPv4 as ::ffff:a.b.c.d, so that families never meet and bytes sort as addresses. */
static void to_bytes(struct addr a, uint8_t out[static LEASE_BYTES])
{
	memset(out, 0, LEASE_BYTES);
	if (a.family == FAMILY_IPV4) {
		out[10] = out[11] = 0xff;
		addr_to_bytes(a, out + 12);
	} else {
		addr_to_bytes(a, out);
	}
}

static struct addr from_bytes(enum family f, const uint8_t in[static LEASE_BYTES])
{
	return addr_from_bytes(f, f == FAMILY_IPV4 ? in + 12 : in);
}

struct found {
	uint8_t addr[LEASE_BYTES];
	bool yes;
	bool damaged;
};

static int take_addr(void *arg, const struct cell *cells, size_t n)
{
	struct found *f = arg;

	f->yes = true;
	f->damaged = cells[0].type != CELL_BLOB || cells[0].n != LEASE_BYTES;
	if (!f->damaged)
		memcpy(f->addr, cells[0].p, LEASE_BYTES);
	return 1;
}

static int look(struct tx *tx, const char *sql, const struct cell *args, size_t n,
	struct found *ret, struct err *e)
{
	int code;

	*ret = (struct found){0};
	code = tx_run(tx, sql, args, n, take_addr, ret, e);
	if (code >= 0 && ret->damaged)
		return err_set(e, ERR_CORRUPT, "a stored lease is damaged");
	return code < 0 ? code : 0;
}

struct request {
	const char *network, *owner;
	struct addr first, last;
	uint8_t low[LEASE_BYTES], high[LEASE_BYTES];
	msec rest;
};

/* 1 = taken, 0 = somebody has a row there. */
static int try_fresh(
	struct tx *tx, const struct request *r, const uint8_t addr[LEASE_BYTES], struct err *e)
{
	const struct cell args[] = {cell_text(r->network), cell_blob(addr, LEASE_BYTES),
		cell_text(r->owner), cell_blob(r->low, LEASE_BYTES),
		cell_int(r->last.bits - r->first.bits > UINT32_MAX)};

	return tx_change(tx,
		"INSERT INTO lease (network, addr, owner, pool, wide, freed_at)"
		" VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
		args, ARRAY_LEN(args), e);
}

static int move_cursor(
	struct tx *tx, const struct request *r, const uint8_t addr[LEASE_BYTES], struct err *e)
{
	const struct cell args[] = {cell_text(r->network), cell_blob(r->low, LEASE_BYTES),
		cell_blob(addr, LEASE_BYTES)};
	int code = tx_change(tx,
		"INSERT INTO lease_cursor (network, pool, last) VALUES (?, ?, ?)"
		" ON CONFLICT (network, pool) DO UPDATE SET last = excluded.last",
		args, ARRAY_LEN(args), e);

	return code < 0 ? code : 0;
}

/* 1 = *ret taken, 0 = none left. */
static int lease_fresh(struct tx *tx, const struct request *r, struct addr *ret, struct err *e)
{
	const struct cell args[] = {cell_text(r->network), cell_blob(r->low, LEASE_BYTES)};
	struct found at;
	struct addr a = r->first;
	uint8_t bytes[LEASE_BYTES];
	int code = look(tx, "SELECT last FROM lease_cursor WHERE network = ? AND pool = ?", args,
		ARRAY_LEN(args), &at, e);

	if (code < 0)
		return code;
	if (at.yes) {
		a = from_bytes((enum family)r->first.family, at.addr);
		if (addr_compare(a, r->last) >= 0)
			return 0;
		a = addr_add(a, 1);
	}
	for (;; a = addr_add(a, 1)) {
		to_bytes(a, bytes);
		code = try_fresh(tx, r, bytes, e);
		if (code < 0)
			return code;
		if (code > 0 || addr_compare(a, r->last) >= 0)
			break;
	}
	if (move_cursor(tx, r, bytes, e) < 0)
		return e == NULL ? ERR_SYSTEM : e->code;
	if (code > 0)
		*ret = a;
	return code;
}

/* The same among the rested ones: first those of this range, then any inside it (taken by number,
 * or from a range that began elsewhere). */
static int lease_rested(struct tx *tx, const struct request *r, struct addr *ret, struct err *e)
{
	const msec until = tx->now - r->rest;
	const struct cell own[] = {cell_text(r->network), cell_blob(r->low, LEASE_BYTES),
		cell_int(until), cell_blob(r->low, LEASE_BYTES), cell_blob(r->high, LEASE_BYTES)};
	const struct cell any[] = {own[0], own[2], own[3], own[4]};
	struct found f;
	int code = look(tx,
		"SELECT addr FROM lease WHERE network = ? AND pool = ? AND freed_at > 0"
		" AND freed_at <= ? AND addr BETWEEN ? AND ? ORDER BY freed_at, addr LIMIT 1",
		own, ARRAY_LEN(own), &f, e);

	if (code == 0 && !f.yes)
		code = look(tx,
			"SELECT addr FROM lease WHERE network = ? AND freed_at > 0"
			" AND freed_at <= ? AND addr BETWEEN ? AND ? ORDER BY freed_at, addr LIMIT 1",
			any, ARRAY_LEN(any), &f, e);
	if (code < 0 || !f.yes)
		return code;
	code = tx_change(tx,
		"UPDATE lease SET owner = ?, pool = ?, freed_at = 0"
		" WHERE network = ? AND addr = ? AND freed_at > 0",
		(const struct cell[]){
			cell_text(r->owner), own[1], own[0], cell_blob(f.addr, LEASE_BYTES)},
		4, e);
	if (code > 0)
		*ret = from_bytes((enum family)r->first.family, f.addr);
	return code;
}

int tx_lease(struct tx *tx, const char *network, struct addr first, struct addr last,
	const char *owner, msec rest, struct addr *ret, struct err *e)
{
	struct request r = {
		.network = network, .owner = owner, .first = first, .last = last, .rest = rest};
	char a[ADDR_TEXT_LEN], b[ADDR_TEXT_LEN];
	struct err own = {0};
	int code;

	if (e == NULL)
		e = &own;
	if (!addr_is_set(first) || first.family != last.family || addr_compare(first, last) > 0)
		return err_set(e, ERR_INVALID, "no range of addresses to lease from");
	if (owner == NULL || *owner == '\0')
		return err_set(e, ERR_INVALID, "a lease needs an owner");
	to_bytes(first, r.low);
	to_bytes(last, r.high);
	code = lease_fresh(tx, &r, ret, e);
	if (code == 0)
		code = lease_rested(tx, &r, ret, e);
	if (code == 0)
		return err_set(e, ERR_EXHAUSTED, "no free address left in %s-%s",
			addr_format(first, a), addr_format(last, b));
	return code < 0 ? code : 0;
}

static int take_owner(void *arg, const struct cell *cells, size_t n)
{
	id_copy(arg, cells[0].p);
	return 1;
}

int tx_lease_exact(
	struct tx *tx, const char *network, struct addr a, const char *owner, struct err *e)
{
	uint8_t bytes[LEASE_BYTES];
	char text[ADDR_TEXT_LEN];
	id_text holder = "";
	int code;

	if (!addr_is_set(a) || owner == NULL || *owner == '\0')
		return err_set(e, ERR_INVALID, "a lease needs an address and an owner");
	to_bytes(a, bytes);
	const struct cell args[] = {cell_text(network), cell_blob(bytes, LEASE_BYTES),
		cell_text(owner), cell_blob("", 0)};

	/* An address at rest may be asked for by number: whoever does knows why. */
	code = tx_change(tx,
		"INSERT INTO lease (network, addr, owner, pool, wide, freed_at)"
		" VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT (network, addr) DO UPDATE"
		" SET owner = excluded.owner, freed_at = 0 WHERE lease.freed_at > 0",
		args, ARRAY_LEN(args), e);
	if (code != 0)
		return code < 0 ? code : 0;
	code = tx_run(tx, "SELECT owner FROM lease WHERE network = ? AND addr = ?", args, 2,
		take_owner, holder, e);
	if (code < 0)
		return code;
	return err_set(e, ERR_EXISTS, "%s is held by %s", addr_format(a, text), holder);
}

int tx_lease_free(struct tx *tx, const char *owner, struct err *e)
{
	const struct cell args[] = {cell_int(tx->now > 0 ? tx->now : 1), cell_text(owner)};
	int code;

	if (owner == NULL || *owner == '\0')
		return err_set(e, ERR_INVALID, "leases are freed by owner");
	code = tx_change(tx, "DELETE FROM lease WHERE owner = ? AND owner <> '' AND wide = 1",
		&args[1], 1, e);
	if (code >= 0)
		code = tx_change(tx,
			"UPDATE lease SET owner = '', freed_at = ?"
			" WHERE owner = ? AND owner <> ''",
			args, ARRAY_LEN(args), e);
	return code < 0 ? code : 0;
}

int tx_lease_forget(struct tx *tx, const char *network, struct err *e)
{
	const struct cell arg = cell_text(network);
	int code = tx_change(tx, "DELETE FROM lease WHERE network = ?", &arg, 1, e);

	if (code >= 0)
		code = tx_change(tx, "DELETE FROM lease_cursor WHERE network = ?", &arg, 1, e);
	return code < 0 ? code : 0;
}
