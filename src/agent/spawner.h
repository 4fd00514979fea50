/* DOC: apply's end of the spawn process: becomes what proc_run and proc_spawn_detached use. */
#ifndef WARREN_AGENT_SPAWNER_H
#define WARREN_AGENT_SPAWNER_H

#include "agent/spawn.h"
#include "base/proc.h"

#include <stdbool.h>

struct spawner {
	int fd;
	bool broken; /* it did not answer: an answer now would be for another question */
	struct proc_spawner ops;
};

/* From here on programs of this process are started by the process at fd (borrowed). */
void spawner_init(struct spawner *s, int fd);
void spawner_done(struct spawner *s);

/* Have a net process started (again) with this end of a channel, which stays ours to close. */
int spawner_start_net(struct spawner *s, int channel, struct err *e);

#endif
