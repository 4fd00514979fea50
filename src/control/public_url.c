/* DOC: see public_url.h. */
#include "control/public_url.h"

#include "model/names.h"
#include "model/prefix.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOMEWHERE_PORT 9 /* discard; a datagram socket's connect sends nothing */

/* The source address towards an address that no network has (RFC 5737, RFC 3849): that of the
 * default route. */
static int default_source(int family, struct addr *ret)
{
	static const unsigned char v4[] = {192, 0, 2, 1}, v6[16] = {0x20, 0x01, 0x0d, 0xb8};
	struct sockaddr_storage to = {.ss_family = (sa_family_t)family}, own = {0};
	struct sockaddr_in *to4 = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *to6 = (struct sockaddr_in6 *)&to;
	socklen_t n = family == AF_INET ? sizeof(*to4) : sizeof(*to6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return ERR_NOT_FOUND;
	if (family == AF_INET) {
		to4->sin_port = htons(SOMEWHERE_PORT);
		memcpy(&to4->sin_addr, v4, sizeof(v4));
	} else {
		to6->sin6_port = htons(SOMEWHERE_PORT);
		memcpy(&to6->sin6_addr, v6, sizeof(v6));
	}
	r = connect(fd, (struct sockaddr *)&to, n);
	if (r == 0)
		r = getsockname(fd, (struct sockaddr *)&own, &n);
	close(fd);
	if (r < 0)
		return ERR_NOT_FOUND;
	if (family == AF_INET)
		*ret = addr_from_bytes(
			FAMILY_IPV4, (uint8_t *)&((struct sockaddr_in *)&own)->sin_addr);
	else
		*ret = addr_from_bytes(
			FAMILY_IPV6, ((struct sockaddr_in6 *)&own)->sin6_addr.s6_addr);
	return 0;
}

static void any_address(const struct control_options *o, uint16_t port, struct buf *ret)
{
	char name[256], text[ADDR_TEXT_LEN];
	struct addr a;
	const char *first = o->allowed_hosts ? o->allowed_hosts : "";

	first += strspn(first, ", ");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(first, ", "), first);
	if (name[0] == '\0' &&
		(default_source(AF_INET, &a) == 0 || default_source(AF_INET6, &a) == 0))
		snprintf(name, sizeof(name), "%s", addr_format(a, text));
	if (name[0] == '\0' && gethostname(name, sizeof(name) - 1) < 0)
		snprintf(name, sizeof(name), "localhost");
	endpoint_join(name, port, ret);
}

void public_host(const struct control_options *o, struct buf *ret)
{
	static const char *const every[] = {"0.0.0.0:", "[::]:"};

	for (size_t i = 0; i < ARRAY_LEN(every); i++) {
		size_t n = strlen(every[i]);

		if (strncmp(o->listen, every[i], n) == 0) {
			any_address(o, (uint16_t)strtoul(o->listen + n, NULL, 10), ret);
			return;
		}
	}
	buf_adds(ret, o->listen);
}
