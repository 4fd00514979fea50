/*
 * DOC: taking over an interface that somebody else made, with its peers and their handshakes: only
 * one that the operator named (warren agent join --adopt NAME), and only when its key is the one
 * the plan wants there, which is so after an import and never by accident.
 */
#ifndef WARREN_AGENT_ADOPT_H
#define WARREN_AGENT_ADOPT_H

#include "agent/machine.h"

/* Remember in the agent's folder that this interface may be taken over. */
int adopt_allow(const char *dir, const char *ifname, struct err *e);

/* Look at the interfaces that are to be put: those that may be adopted become ours, and what they
 * have of the wanted peers is pushed to ret as items of the machine's present state, their names to
 * ret_names. */
void adopt_links(struct machine *m, const struct item_vec *put, struct item_vec *ret,
	struct strs *ret_names);

#endif
