/* DOC: what ctnetlink answers, message by message, as a dump hands them over. */
#include "net/flow.h"
#include "net/rtnl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned sum; /* so that reading is not left out */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct nlmsghdr *nlh;
	void *copy = malloc(n > 0 ? n : 1); /* aligned, and not a byte longer */
	int left = (int)n;

	memcpy(copy, data, n);
	for (nlh = copy; rtnl_message_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		struct flow_seen seen;

		if (!flow_read(nlh, &seen))
			continue;
		if (!addr_is_set(seen.judged.src) || !addr_is_set(seen.judged.dst))
			abort();
		for (size_t i = 0; i < mnl_attr_get_payload_len(seen.tuple); i++)
			sum += ((const uint8_t *)mnl_attr_get_payload(seen.tuple))[i];
	}
	free(copy);
	return 0;
}
