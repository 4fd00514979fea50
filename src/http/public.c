/*
 * DOC: see public.h. IPv4: the special-purpose registry of RFC 6890 and multicast. IPv6: only
 * global unicast (2000::/3) without documentation, Teredo and 6to4, which carry other addresses.
 */
#include "http/public.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static const struct {
	uint32_t first;
	unsigned bits;
} closed[] = {
	{0x00000000, 8},  /* this network */
	{0x0a000000, 8},  /* private */
	{0x64400000, 10}, /* shared: carriers' NAT */
	{0x7f000000, 8},  /* loopback */
	{0xa9fe0000, 16}, /* link-local, and the clouds' metadata */
	{0xac100000, 12}, /* private */
	{0xc0000000, 24}, /* IETF protocols */
	{0xc0000200, 24}, /* documentation */
	{0xc0586300, 24}, /* 6to4 relays */
	{0xc0a80000, 16}, /* private */
	{0xc6120000, 15}, /* benchmarks */
	{0xc6336400, 24}, /* documentation */
	{0xcb007100, 24}, /* documentation */
	{0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static bool ipv4_is_public(uint32_t a)
{
	for (size_t i = 0; i < ARRAY_LEN(closed); i++)
		if (a >> (32 - closed[i].bits) == closed[i].first >> (32 - closed[i].bits))
			return false;
	return true;
}

static bool starts(const struct in6_addr *a, const uint8_t *prefix, size_t n)
{
	return memcmp(a->s6_addr, prefix, n) == 0;
}

static bool ipv6_is_public(const struct in6_addr *a)
{
	static const uint8_t teredo[] = {0x20, 0x01, 0, 0},
			     documentation[] = {0x20, 0x01, 0x0d, 0xb8},
			     six_to_four[] = {0x20, 0x02};

	return (a->s6_addr[0] & 0xe0) == 0x20 && !starts(a, teredo, sizeof(teredo)) &&
		!starts(a, documentation, sizeof(documentation)) &&
		!starts(a, six_to_four, sizeof(six_to_four));
}

bool http_address_is_public(const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		return ipv4_is_public(ntohl(v4.sin_addr.s_addr));
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&v6, sa, sizeof(v6));
	return ipv6_is_public(&v6.sin6_addr);
}
