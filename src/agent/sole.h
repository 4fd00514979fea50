/*
 * DOC: one agent per machine (spec 0: a node is a machine). Two with folders of their own would
 * each make the firewall, the hosts file and the names of the other's network theirs, and take them
 * away when they leave. What they would share is a network namespace; the mark is a locked file
 * named after it in the folder of the engine's sockets, where only root can write.
 */
#ifndef WARREN_AGENT_SOLE_H
#define WARREN_AGENT_SOLE_H

#include "base/err.h"

struct sole {
	int fd;
	char *path;
};

/* Zeroed before. run_dir: NULL = /var/run/wireguard. ERR_EXISTS names the process that is there.
 * Where no such file can be made nothing is held: that must not keep the only agent from work. */
int sole_take(struct sole *s, const char *run_dir, struct err *e);
void sole_done(struct sole *s);

#endif
