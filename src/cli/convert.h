/* DOC: a client's wg-quick file into the other formats, on the machine that has its key. */
#ifndef WARREN_CLI_CONVERT_H
#define WARREN_CLI_CONVERT_H

#include "cli/cli.h"
#include "model/names.h"
#include "render/format.h"

/* What the file does not say. Borrowed. */
struct convert {
	const char *name, *id, *interface;
	const struct config_format *format; /* used when template is NULL */
	const char *template;
};

/* quick: as GET .../config gives it, its key put in or still missing. out is wiped by the caller.
 */
int convert_config(const char *quick, const struct convert *c, struct buf *out, struct err *e);

/* Name of a network's interface, as the planner makes it. imported may be NULL. */
void convert_ifname(const char *network, const char *imported, char ret[static IFNAME_LEN]);

#endif
