/* DOC: what to write into links that people open elsewhere, where the caller's Host does not tell.
 */
#ifndef CONTROL_PUBLIC_URL_H
#define CONTROL_PUBLIC_URL_H

#include "base/buf.h"
#include "control/control.h"

/* "HOST:PORT" of the panel as other machines may reach it: options.listen. Where that is every
 * address, its port at the first of allowed_hosts, else at the address the default route uses (IPv4
 * first), else at this machine's name. */
void public_host(const struct control_options *o, struct buf *ret);

#endif
