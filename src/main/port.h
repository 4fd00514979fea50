/* DOC: ports this machine must have free, asked before anything is made: who holds one, in words.
 */
#ifndef WARREN_MAIN_PORT_H
#define WARREN_MAIN_PORT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Can this address ("ADDRESS:PORT" as for --listen) be listened on now? Otherwise ERR_SYSTEM with
 * the address, why, who holds it, and the flag that chooses another. */
int port_check_listen(const char *where, const char *flag, struct err *e);

/* The same of a UDP port on all addresses. A tunnel engine of ours holds its port rightly: then,
 * with ours true, this is 0. */
int port_check_udp(uint16_t port, bool ours, struct err *e);

#endif
