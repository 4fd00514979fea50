/* DOC: what the kernel says about a device, an interface or a request; the first byte says which,
 * and where a dump is cut into two datagrams. */
#include "wg/kernel_decode.h"
#include "wg/link.h"

#include <linux/netlink.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void dump(const uint8_t *p, size_t n, size_t cut)
{
	struct wg_device device = {0};
	struct wg_dump d;

	wg_dump_init(&d, &device, 31, 1, 0);
	if (wg_dump_feed(&d, (struct span){p, cut}) == WG_DUMP_MORE)
		wg_dump_feed(&d, (struct span){p + cut, n - cut});
	VEC_FOREACH (peer, &device.peers)
		VEC_FOREACH (prefix, &peer->allowed_ips)
			if (!addr_is_set(prefix->addr) || prefix->len > addr_width(prefix->addr) ||
				addr_compare(prefix_first(*prefix), prefix->addr) != 0)
				abort();
	wg_device_done(&device);
}

static void refusal(const uint8_t *p, size_t n)
{
	struct span s = {p, n}, payload;
	struct nl_refusal no;
	struct nlmsghdr h;

	while (message_next(&s, &h, &payload) > 0)
		refusal_read(&h, payload, &no);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct link_info info;

	if (n == 0)
		return 0;
	if (data[0] == 255)
		link_info_read((struct span){data + 1, n - 1}, &info);
	else if (data[0] == 254)
		refusal(data + 1, n - 1);
	else
		dump(data + 1, n - 1, data[0] < n ? data[0] : n - 1);
	return 0;
}
