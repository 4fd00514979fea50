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

static bool is_within(uint16_t port, unsigned first)
{
	return port >= first && port < first + EXIT_OFFSETS;
}

uint16_t member_exit_port(
	const struct network *n, const struct member *m, const struct group *g, unsigned offset)
{
	/* away from the member's port; others spoil at most three, the ends of the range four */
	static const int steps[] = {1000, 1500, 2000, 2500, -2000, -2500, -3000, -3500};
	unsigned port = m->listen_port != 0 ? m->listen_port : n->listen_port;
	struct member_ports p;

	member_ports(n, m, g, &p);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int first = (int)port + steps[i];

		if (first < 1024 || first + EXIT_OFFSETS > UINT16_MAX)
			continue;
		if (!is_within(p.devices, (unsigned)first) &&
			!is_within(p.direct, (unsigned)first) && !is_within(p.hub, (unsigned)first))
			return (uint16_t)((unsigned)first + offset);
	}
	return 0; /* any port: not reached, see the steps */
}
