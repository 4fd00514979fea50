/*
 * DOC: telling the service manager how it goes (sd_notify(3): a datagram to $NOTIFY_SOCKET). All of
 * it does nothing where there is none. Only the main process of a service is listened to.
 */
#ifndef WARREN_BASE_NOTIFY_H
#define WARREN_BASE_NOTIFY_H

#include "base/clock.h"

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=...". A message that is lost is not an error. */
void notify_send(const char *state);
/* How often WATCHDOG=1 is wanted, at half the limit; 0 = not at all. */
msec notify_watchdog(void);

#endif
