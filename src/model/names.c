/* DOC: names, DNS labels, interface names and endpoints; see names.h. */
#include "model/names.h"

#include "base/text.h"
#include "model/prefix.h"
#include "model/visible.h"

#include <assert.h>
#include <stdio.h>

#define DOMAIN_MAX 253
#define IFNAME_LABEL 11 /* leaves room for a suffix of 4 bytes */
#define IFNAME_SUFFIX 4
#define IFNAME_CUT 4  /* of the label, before '-' and the hash */
#define IFNAME_HASH 6 /* base32 characters: 30 bits */

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int all_digits(const char *s)
{
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static int in_list(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, list[i]) == 0)
			return 1;
	return 0;
}

int name_check(const char *name, const char *field, struct err *e)
{
	const char *why;
	int chars;

	if (name == NULL || name[strspn(name, " ")] == '\0')
		return err_field(e, ERR_INVALID, field, "%s must not be empty", field);
	chars = text_printable(name);
	if (chars < 0)
		return err_field(
			e, ERR_INVALID, field, "%s has control characters or is not UTF-8", field);
	why = visible_fault(name);
	if (why != NULL)
		return err_field(e, ERR_INVALID, field, "%s %s", field, why);
	if (chars > NAME_MAX_CHARS)
		return err_field(e, ERR_INVALID, field, "%s has %d characters; at most %d fit",
			field, chars, NAME_MAX_CHARS);
	return 0;
}

static void trim_dashes(char *label, size_t n)
{
	while (n > 0 && label[n - 1] == '-')
		n--;
	label[n] = '\0';
}

void label_from_name(const char *name, char ret[static LABEL_MAX + 1])
{
	size_t n = 0;

	for (; *name != '\0' && n < LABEL_MAX; name++) {
		char c = lower(*name);

		if (is_lower(c) || is_digit(c))
			ret[n++] = c;
		else if (n > 0 && ret[n - 1] != '-')
			ret[n++] = '-';
	}
	trim_dashes(ret, n);
	if (ret[0] == '\0')
		strcpy(ret, "client");
}

void label_number(char label[static LABEL_MAX + 1], unsigned n)
{
	char suffix[16];
	size_t s = (size_t)snprintf(suffix, sizeof(suffix), "-%u", n), len = strlen(label);

	trim_dashes(label, len + s > LABEL_MAX ? LABEL_MAX - s : len);
	strcat(label, suffix);
}

/* Names with a meaning of their own to resolvers, browsers or operating systems. */
int label_is_reserved(const char *label)
{
	static const char *const reserved[] = {"localhost", "localdomain", "local", "broadcasthost",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes",
		"ip6-allrouters", "wpad", "isatap"};

	return in_list(label, reserved, ARRAY_LEN(reserved));
}

/* One or more dot-separated labels of letters, digits and inner dashes. */
static int is_host_name(const char *s)
{
	size_t len = strlen(s), label = 0;

	if (len == 0 || len > DOMAIN_MAX)
		return 0;
	for (size_t i = 0; i <= len; i++) {
		char c = lower(s[i]);

		if (c == '.' || c == '\0') {
			if (label == 0 || label > LABEL_MAX || s[i - 1] == '-')
				return 0;
			label = 0;
		} else if (is_lower(c) || is_digit(c) || (c == '-' && label > 0)) {
			label++;
		} else {
			return 0;
		}
	}
	return 1;
}

/* What resolvers take for an IPv4 address: its last label is a number. */
static int looks_numeric(const char *host)
{
	const char *dot = strrchr(host, '.');

	return all_digits(dot == NULL ? host : dot + 1);
}

/* Names of addresses: who answers for all of them answers for other networks, too. home.arpa is for
 * use at home (RFC 8375). */
static int is_reverse(const char *domain)
{
	static const char *const tops[] = {"arpa", "in-addr.arpa", "ip6.arpa"};
	size_t len = strlen(domain);

	for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
		size_t n = strlen(tops[i]);

		if (len >= n && strcmp(domain + len - n, tops[i]) == 0 &&
			(len == n || (i > 0 && domain[len - n - 1] == '.')))
			return 1;
	}
	return 0;
}

int domain_check(const char *domain, const char *field, struct err *e)
{
	if (domain == NULL || !is_host_name(domain) || looks_numeric(domain))
		return err_field(e, ERR_INVALID, field, "\"%.100s\" is not a DNS domain",
			domain == NULL ? "" : domain);
	for (const char *p = domain; *p != '\0'; p++)
		if (*p != lower(*p))
			return err_field(e, ERR_INVALID, field,
				"the domain \"%.100s\" must be lower-case", domain);
	if (label_is_reserved(domain) || is_reverse(domain))
		return err_field(e, ERR_INVALID, field, "the domain \"%s\" is reserved", domain);
	return 0;
}

/* Would this interface name be confused with one of the system's? "all" and "default" are sysctl
 * directories, the rest is what kernels, udev and container engines hand out. */
static int is_system_ifname(const char *label)
{
	static const char *const taken[] = {"lo", "all", "default", "any", "none"};
	static const char *const stems[] = {"", "warren", "eth", "wlan", "wwan", "docker", "virbr",
		"br", "tun", "tap", "wg", "bond", "team", "dummy", "ifb", "tunl", "sit", "gre",
		"gretap", "erspan", "ppp", "usb", "veth", "lxcbr", "lxdbr", "vmbr", "vlan",
		"vxlan"};

	if (in_list(label, taken, ARRAY_LEN(taken)))
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(stems); i++)
		if (text_starts(label, stems[i]) && all_digits(label + strlen(stems[i])))
			return 1;
	/* udev: enp3s0, eno1, ens3, enx<mac>, wlp2s0 ... */
	return (text_starts(label, "en") || text_starts(label, "wl") || text_starts(label, "ww")) &&
		strlen(label) > 3 && strchr("opsx", label[2]) != NULL &&
		(is_digit(label[3]) || label[2] == 'x');
}

/* FNV-1a; only has to spread names, nobody gains by a collision (fleet checks refuse those). */
static uint32_t spread(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	h ^= h >> 15;
	h *= 0x2c1b3c6du;
	h ^= h >> 13;
	return h;
}

static int is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return 0;
	return 1;
}

/* Does the label end as one of the suffixes does ("-m", "-r", "-x", "-rab", "-x1c"), so that it
 * could meet another network's interface? */
static int has_suffix(const char *label, size_t n)
{
	return (n > 2 && label[n - 2] == '-' && strchr("mrx", label[n - 1]) != NULL) ||
		(n > 4 && label[n - 4] == '-' && strchr("rx", label[n - 3]) != NULL);
}

void ifname_make(const char *network_name, const char *suffix, char ret[static IFNAME_LEN])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char label[LABEL_MAX + 1];
	size_t n;

	assert(strlen(suffix) <= IFNAME_SUFFIX);
	if (strcmp(network_name, "default") == 0) {
		snprintf(ret, IFNAME_LEN, "warren0%s", suffix);
		return;
	}
	label_from_name(network_name, label);
	n = strlen(label);
	/* a name that is not ASCII loses what tells it apart */
	if (n > IFNAME_LABEL || is_system_ifname(label) || !is_ascii(network_name) ||
		has_suffix(label, n)) {
		uint32_t h = spread(network_name);

		trim_dashes(label, n < IFNAME_CUT ? n : IFNAME_CUT);
		n = strlen(label);
		label[n++] = '-';
		for (int i = 0; i < IFNAME_HASH; i++, h >>= 5)
			label[n++] = digits[h & 31];
		label[n] = '\0';
	}
	snprintf(ret, IFNAME_LEN, "%.11s%.4s", label, suffix);
}

int ifname_check(const char *name)
{
	size_t n = name == NULL ? 0 : strnlen(name, IFNAME_LEN);

	/* stricter than the kernel on purpose: names end up in firewall scripts and files */
	if (n == 0 || n >= IFNAME_LEN || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < n; i++) {
		char c = lower(name[i]);

		if (!is_lower(c) && !is_digit(c) && strchr("._-@+=", c) == NULL)
			return ERR_INVALID;
	}
	return 0;
}

/* Take an endpoint apart. The reason, when it is refused, goes to *ret_why. */
static int parse_endpoint(const char *endpoint, char host[static DOMAIN_MAX + 1],
	uint16_t *ret_port, const char **ret_why)
{
	const char *colon = strrchr(endpoint, ':'), *start = endpoint;
	size_t n = colon == NULL ? 0 : (size_t)(colon - endpoint);
	int brackets = endpoint[0] == '[';
	struct addr a = {0};
	uint64_t port;

	*ret_why = "is not host:port";
	if (colon == NULL)
		return ERR_INVALID;
	if (text_u64(colon + 1, UINT16_MAX, &port) < 0 || colon[1] == '0') {
		*ret_why = "has no port between 1 and 65535";
		return ERR_INVALID;
	}
	if (brackets) {
		if (n < 3 || endpoint[n - 1] != ']')
			return ERR_INVALID;
		start++;
		n -= 2;
	}
	if (n == 0 || n > DOMAIN_MAX)
		return ERR_INVALID;
	memcpy(host, start, n);
	host[n] = '\0';
	if (!brackets && strchr(host, ':') != NULL) {
		*ret_why = "needs brackets around its IPv6 address, like [2001:db8::1]:51820";
		return ERR_INVALID;
	}
	if (addr_parse(host, &a) == 0) {
		if (brackets != (a.family == FAMILY_IPV6))
			return ERR_INVALID;
		if (addr_is_special(a)) {
			*ret_why = "is a loopback, link-local, multicast or unspecified address";
			return ERR_INVALID;
		}
	} else if (brackets || !is_host_name(host) || looks_numeric(host) ||
		label_is_reserved(host)) {
		*ret_why = "has no valid host name or address";
		return ERR_INVALID;
	}
	*ret_port = (uint16_t)port;
	return 0;
}

int endpoint_check(const char *endpoint, const char *field, struct err *e)
{
	char host[DOMAIN_MAX + 1];
	const char *why;
	uint16_t port;

	if (endpoint == NULL || text_printable(endpoint) < 0)
		return err_field(
			e, ERR_INVALID, field, "%s has control characters or is not UTF-8", field);
	if (parse_endpoint(endpoint, host, &port, &why) < 0)
		return err_field(
			e, ERR_INVALID, field, "the endpoint \"%.200s\" %s", endpoint, why);
	return 0;
}

int endpoint_split(const char *endpoint, char *ret_host, size_t host_size, uint16_t *ret_port)
{
	char host[DOMAIN_MAX + 1];
	const char *why;
	uint16_t port;

	if (parse_endpoint(endpoint, host, &port, &why) < 0 || strlen(host) >= host_size)
		return ERR_INVALID;
	strcpy(ret_host, host);
	*ret_port = port;
	return 0;
}

void endpoint_join(const char *host, uint16_t port, struct buf *out)
{
	buf_addf(out, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}
