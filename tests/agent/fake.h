/* DOC: a machine that exists in memory, an identity in a temporary folder, and items to put there.
 */
#ifndef WARREN_TESTS_AGENT_FAKE_H
#define WARREN_TESTS_AGENT_FAKE_H

#include "agent/core.h"
#include "crypto/sign.h"

#define NET "net_00000000000000000000000000000001"
#define NODE "node_00000000000000000000000000000001"

struct fake {
	struct wg_backend *wg;
	struct map links; /* name -> struct net_link, for those that wg has, or made by others */
	struct address_vec addresses;
	struct route_vec routes;
	struct route_vec others; /* routes of the machine's own */
	struct exit_vec exits;
	struct map sysctls;   /* name -> value */
	struct map firewalls; /* network -> text */
	struct strs hosts;
	unsigned hosts_writes, writes; /* successful changes of anything here */
	unsigned fail_in;              /* as wg_memory_fail_at */
	unsigned prunes;               /* how often flows were put to the rules again */
};
extern const struct machine_ops fake_ops;

/* All of an agent but its loop. */
struct world {
	char *dir;
	struct fake fake;
	struct clock clock;
	struct identity identity;
	struct resolver *resolver;
	struct machine machine;
	struct core core;
	struct secret signing;
};

void world_init(struct world *w);
/* As if the agent was stopped and started again on the same machine. */
void world_restart(struct world *w);
void world_stop(struct world *w);
void world_start(struct world *w);
void world_done(struct world *w);
/* The same for cmocka: a test's state is its world. */
int world_setup(void **state);
int world_teardown(void **state);

/* Desired states: revision 1 has an interface warren0, its address and a firewall. */
void state_base(struct state *s, uint64_t revision);
struct item *peer_make(unsigned n, unsigned key_n);
void key_of(unsigned n, struct public_key *ret);
struct item *route_make(unsigned n);

/* Fail the test with the error unless the machine has nothing to correct. */
void assert_converged(struct world *w);
/* The device's peer with that key, or NULL; call wg_device_done on d. */
const struct wg_peer *device_peer(struct world *w, struct wg_device *d, unsigned key_n);

#endif
