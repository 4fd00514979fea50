/* DOC: see ports.h. */
#include "model/ports.h"

/* A neighbour of `port` that is not taken. */
static uint16_t beside(uint16_t port, uint16_t taken)
{
	int step = port >= UINT16_MAX - 1 ? -1 : 1;
	uint16_t next = (uint16_t)(port + step);

	return next == taken ? (uint16_t)(next + step) : next;
}

void member_ports(const struct network *n, const struct member *m, const struct group *g,
	struct member_ports *ret)
{
	uint16_t port = m->listen_port != 0 ? m->listen_port : n != NULL ? n->listen_port : 0;

	*ret = (struct member_ports){.direct = port};
	if (g != NULL) {
		ret->devices = g->listen_port;
		if (g->listen_port == port)
			ret->direct = (uint16_t)(port == UINT16_MAX ? port - 1 : port + 1);
	}
	if ((m->roles & ROLE_CONTROLLER) && ret->direct != 0)
		ret->hub = beside(ret->direct, ret->devices);
}
