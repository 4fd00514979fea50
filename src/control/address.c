/* DOC: see address.h. */
#include "control/address.h"

#include "base/mem.h"

#include <stddef.h>

int address_reachable(struct addr a)
{
	static const char *const useless[] = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
		"224.0.0.0/3", "::/128", "::1/128", "fe80::/10", "ff00::/8"};

	if (!addr_is_set(a))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
		struct prefix p;

		if (prefix_parse(useless[i], "", &p, NULL) == 0 && prefix_has(p, a))
			return 0;
	}
	return 1;
}

int address_of_peer(const char *text, struct addr *ret)
{
	struct addr a;

	if (addr_parse(text, &a) < 0)
		return ERR_INVALID;
	if (a.family == FAMILY_IPV6 && a.bits >> 32 == 0xffff) {
		a.family = FAMILY_IPV4;
		a.bits &= UINT32_MAX;
	}
	if (!address_reachable(a))
		return ERR_INVALID;
	*ret = a;
	return 0;
}
