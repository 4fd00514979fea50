/* DOC: looking at the machine; see machine.h. */
#include "main/machine.h"

#include "base/err.h"
#include "base/mem.h"
#include "wg/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int machine_program(const char *name, struct buf *ret)
{
	const char *path = getenv("PATH");
	AUTOFREE char *copy = mem_strdup(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	char *rest = copy;

	for (char *dir; (dir = strsep(&rest, ":")) != NULL;) {
		AUTOFREE char *full = mem_printf("%s/%s", *dir ? dir : ".", name);

		if (access(full, X_OK) == 0) {
			buf_adds(ret, full);
			return 0;
		}
	}
	return ERR_NOT_FOUND;
}

int machine_has_kernel_wireguard(void)
{
	struct wg_backend *b = NULL;

	if (wg_kernel_new(&b, NULL) < 0)
		return 0;
	b->ops->free(b);
	return 1;
}

int machine_has_tun(struct buf *why)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 1;
	}
	buf_addf(why, "/dev/net/tun cannot be opened (%s)", strerror(errno));
	return 0;
}

int machine_can_tunnel(struct buf *why)
{
	CLEANUP(buf_done) struct buf program = {0};

	if (geteuid() != 0) {
		buf_adds(why, "it takes root (or CAP_NET_ADMIN) to make interfaces");
		return ERR_UNSUPPORTED;
	}
	if (machine_program("nft", &program) < 0) {
		buf_adds(why, "the program nft is missing: install the package nftables");
		return ERR_UNSUPPORTED;
	}
	if (machine_has_kernel_wireguard())
		return 0;
	if (machine_program("wireguard-go", &program) < 0) {
		buf_adds(why,
			"the kernel has no WireGuard and wireguard-go is missing: install "
			"the package wireguard-go");
		return ERR_UNSUPPORTED;
	}
	if (!machine_has_tun(why)) {
		buf_adds(why,
			": the kernel has no WireGuard and the userspace engine needs this device; "
			"give it to the container (--device /dev/net/tun --cap-add NET_ADMIN) or "
			"load the module (modprobe wireguard)");
		return ERR_UNSUPPORTED;
	}
	return 0;
}
