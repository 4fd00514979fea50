/*
 * DOC: a change of a device as the messages that tell the kernel (WG_CMD_SET_DEVICE, see
 * linux/wireguard.h), without a socket. One change is as many messages as it takes: a message ends
 * between two peers or in the middle of a peer's allowed IPs, and the next one goes on there.
 */
#ifndef WARREN_WG_KERNEL_ENCODE_H
#define WARREN_WG_KERNEL_ENCODE_H

#include "wg/backend.h"

/* The kernel holds its one lock over network devices while it takes a message: 32 KiB are some
 * 250 new peers. Nested attributes could not be longer than 64 KiB anyway. */
#define WG_MESSAGE_MAX 32768
#define WG_MESSAGE_MIN 512 /* a device's own fields, and one peer with one prefix, fit */

struct wg_encoder {
	const char *ifname;
	const struct wg_change *change;
	uint16_t family;
	bool begun;
	size_t peer, prefix; /* the next to tell */
};

/* All borrowed until the end. */
void wg_encoder_init(
	struct wg_encoder *w, uint16_t family, const char *ifname, const struct wg_change *change);

/* Write the next message to buf (aligned as nlmsghdr, size WG_MESSAGE_MIN..WG_MESSAGE_MAX; the
 * caller wipes it). Returns its length; 0 when all has been told. There is always a first. */
size_t wg_encoder_next(struct wg_encoder *w, void *buf, size_t size);

#endif
