/*
 * DOC: what this agent put on its machine, on disk: interfaces it made, values sysctls had before,
 * networks whose firewall it loaded, the hosts block. Written before the machine is changed, so
 * whatever crashes, nothing of ours is forgotten and nothing of others is ever touched.
 */
#ifndef WARREN_AGENT_LEDGER_H
#define WARREN_AGENT_LEDGER_H

#include "model/id.h"
#include "model/names.h"

#include <stdbool.h>

struct ledger_link {
	char name[IFNAME_LEN];
	id_text network;
};
struct ledger_sysctl {
	char *name, *previous;
	struct id_vec networks; /* who wants it: restored when the last one lets go */
};
struct ledger {
	char *path;
	VEC(struct ledger_link) links;
	VEC(struct ledger_sysctl) sysctls;
	struct id_vec firewalls;
	bool hosts;
	char epoch[17]; /* changes when counters start anew */
};

int ledger_load(struct ledger *l, const char *dir, struct err *e);
int ledger_save(const struct ledger *l, struct err *e);
void ledger_done(struct ledger *l);

const struct ledger_link *ledger_link(const struct ledger *l, const char *ifname);
struct ledger_sysctl *ledger_sysctl(const struct ledger *l, const char *name);
/* Each saves when it changed something. */
int ledger_add_link(struct ledger *l, const char *ifname, const char *network, struct err *e);
int ledger_remove_link(struct ledger *l, const char *ifname, struct err *e);
int ledger_add_sysctl(struct ledger *l, const char *name, const char *previous, const char *network,
	struct err *e);
int ledger_remove_sysctl(struct ledger *l, const char *name, const char *network, struct err *e);
int ledger_set_firewall(struct ledger *l, const char *network, bool present, struct err *e);
int ledger_set_hosts(struct ledger *l, bool present, struct err *e);
int ledger_new_epoch(struct ledger *l, struct err *e);

#endif
