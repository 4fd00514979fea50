/* DOC: all addresses of the machine as the kernel tells them; for the files of this room. */
#ifndef WARREN_NET_ADDRESS_H
#define WARREN_NET_ADDRESS_H

#include "net/rtnl.h"

struct owned_address {
	int index;
	struct addr addr;
	uint8_t len;
	uint8_t scope;  /* RT_SCOPE_ */
	uint32_t flags; /* IFA_F_ */
};
VEC_TYPE(owned_vec, struct owned_address);

/* FAMILY_NONE = both. ret must be empty. */
int net_address_all(struct net *n, enum family f, struct owned_vec *ret, struct err *e);

#endif
