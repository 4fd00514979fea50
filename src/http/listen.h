/* DOC: opening a listening socket from text: "ADDRESS:PORT", "[ADDRESS]:PORT", "unix:/path". */
#ifndef WARREN_HTTP_LISTEN_H
#define WARREN_HTTP_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct http_listener {
	int fd;
	uint16_t port;   /* as bound; 0 for unix */
	char *unix_path; /* or NULL */
};

/* Non-blocking and listening. A unix socket gets mode 0600; one that nobody answers on any more
 * is replaced, one in use is ERR_SYSTEM. "[::]" is every address of both families, or of IPv4 on a
 * machine without IPv6. */
int http_listen(const char *where, struct http_listener *ret, struct err *e);
/* Could it be listened on, going by its text alone? ERR_INVALID when not. */
int http_listen_check(const char *where, struct err *e);
void http_listener_done(struct http_listener *l); /* also removes the unix socket's name */

#endif
