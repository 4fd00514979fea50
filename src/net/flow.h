/* DOC: one flow as ctnetlink tells it: who speaks to whom, what names it to the kernel. For the
 * files of this room, and a fuzz target: nothing of the message is believed but its length. */
#ifndef WARREN_NET_FLOW_H
#define WARREN_NET_FLOW_H

#include "model/prefix.h"

#include <libmnl/libmnl.h>
#include <stdbool.h>

/* One direction of a flow. */
struct flow_tuple {
	struct addr src, dst;
	uint8_t protocol;
	uint16_t sport, dport;
};

struct flow_seen {
	uint8_t af;
	/* From who began it to who answers, behind any translation; what belongs to another flow
	 * (an FTP transfer) is judged as that one. */
	struct flow_tuple judged;
	const struct nlattr *tuple; /* CTA_TUPLE_ORIG, inside the message */
	uint8_t tcp_state;          /* 0 when it is none of TCP */
	bool has_id, has_zone;
	uint32_t id; /* as on the wire */
	uint16_t zone;
	uint32_t mark; /* 0 = none */
};

/* False when the message tells no flow, or one that lacks an address; ret is undefined then. */
bool flow_read(const struct nlmsghdr *nlh, struct flow_seen *ret);

#endif
