/*
 * DOC: the net process: speaks to the control plane and looks names up, for apply, and holds
 * nothing: not even a place to keep what it hears. It has an address, the pins and a bearer, which
 * apply tells it; bytes go on to apply, which verifies them. And it answers DNS, on sockets that
 * apply hands over (responder.h): whoever parses foreign bytes is here. Losing it costs a
 * reconnect.
 */
#ifndef WARREN_AGENT_NET_PROCESS_H
#define WARREN_AGENT_NET_PROCESS_H

/* Give up what this process has, then serve the channel at fd until it closes. Returns an exit
 * status. For a process of its own. */
int net_process(int fd);

#endif
