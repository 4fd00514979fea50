/* DOC: words to the service manager, heard on sockets of both kinds. */
#include "base/mem.h"
#include "base/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

/* A manager's socket; name as in NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(sun.sun_path, name, strlen(name));
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	assert_int_equal(
		bind(fd, (struct sockaddr *)&sun,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_heard(int fd, const char *text)
{
	char got[64] = "";

	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
	assert_string_equal(got, text);
}

static void speaks_to_the_manager(void **state)
{
	char dir[] = "/tmp/warren-notify-XXXXXX";
	AUTOFREE char *path = NULL, *abstract = NULL;
	int fd;

	assert_non_null(mkdtemp(dir));
	path = mem_printf("%s/s", dir);
	abstract = mem_printf("@%s", dir);
	fd = listen_at(path);
	notify_send("READY=1");
	assert_heard(fd, "READY=1");
	close(fd);
	notify_send("READY=1"); /* nobody there: nothing happens */
	unlink(path);
	rmdir(dir);
	fd = listen_at(abstract);
	notify_send("WATCHDOG=1");
	assert_heard(fd, "WATCHDOG=1");
	close(fd);
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
}

static void knows_the_watchdog(void **state)
{
	AUTOFREE char *own = mem_printf("%d", (int)getpid());

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_watchdog(), 0);
	setenv("WATCHDOG_USEC", "5000000", 1);
	assert_int_equal(notify_watchdog(), 2500);
	setenv("WATCHDOG_PID", own, 1);
	assert_int_equal(notify_watchdog(), 2500);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(notify_watchdog(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_to_the_manager),
		cmocka_unit_test(knows_the_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
