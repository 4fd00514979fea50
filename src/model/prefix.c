/* DOC: addresses and prefixes; everything is arithmetic on 128-bit integers, see prefix.h. */
#include "model/prefix.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdlib.h>

static u128 ones(unsigned width)
{
	return width >= 128 ? ~(u128)0 : ((u128)1 << width) - 1;
}

/* The bits of an address of that width that a prefix of len leaves to hosts. */
static u128 host_mask(uint8_t width, uint8_t len)
{
	return ones((unsigned)(width - len));
}

struct addr addr_from_bytes(enum family f, const uint8_t *bytes)
{
	struct addr a = {.family = (uint8_t)f};

	for (int i = 0; i < (f == FAMILY_IPV4 ? 4 : 16); i++)
		a.bits = a.bits << 8 | bytes[i];
	return a;
}

void addr_to_bytes(struct addr a, uint8_t *bytes)
{
	int n = addr_width(a) / 8;

	for (int i = 0; i < n; i++)
		bytes[i] = (uint8_t)(a.bits >> (8 * (n - 1 - i)));
}

int addr_parse(const char *text, struct addr *ret)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*ret = addr_from_bytes(FAMILY_IPV4, bytes);
		return 0;
	}
	if (inet_pton(AF_INET6, text, bytes) == 1) {
		*ret = addr_from_bytes(FAMILY_IPV6, bytes);
		return 0;
	}
	return ERR_INVALID;
}

/* No leading zeros; returns the end. Lists and states are full of addresses, and printf would cost
 * more than the rest of a line. */
static char *put_number(char *p, unsigned v, unsigned base)
{
	char digits[10];
	size_t n = 0;

	do
		digits[n++] = "0123456789abcdef"[v % base];
	while ((v /= base) > 0);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static char *put_ipv4(char *p, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8) {
		p = put_number(p, v >> shift & 255, 10);
		if (shift > 0)
			*p++ = '.';
	}
	return p;
}

/* RFC 5952: the first longest run of two or more zero groups becomes "::"; v4-mapped addresses
 * end in dotted form. (inet_ntop differs: it also writes ::1.2.3.4.) */
static char *put_ipv6(char *p, u128 bits)
{
	const char *text = p;
	unsigned group[8];
	int run = -1, run_len = 1, groups = 8;

	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)(bits >> (16 * (7 - i))) & 0xffff;
	if (bits >> 32 == 0xffff)
		groups = 6;
	for (int i = 0; i < groups;) {
		int j = i;

		while (j < groups && group[j] == 0)
			j++;
		if (j - i > run_len) {
			run = i;
			run_len = j - i;
		}
		i = j + 1;
	}
	for (int i = 0; i < groups; i++) {
		if (i == run) {
			*p++ = ':';
			*p++ = ':';
			i += run_len - 1;
			continue;
		}
		if (p > text && p[-1] != ':')
			*p++ = ':';
		p = put_number(p, group[i], 16);
	}
	if (groups == 6) {
		*p++ = ':';
		p = put_ipv4(p, (uint32_t)bits);
	}
	return p;
}

static char *put_addr(char *p, struct addr a)
{
	if (a.family == FAMILY_IPV4)
		return put_ipv4(p, (uint32_t)a.bits);
	return a.family == FAMILY_IPV6 ? put_ipv6(p, a.bits) : p;
}

const char *addr_format(struct addr a, char text[static ADDR_TEXT_LEN])
{
	*put_addr(text, a) = '\0';
	return text;
}

int addr_compare(struct addr a, struct addr b)
{
	if (a.family != b.family)
		return a.family < b.family ? -1 : 1;
	return a.bits < b.bits ? -1 : a.bits > b.bits;
}

struct addr addr_add(struct addr a, u128 n)
{
	a.bits = (a.bits + n) & ones(addr_width(a));
	return a;
}

struct range {
	uint8_t family, len;
	uint8_t bytes[16];
};

static int is_in(const struct range *ranges, size_t n, struct addr a)
{
	for (size_t i = 0; i < n; i++) {
		struct prefix p = {
			addr_from_bytes(ranges[i].family, ranges[i].bytes), ranges[i].len};

		if (prefix_has(p, a))
			return 1;
	}
	return 0;
}

int addr_is_special(struct addr a)
{
	static const struct range special[] = {
		{FAMILY_IPV4, 8, {0}},                   /* "this network" and unspecified */
		{FAMILY_IPV4, 8, {127}},                 /* loopback */
		{FAMILY_IPV4, 16, {169, 254}},           /* link-local */
		{FAMILY_IPV4, 4, {224}},                 /* multicast */
		{FAMILY_IPV4, 32, {255, 255, 255, 255}}, /* broadcast */
		{FAMILY_IPV6, 128, {0}},
		{FAMILY_IPV6, 128, {[15] = 1}},
		{FAMILY_IPV6, 96, {[10] = 0xff, [11] = 0xff}}, /* v4-mapped: never on a wire */
		{FAMILY_IPV6, 10, {0xfe, 0x80}},
		{FAMILY_IPV6, 8, {0xff}},
	};

	return is_in(special, ARRAY_LEN(special), a);
}

int addr_is_private(struct addr a)
{
	static const struct range ranges[] = {
		{FAMILY_IPV4, 8, {10}},
		{FAMILY_IPV4, 12, {172, 16}},
		{FAMILY_IPV4, 16, {192, 168}},
		{FAMILY_IPV4, 10, {100, 64}},
		{FAMILY_IPV6, 7, {0xfc}},
	};

	return is_in(ranges, ARRAY_LEN(ranges), a);
}

int prefix_parse(const char *text, const char *field, struct prefix *ret, struct err *e)
{
	char head[ADDR_TEXT_LEN], canonical[PREFIX_TEXT_LEN];
	const char *slash = strchr(text, '/');
	size_t n = slash == NULL ? strlen(text) : (size_t)(slash - text);
	struct prefix p;
	uint64_t len;

	if (n >= sizeof(head))
		return err_field(e, ERR_INVALID, field, "this is too long to be an IP prefix");
	memcpy(head, text, n);
	head[n] = '\0';
	if (addr_parse(head, &p.addr) < 0)
		return err_field(e, ERR_INVALID, field,
			"\"%.60s\" is not an IP prefix like 10.0.0.0/8 or fd00::/64", text);
	p.len = addr_width(p.addr);
	if (slash != NULL) {
		if (text_u64(slash + 1, p.len, &len) < 0 || (slash[1] == '0' && slash[2] != '\0'))
			return err_field(e, ERR_INVALID, field,
				"\"%.60s\" has no prefix length between 0 and %u", text, p.len);
		p.len = (uint8_t)len;
	}
	if ((p.addr.bits & host_mask(addr_width(p.addr), p.len)) != 0) {
		struct prefix masked = {prefix_first(p), p.len};

		return err_field(e, ERR_INVALID, field,
			"\"%.60s\" has host bits set; the prefix is %s", text,
			prefix_format(masked, canonical));
	}
	*ret = p;
	return 0;
}

const char *prefix_format(struct prefix p, char text[static PREFIX_TEXT_LEN])
{
	char *end = put_addr(text, p.addr);

	if (end > text) {
		*end++ = '/';
		end = put_number(end, p.len, 10);
	}
	*end = '\0';
	return text;
}

int prefix_compare(struct prefix a, struct prefix b)
{
	int c = addr_compare(a.addr, b.addr);

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

struct prefix prefix_host(struct addr a)
{
	return (struct prefix){a, addr_width(a)};
}

struct addr prefix_first(struct prefix p)
{
	p.addr.bits &= ~host_mask(addr_width(p.addr), p.len);
	return p.addr;
}

struct addr prefix_last(struct prefix p)
{
	p.addr.bits |= host_mask(addr_width(p.addr), p.len);
	return p.addr;
}

int prefix_has(struct prefix p, struct addr a)
{
	return addr_is_set(a) && a.family == p.addr.family &&
		(a.bits & ~host_mask(addr_width(a), p.len)) == p.addr.bits;
}

int prefix_contains(struct prefix outer, struct prefix inner)
{
	return inner.len >= outer.len && prefix_has(outer, inner.addr);
}

int prefix_overlaps(struct prefix a, struct prefix b)
{
	return prefix_contains(a, b) || prefix_contains(b, a);
}

static int compare_items(const void *a, const void *b)
{
	return prefix_compare(*(const struct prefix *)a, *(const struct prefix *)b);
}

static void sort(struct prefix_vec *v)
{
	if (v->n > 1)
		qsort(v->v, v->n, sizeof(*v->v), compare_items);
}

/* Two halves of one shorter prefix, low one first? */
static int are_halves(struct prefix low, struct prefix high)
{
	return low.len == high.len && low.len > 0 &&
		prefix_contains((struct prefix){low.addr, (uint8_t)(low.len - 1)}, high) &&
		low.addr.bits != high.addr.bits &&
		(low.addr.bits & (host_mask(addr_width(low.addr), (uint8_t)(low.len - 1)))) == 0;
}

void prefix_vec_aggregate(struct prefix_vec *v)
{
	size_t n = 0;

	/* Sorted, what contains a prefix comes before it and halves come together, so the result
	 * grows like a stack. */
	sort(v);
	for (size_t i = 0; i < v->n; i++) {
		if (n > 0 && prefix_contains(v->v[n - 1], v->v[i]))
			continue;
		v->v[n++] = v->v[i];
		while (n > 1 && are_halves(v->v[n - 2], v->v[n - 1])) {
			v->v[n - 2].len--;
			n--;
		}
	}
	v->n = n;
}

int prefix_vec_has(const struct prefix_vec *v, struct addr a)
{
	VEC_FOREACH (p, v)
		if (prefix_has(*p, a))
			return 1;
	return 0;
}

int prefix_vec_covers(const struct prefix_vec *v, struct prefix p)
{
	VEC_FOREACH (outer, v)
		if (prefix_contains(*outer, p))
			return 1;
	return 0;
}

static void sorted_copy(struct prefix_vec *to, const struct prefix_vec *from)
{
	size_t n = 0;

	prefix_vec_copy(to, from);
	sort(to);
	for (size_t i = 0; i < to->n; i++)
		if (n == 0 || prefix_compare(to->v[n - 1], to->v[i]) != 0)
			to->v[n++] = to->v[i];
	to->n = n;
}

static int same_items(const struct prefix_vec *a, const struct prefix_vec *b)
{
	if (a->n != b->n)
		return 0;
	for (size_t i = 0; i < a->n; i++)
		if (prefix_compare(a->v[i], b->v[i]) != 0)
			return 0;
	return 1;
}

int prefix_vec_equal(const struct prefix_vec *a, const struct prefix_vec *b)
{
	struct prefix_vec x = {0}, y = {0};
	int same;

	if (same_items(a, b)) /* the usual case needs no copies */
		return 1;
	sorted_copy(&x, a);
	sorted_copy(&y, b);
	same = same_items(&x, &y);
	VEC_DONE(&x);
	VEC_DONE(&y);
	return same;
}

void prefix_vec_copy(struct prefix_vec *to, const struct prefix_vec *from)
{
	to->n = 0;
	VEC_FOREACH (p, from)
		VEC_PUSH(to, *p);
}

void prefix_vec_own(struct prefix_vec *v)
{
	struct prefix_vec copy = {0};

	prefix_vec_copy(&copy, v);
	*v = copy;
}

void prefix_vec_add_range(struct prefix_vec *v, struct addr first, struct addr last)
{
	uint8_t width = addr_width(first);

	if (!addr_is_set(first) || first.family != last.family)
		return;
	while (first.bits <= last.bits) {
		struct prefix p = prefix_host(first), wider;

		/* the largest block that starts here and does not reach past last */
		for (wider = p; wider.len > 0; p = wider) {
			wider.len--;
			if (prefix_first(wider).bits != first.bits ||
				prefix_last(wider).bits > last.bits)
				break;
		}
		/* the loop also ends without break, at length 0: then p was taken already */
		VEC_PUSH(v, p);
		if (prefix_last(p).bits == ones(width))
			return; /* one more would wrap */
		first = addr_add(prefix_last(p), 1);
	}
}
