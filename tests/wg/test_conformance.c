/*
 * DOC: runs the suite over the backend named by the argument. The real engine gets a mount and a
 * network namespace of its own, so neither its socket folder nor its interfaces are the machine's.
 */
#include "conformance.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static struct wg_backend *userspace_new(void)
{
	return wg_userspace_new(NULL, NULL, NULL);
}

static int in_path(const char *program)
{
	static const char *const dirs[] = {"/usr/bin", "/usr/local/bin", "/usr/sbin", "/bin"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		AUTOFREE char *path = mem_printf("%s/%s", dirs[i], program);

		if (access(path, X_OK) == 0)
			return 1;
	}
	return 0;
}

/* NULL, or why the engine cannot run here. */
static const char *userspace_ready(void)
{
	if (geteuid() != 0)
		return "needs root";
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return "there is no /dev/net/tun";
	if (!in_path("wireguard-go"))
		return "wireguard-go is not installed";
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return "namespaces are not allowed here";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/wireguard", 0700) < 0)
		return "mounting is not allowed here";
	return NULL;
}

static struct wg_backend *kernel_new(void)
{
	struct wg_backend *b = NULL;

	return wg_kernel_new(&b, NULL) < 0 ? NULL : b;
}

/* NULL, or why this kernel cannot be tested. */
static const char *kernel_ready(void)
{
	static struct err e;
	struct wg_backend *b;

	if (geteuid() != 0)
		return "needs root";
	if (wg_kernel_new(&b, &e) < 0)
		return e.text;
	b->ops->free(b);
	return unshare(CLONE_NEWNET) < 0 ? "namespaces are not allowed here" : NULL;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "memory") == 0) {
		conformance_new = wg_memory_new;
		conformance_prefix = "m";
		return conformance_run(NULL);
	}
	if (argc == 2 && strcmp(argv[1], "userspace") == 0) {
		conformance_new = userspace_new;
		conformance_prefix = "u";
		return conformance_run(userspace_ready());
	}
	if (argc == 2 && strncmp(argv[1], "kernel", 6) == 0) {
		conformance_new = kernel_new;
		conformance_prefix = "k";
		return strcmp(argv[1], "kernel-large") == 0 ? conformance_run_large(kernel_ready())
							    : conformance_run(kernel_ready());
	}
	fprintf(stderr, "usage: %s memory|userspace|kernel|kernel-large\n", argv[0]);
	return 2;
}
