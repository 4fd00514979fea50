/* DOC: see address.h. */
#include "control/address.h"

#include <stddef.h>

int address_of_peer(const char *text, struct addr *ret)
{
	struct addr a;

	if (text == NULL || addr_parse(text, &a) < 0)
		return ERR_INVALID;
	if (a.family == FAMILY_IPV6 && a.bits >> 32 == 0xffff) {
		a.family = FAMILY_IPV4;
		a.bits &= UINT32_MAX;
	}
	if (addr_is_special(a))
		return ERR_INVALID;
	*ret = a;
	return 0;
}
