/* DOC: what doctor's checks share: findings, and the machine's part in its fleet (patient.c). */
#ifndef WARREN_MAIN_DOCTOR_H
#define WARREN_MAIN_DOCTOR_H

#include "agent/machine.h"
#include "cli/cli.h"

enum verdict { FINE, NOTE, WRONG };

struct finding {
	enum verdict verdict; /* the worst */
	struct buf saw, advice;
};
/* Add what was seen; advice ("" = none) is said once however often it is given. */
void finding_add(struct finding *f, enum verdict v, const char *advice, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A node as its agent left it: read only, the agent may be running. */
struct patient {
	struct identity identity;
	struct state desired; /* the last state the agent took; revision 0 = none */
	struct wg_backend *wg;
	struct machine_net *net_ops;
	struct net *net;
	struct resolver *resolver;
	struct machine machine;
	struct machine_reading drift; /* what differs, without firewalls and names */
};
/* ERR_NOT_FOUND when no agent has joined in that folder. */
int patient_open(const char *agent_dir, const char *run_dir, struct patient **ret, struct err *e);
struct patient *patient_free(struct patient *p);

struct doctor {
	const char *state, *agent_dir, *hosts_path;
	struct cli_session *session;
	struct patient *patient; /* NULL: no agent here, or why says */
	struct err why;
};

typedef void check_fn(struct doctor *d, struct finding *f);
struct check {
	const char *name;
	check_fn *run;
};
extern const struct check patient_checks[], link_checks[]; /* name NULL at the end */

/* --- probes (probe.c): each waits at most for what its name says ------------------------------ */

/* Echo requests of that many bytes (the whole packet) that may not be cut, answered within a
 * second: bit i of the result for the i-th address. At most 32. */
#define PROBE_MAX 32
uint32_t probe_ping(const struct addr *to, size_t n, size_t size, const char *ifname);
/* Does a DNS server at that address answer for the domain? Else the error says what came. */
int probe_dns(struct addr server, const char *domain, struct err *e);
/* First address of a host's name. */
int probe_resolve(const char *host, struct addr *ret, struct err *e);

#endif
