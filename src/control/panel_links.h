/*
 * DOC: what panels show without asking: when a client comes or goes, and per project how many are
 * in which state, their bytes, and how many are at which gateway. Sampled while a panel is open;
 * belongs to the hub's thread.
 */
#ifndef WARREN_CONTROL_PANEL_LINKS_H
#define WARREN_CONTROL_PANEL_LINKS_H

#include "control/hub.h"

#define PANEL_SAMPLE ((msec)2000)

struct panel_links;

struct panel_links *panel_links_new(void);
struct panel_links *panel_links_free(struct panel_links *p);

/* Look at every client's link. tell is called with type "link" for each whose state is another than
 * at the last sample, and with "links" for each project whose sums changed, or all when everything
 * is asked for. project is the one it concerns, device whose link it is (NULL: sums); json is
 * borrowed. */
void panel_links_sample(struct panel_links *p, struct hub *h, bool everything,
	void (*tell)(void *arg, const char *project, const struct device *device, const char *type,
		const char *json),
	void *arg);

#endif
