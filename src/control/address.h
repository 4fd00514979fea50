/* DOC: addresses that machines are seen at. Pure. */
#ifndef WARREN_CONTROL_ADDRESS_H
#define WARREN_CONTROL_ADDRESS_H

#include "model/prefix.h"

/* The address of an HTTP peer as others may use it; an IPv4 one written as IPv6 becomes IPv4.
 * ERR_INVALID for "unix" and for what means nothing elsewhere (loopback, link-local, ...). */
int address_of_peer(const char *text, struct addr *ret);

#endif
