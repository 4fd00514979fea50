/*
 * DOC: what the kernel answers to WG_CMD_GET_DEVICE, as it comes, without a socket. A device with
 * many peers is many messages; a peer whose allowed IPs do not fit goes on in the next one, and is
 * put together here by looking at the last peer only: the time is linear.
 */
#ifndef WARREN_WG_KERNEL_DECODE_H
#define WARREN_WG_KERNEL_DECODE_H

#include "wg/attr.h"
#include "wg/backend.h"

#define WG_DUMP_PEERS_MAX 1000000    /* in one answer */
#define WG_DUMP_PREFIXES_MAX 4000000 /* in one answer, over all peers */
#define WG_DUMP_BYTES_MAX ((size_t)1 << 30)

enum wg_dump_state { WG_DUMP_MORE, WG_DUMP_DONE, WG_DUMP_BAD };

struct wg_dump {
	enum wg_dump_state state;
	struct wg_device *device;
	uint16_t family;
	uint32_t seq, portid;
	struct nl_refusal refusal; /* valid when DONE; errnum 0 = all is there */
	bool interrupted;          /* the device changed meanwhile: read again */
	size_t n_prefixes, n_bytes;
	const char *problem; /* why BAD */
};

/* device must be {0}; it is owned by the caller also after BAD. seq, portid: of the request. */
void wg_dump_init(struct wg_dump *d, struct wg_device *device, uint16_t family, uint32_t seq,
	uint32_t portid);
/* Take one datagram. */
enum wg_dump_state wg_dump_feed(struct wg_dump *d, struct span datagram);

#endif
