/*
 * DOC: the kernel backend beside other programs: interfaces that ip and wg made, what they see of
 * ours, and a tunnel that carries packets. In namespaces of its own, and only where the kernel has
 * WireGuard; where it has not, what is said about that. The rest is in conformance.c.
 *
 *	namespace a                              namespace b
 *	wg0 10.9.0.1 ── va 192.0.2.1 ═══ 192.0.2.2 vb ── wg0 10.9.0.2
 */
#include "base/proc.h"
#include "crypto/key.h"
#include "wg/device.h"
#include "wg/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct wg_backend *kernel; /* NULL: this kernel has no WireGuard */
static bool own_world;            /* namespaces of our own */

static void assert_ok(int r, const struct err *e)
{
	if (r < 0)
		fail_msg("%s: %s", err_name(r), e->text);
}

/* Run a program named by words; its output must not matter, or goes to out. */
static void run(const char *line, struct buf *out)
{
	AUTOFREE char *copy = mem_strdup(line);
	const char *argv[32] = {NULL};
	struct err e = {0};
	char *rest = copy;
	size_t n = 0;

	while (n < ARRAY_LEN(argv) - 1 && (argv[n] = strsep(&rest, " ")) != NULL)
		n++;
	assert_ok(proc_run(argv, NULL, 0, out, NULL, 30000, &e), &e);
}

static void set(const char *ifname, struct wg_change c)
{
	struct err e = {0};

	assert_ok(kernel->ops->change(kernel, ifname, &c, &e), &e);
}

static void create(const char *ifname)
{
	struct err e = {0};
	bool adopted = true;

	assert_ok(kernel->ops->create(kernel, ifname, &adopted, &e), &e);
	assert_false(adopted);
}

static void destroy(const char *ifname)
{
	struct err e = {0};

	assert_ok(kernel->ops->destroy(kernel, ifname, &e), &e);
	assert_false(wg_link_exists(ifname));
}

static struct prefix pfx(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, "p", &p, NULL), 0);
	return p;
}

static void no_module_is_named(void **state)
{
	struct wg_backend *b = NULL;
	struct err e = {0};

	assert_int_equal(wg_kernel_new(&b, &e), ERR_UNSUPPORTED);
	assert_null(b);
	assert_non_null(strstr(e.text, "modprobe wireguard"));
	assert_non_null(strstr(e.text, "wireguard-go"));
	if (!own_world)
		return;
	e = (struct err){0};
	assert_int_equal(wg_link_add("wg0", &e), ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "modprobe wireguard"));
}

#define KEY_1 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE="
#define KEY_2 "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void an_interface_of_others_is_adopted(void **state)
{
	CLEANUP(wg_device_done) struct wg_device d = {0};
	CLEANUP(strs_done) struct strs names = {0};
	struct public_key key;
	struct err e = {0};
	bool adopted = false;

	run("ip link add theirs0 type wireguard", NULL);
	run("wg set theirs0 listen-port 4711 fwmark 7 peer " KEY_2
	    " allowed-ips 10.1.0.0/16,fd00::/8 persistent-keepalive 21 endpoint [2001:db8::1]:99",
		NULL);
	assert_ok(kernel->ops->create(kernel, "theirs0", &adopted, &e), &e);
	assert_true(adopted);
	assert_ok(kernel->ops->list(kernel, &names, &e), &e);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "theirs0");
	assert_ok(kernel->ops->read(kernel, "theirs0", &d, &e), &e);
	assert_int_equal(d.listen_port, 4711);
	assert_int_equal(d.fwmark, 7);
	assert_int_equal(d.peers.n, 1);
	assert_int_equal(key_parse_public(KEY_2, "k", &key, &e), 0);
	assert_true(public_key_equal(&d.peers.v[0].public_key, &key));
	assert_int_equal(d.peers.v[0].keepalive, 21);
	assert_int_equal(d.peers.v[0].endpoint_port, 99);
	assert_int_equal(d.peers.v[0].endpoint_addr.family, FAMILY_IPV6);
	assert_int_equal(d.peers.v[0].allowed_ips.n, 2);
	destroy("theirs0");
}

static void others_see_what_we_set(void **state)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct prefix_vec ips = {0};
	struct secret key = {{8}};
	struct wg_peer_op op = {
		.flags = WG_PEER_PSK | WG_PEER_ENDPOINT | WG_PEER_KEEPALIVE | WG_PEER_ALLOWED_IPS,
		.endpoint_port = 51820,
		.keepalive = 25,
		.allowed_ips = &ips};

	key.bytes[31] = 64; /* clamped, so that it comes back as it was */
	op.psk.bytes[31] = 1;
	assert_int_equal(key_parse_public(KEY_2, "k", &op.public_key, NULL), 0);
	assert_int_equal(addr_parse("192.0.2.9", &op.endpoint_addr), 0);
	VEC_PUSH(&ips, pfx("10.2.0.0/16"));
	VEC_PUSH(&ips, pfx("2001:db8:7::/48"));
	create("ours0");
	set("ours0",
		(struct wg_change){.flags = WG_DEVICE_PRIVATE_KEY | WG_DEVICE_LISTEN_PORT |
				WG_DEVICE_FWMARK | WG_DEVICE_REPLACE_PEERS,
			.private_key = &key,
			.listen_port = 4712,
			.fwmark = 255,
			.peers = &op,
			.n_peers = 1});
	run("wg showconf ours0", &out);
	assert_string_equal(buf_str(&out),
		"[Interface]\nListenPort = 4712\nFwMark = 0xff\n"
		"PrivateKey = CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEA=\n\n"
		"[Peer]\nPublicKey = " KEY_2 "\nPresharedKey = " KEY_1
		"\nAllowedIPs = 10.2.0.0/16, 2001:db8:7::/48\nEndpoint = 192.0.2.9:51820\n"
		"PersistentKeepalive = 25\n");
	VEC_DONE(&ips);
	destroy("ours0");
}

static void another_kind_is_left_alone(void **state)
{
	struct wg_device d = {0};
	struct err e = {0};
	bool adopted;

	run("ip link add other0 type veth peer name other1", NULL);
	assert_int_equal(kernel->ops->create(kernel, "other0", &adopted, &e), ERR_EXISTS);
	assert_string_equal(
		e.text, "interface other0 is there and is not WireGuard in the kernel but veth");
	assert_int_equal(kernel->ops->destroy(kernel, "other0", &e), ERR_EXISTS);
	assert_true(wg_link_exists("other0"));
	assert_int_equal(kernel->ops->read(kernel, "other0", &d, &e), ERR_NOT_FOUND);
	assert_string_equal(e.text, "interface other0 is not WireGuard");
	run("ip link delete other0", NULL);
}

static void a_port_that_is_held_is_named(void **state)
{
	const struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_port = htons(4713)};
	const struct wg_change c = {.flags = WG_DEVICE_LISTEN_PORT, .listen_port = 4713};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct err e = {0};

	assert_int_equal(bind(fd, (const struct sockaddr *)&here, sizeof(here)), 0);
	create("port0");
	run("ip link set port0 up", NULL);
	assert_int_equal(kernel->ops->change(kernel, "port0", &c, &e), ERR_EXISTS);
	assert_string_equal(e.field, "listen_port");
	assert_non_null(strstr(e.text, "4713"));
	close(fd);
	destroy("port0");
}

/* What a program without capabilities is told; an exit status of 0 when all is right. */
static int as_nobody(void)
{
	const struct wg_change c = {0};
	struct wg_device d = {0};
	struct wg_backend *b;
	struct err e;
	bool adopted;
	int wrong;

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0 ||
		wg_kernel_new(&b, &e) < 0)
		return 100;
	wrong = (b->ops->create(b, "new0", &adopted, &e) != ERR_DENIED) |
		(b->ops->change(b, "priv0", &c, &e) != ERR_DENIED) << 1 |
		(b->ops->read(b, "priv0", &d, &e) != ERR_DENIED) << 2 |
		(b->ops->destroy(b, "priv0", &e) != ERR_DENIED) << 3;
	b->ops->free(b);
	return wrong;
}

static void without_privileges_it_says_so(void **state)
{
	int status;
	pid_t pid;

	create("priv0");
	pid = fork();
	if (pid == 0)
		_exit(as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(wg_link_exists("priv0"));
	destroy("priv0");
}

#define STEADY 3000 /* peers that stay; a dozen messages */
#define CHANGES 200

static struct wg_peer_op numbered(unsigned n)
{
	struct wg_peer_op op = {0};

	memcpy(op.public_key.bytes, &n, sizeof(n));
	op.public_key.bytes[30] = 1;
	return op;
}

/* Another program adds and removes a peer all the time, in front of or between the others. */
static int restless(void)
{
	for (unsigned i = 0; i < CHANGES; i++) {
		struct wg_peer_op op = numbered(STEADY + i / 2);
		const struct wg_change c = {.peers = &op, .n_peers = 1};

		op.flags = i % 2 ? WG_PEER_REMOVE : 0;
		if (kernel->ops->change(kernel, "busy0", &c, NULL) < 0)
			return 1;
	}
	return 0;
}

/* What is read is the device at one moment: each steady peer once; or it is said that there was
 * no such moment. */
static bool read_steady(void)
{
	CLEANUP(wg_device_done) struct wg_device d = {0};
	unsigned seen = 0, number;
	struct err e = {0};
	int r = kernel->ops->read(kernel, "busy0", &d, &e);

	if (r == ERR_UNAVAILABLE) {
		assert_int_equal(d.peers.n, 0);
		return false;
	}
	assert_ok(r, &e);
	VEC_FOREACH (p, &d.peers) {
		memcpy(&number, p->public_key.bytes, sizeof(number));
		seen += number < STEADY;
	}
	assert_int_equal(seen, STEADY);
	assert_true(d.peers.n <= STEADY + 1);
	return true;
}

static void reading_what_changes(void **state)
{
	struct wg_peer_op *ops = mem_zalloc(STEADY * sizeof(*ops));
	int status;
	pid_t pid;

	for (unsigned i = 0; i < STEADY; i++)
		ops[i] = numbered(i);
	create("busy0");
	set("busy0", (struct wg_change){.peers = ops, .n_peers = STEADY});
	mem_free(ops);
	pid = fork();
	if (pid == 0)
		_exit(restless());
	while (waitpid(pid, &status, WNOHANG) == 0)
		read_steady();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(read_steady());
	destroy("busy0");
}

static void enter(const char *netns)
{
	AUTOFREE char *path = mem_printf("/run/netns/%s", netns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(setns(fd, CLONE_NEWNET), 0);
	close(fd);
}

/* One end of the tunnel, made and told everything through the backend. */
static void tunnel_end(const char *netns, const struct secret *own, const struct secret *other,
	const struct secret *psk, const char *endpoint, const char *inner)
{
	struct prefix_vec ips = {0};
	struct wg_peer_op op = {.flags = WG_PEER_PSK | WG_PEER_ENDPOINT | WG_PEER_ALLOWED_IPS,
		.psk = *psk,
		.endpoint_port = 51820,
		.allowed_ips = &ips};

	key_public(other, &op.public_key);
	assert_int_equal(addr_parse(endpoint, &op.endpoint_addr), 0);
	VEC_PUSH(&ips, pfx(inner));
	enter(netns);
	create("wg0");
	set("wg0",
		(struct wg_change){.flags = WG_DEVICE_PRIVATE_KEY | WG_DEVICE_LISTEN_PORT,
			.private_key = own,
			.listen_port = 51820,
			.peers = &op,
			.n_peers = 1});
	VEC_DONE(&ips);
	run("ip link set wg0 up", NULL);
}

static void packets_go_through(void **state)
{
	CLEANUP(wg_device_done) struct wg_device d = {0};
	struct secret a, b, psk;
	struct err e = {0};

	key_generate(&a);
	key_generate(&b);
	key_generate(&psk);
	run("ip netns add a", NULL);
	run("ip netns add b", NULL);
	run("ip link add va netns a type veth peer name vb netns b", NULL);
	run("ip -n a addr add 192.0.2.1/24 dev va", NULL);
	run("ip -n b addr add 192.0.2.2/24 dev vb", NULL);
	run("ip -n a link set va up", NULL);
	run("ip -n b link set vb up", NULL);
	tunnel_end("a", &a, &b, &psk, "192.0.2.2", "10.9.0.2/32");
	tunnel_end("b", &b, &a, &psk, "192.0.2.1", "10.9.0.1/32");
	run("ip -n a addr add 10.9.0.1/24 dev wg0", NULL);
	run("ip -n b addr add 10.9.0.2/24 dev wg0", NULL);
	run("ip netns exec a ping -c 3 -i 0.2 -w 10 -q 10.9.0.2", NULL);
	enter("a");
	assert_ok(kernel->ops->read(kernel, "wg0", &d, &e), &e);
	assert_int_equal(d.peers.n, 1);
	assert_true(d.peers.v[0].rx > 300 && d.peers.v[0].tx > 300);
	assert_true(d.peers.v[0].last_handshake > 0);
	assert_true(clock_wall(&clock_real) - d.peers.v[0].last_handshake < 60000);
	destroy("wg0");
	enter("b");
	destroy("wg0");
}

static const char *own_namespaces(void)
{
	if (geteuid() != 0)
		return "it takes root";
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", "/run", "tmpfs", 0, NULL) < 0 || mkdir("/run/netns", 0755) < 0)
		return "namespaces are not allowed here";
	return NULL;
}

int main(void)
{
	const struct CMUnitTest without[] = {cmocka_unit_test(no_module_is_named)};
	const struct CMUnitTest with[] = {
		cmocka_unit_test(an_interface_of_others_is_adopted),
		cmocka_unit_test(others_see_what_we_set),
		cmocka_unit_test(another_kind_is_left_alone),
		cmocka_unit_test(a_port_that_is_held_is_named),
		cmocka_unit_test(without_privileges_it_says_so),
		cmocka_unit_test(reading_what_changes),
		cmocka_unit_test(packets_go_through),
	};
	const char *reason = own_namespaces();
	struct err e = {0};
	int failed;

	crypto_init();
	own_world = reason == NULL;
	if (wg_kernel_new(&kernel, &e) == ERR_UNSUPPORTED) {
		printf("# the other tests need it: %s\n", e.text);
		return cmocka_run_group_tests(without, NULL, NULL);
	}
	if (reason != NULL || kernel == NULL) {
		printf("1..0 # SKIP %s\n", reason ? reason : e.text);
		return 0;
	}
	failed = cmocka_run_group_tests(with, NULL, NULL);
	kernel->ops->free(kernel);
	return failed;
}
