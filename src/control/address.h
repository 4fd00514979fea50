/* DOC: addresses that machines are seen at: which of them others can use. Pure. */
#ifndef WARREN_CONTROL_ADDRESS_H
#define WARREN_CONTROL_ADDRESS_H

#include "model/prefix.h"

/* Not loopback, unspecified, multicast or link-local (which means nothing on another link). */
int address_reachable(struct addr a);

/* The address of an HTTP peer; an IPv4 one written as IPv6 becomes IPv4. ERR_INVALID for "unix"
 * and for addresses that others cannot reach. */
int address_of_peer(const char *text, struct addr *ret);

#endif
