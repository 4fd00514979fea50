/*
 * DOC: which UDP ports a member's interfaces listen on. Unique on a machine over all its networks:
 * the planner gives them out, fleet checks refuse a clash, registration looks for free ones.
 */
#ifndef WARREN_MODEL_PORTS_H
#define WARREN_MODEL_PORTS_H

#include "model/objects.h"

/* 0 = the member has no such interface. */
struct member_ports {
	uint16_t devices; /* its group's */
	uint16_t direct;  /* its own; steps aside where the group has the same */
	uint16_t hub;     /* of a controller, next to the direct one */
};

/* n: the member's network, NULL = not known. g: the group it terminates devices for, NULL = none.
 */
void member_ports(const struct network *n, const struct member *m, const struct group *g,
	struct member_ports *ret);

/* A member's interfaces to exits: its own one, then one for each slot of an exit. */
#define EXIT_OFFSETS 257
/* The port of one of them, clear of what member_ports gives the member. offset < EXIT_OFFSETS. */
uint16_t member_exit_port(
	const struct network *n, const struct member *m, const struct group *g, unsigned offset);

#endif
