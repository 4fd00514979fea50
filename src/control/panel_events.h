/*
 * DOC: events for panels: that an object changed or a node came or went, never its contents; the
 * panel asks the API, which decides what it may see. And what was measured about clients, which
 * every role may read. Belongs to the hub's thread.
 *
 *	event: change   data: {"table","id","project","network","action"}  created|updated|deleted
 *	event: node     data: {"id","project","connected"}
 *	event: link     data: {"id","project","link_state","last_seen","rx","tx","gateway",
 *	                "endpoint"}   a client came or went
 *	event: links    data: {"project","never","online","idle","offline","disabled","rx","tx",
 *	                "gateways":{NODE: online there}}   sums; at the start and when they change
 *	event: refresh  data: {}   too much at once: ask for everything again
 */
#ifndef WARREN_CONTROL_PANEL_EVENTS_H
#define WARREN_CONTROL_PANEL_EVENTS_H

#include "control/auth.h"
#include "control/hub.h"

#define PANEL_STREAMS_MAX 256
/* Of one account, its tokens included: nobody shuts the others out. A browser has one. */
#define PANEL_STREAMS_EACH 32
#define PANEL_BATCH_MAX 256 /* events in one batch; more become one "refresh" */

struct panel_events;

struct panel_events *panel_events_new(struct hub *h);
struct panel_events *panel_events_free(struct panel_events *p);
/* project "" = all. Answers 503 when there are too many. */
void panel_events_open(struct panel_events *p, struct http_request *rq, const char *project,
	const struct principal *who);
/* Is a panel open that sees this project? */
bool panel_events_watched(const struct panel_events *p, const char *project);
/* End the streams of those who may not see them any more, look at links. Each second. */
void panel_events_tick(struct panel_events *p);
void panel_events_change(struct panel_events *p, const struct outbox_row *row);
void panel_events_node(
	struct panel_events *p, const char *node, const char *project, bool connected);
void panel_events_flush(struct panel_events *p);

#endif
