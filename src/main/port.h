/* DOC: ports this machine must have free, asked before anything is made: who holds one, in words.
 */
#ifndef WARREN_MAIN_PORT_H
#define WARREN_MAIN_PORT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum port_kind { PORT_TCP, PORT_UDP };

/* Can this address ("ADDRESS:PORT" as for --listen) be listened on now? Otherwise ERR_SYSTEM with
 * the address, why, who holds it, and the flag that chooses another. */
int port_check_listen(const char *where, const char *flag, struct err *e);

/* The same of a UDP port on all addresses. A tunnel engine of ours holds its port rightly: then,
 * with ours true, this is 0. */
int port_check_udp(uint16_t port, bool ours, struct err *e);

/* Append "NAME (process PID)" of a process that listens on the port; ERR_NOT_FOUND when none is
 * seen (a holder in the kernel, in another network namespace's view, or not ours to look at). */
int port_holder(enum port_kind kind, uint16_t port, struct buf *ret);

#endif
