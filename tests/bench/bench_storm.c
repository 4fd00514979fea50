/*
 * DOC: the control plane goes for five seconds and comes back, and all agents with it. The server
 * is a process of its own, whole, with its store on disk and TLS; the agents are connections of
 * this one, each with a full handshake, that wait as agents do (1 s doubling, a quarter more or
 * less) and say what they have. Told are how long it takes until each is back, what it costs the
 * server, how long others wait for it meanwhile, and whether anybody was sent a state for nothing.
 * The agents' half of the handshakes is made on the same processors.
 * usage: bench_storm [AGENTS]
 */
#include "control/serve.h"

#include "base/log.h"
#include "base/rand.h"
#include "bench/row.h"
#include "control/hub.h"
#include "crypto/hash.h"
#include "crypto/token.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define OUTAGE_MS 5000
#define PATIENCE_MS 240000 /* a limit for failures, not a promise */
#define LOOK_MS 20         /* between two questions to the server's threads */

/* What the two processes share. */
struct shared {
	_Atomic uint16_t port;
	double rss, cpu;   /* KiB, ms */
	double hub, write; /* longest wait for the hub's thread, for a commit, since the last
			      question */
	unsigned streams;
	uint64_t refetches, states;
	int n;
	struct {
		id_text id;
		char bearer[64];
	} agents[];
};

/* --- the server ------------------------------------------------------------------------------- */

struct populating {
	struct shared *shared;
	struct network network;
};

/* As registration leaves them; one by one through the API it would take many minutes. */
static int put_nodes(struct tx *tx, void *arg, struct err *e)
{
	struct populating *p = arg;
	const struct network *net = &p->network;

	for (int i = 0; i < p->shared->n; i++) {
		CLEANUP(buf_wipe) struct buf bearer = {0};
		struct node n = {.name = mem_printf("n-%d", i), .enabled = true, .revision = 1};
		struct member m = {.roles = i == 0 ? ROLE_PEER | ROLE_CONTROLLER : ROLE_PEER};
		char hash[HASH_HEX_LEN];
		struct secret key;
		int r;

		id_make("node", tx_now(tx), n.id);
		id_make("mem", tx_now(tx), m.id);
		id_copy(n.project, net->project);
		id_copy(m.project, net->project);
		id_copy(m.network, net->id);
		id_copy(m.node, n.id);
		key_generate(&key);
		key_public(&key, &m.public_key);
		m.ipv4 = addr_add(net->node_first, (u128)i);
		m.ipv6 = (struct addr){FAMILY_IPV6, net->ipv6.addr.bits | m.ipv4.bits};
		token_from_secret(TOKEN_NODE, &key, &bearer);
		n.bearer_hash = mem_strdup(token_hash_hex(buf_str(&bearer), hash));
		id_copy(p->shared->agents[i].id, n.id);
		snprintf(p->shared->agents[i].bearer, sizeof(p->shared->agents[i].bearer), "%s",
			buf_str(&bearer));
		r = tx_insert(tx, &schema_node, &n, e);
		if (r >= 0)
			r = tx_insert(tx, &schema_member, &m, e);
		schema_done(&schema_node, &n);
		schema_done(&schema_member, &m);
		secret_wipe(&key);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_network(struct tx *tx, void *arg, struct err *e)
{
	return tx_find(tx, &schema_network, arg, e, "name", "big", NULL);
}

static void populate(struct fixture *f, struct shared *s)
{
	struct populating p = {.shared = s};
	struct err e = {0};

	make(f, "/api/v1/networks", "{\"name\":\"big\",\"topology\":\"hub\"}");
	if (store_read(f->control->store, find_network, &p.network, &e) < 0 ||
		store_write_wait(f->control->store, put_nodes, &p, &e) < 0)
		fail_msg("%s", e.text);
	schema_done(&schema_network, &p.network);
}

static int find_controller(void *arg, const void *object)
{
	const struct member *m = object;

	if (!(m->roles & ROLE_CONTROLLER))
		return 0;
	schema_copy(&schema_member, arg, m);
	return 1;
}

/* What concerns every agent: where the controller is. */
static int move_controller(struct tx *tx, void *arg, struct err *e)
{
	struct member before = {0}, after = {0};
	int r = tx_list(
		tx, &schema_member, &(struct tx_query){0}, find_controller, &before, NULL, NULL, e);

	schema_copy(&schema_member, &after, &before);
	mem_free(after.endpoint);
	after.endpoint = mem_printf("192.0.2.%d:51820", ++*(int *)arg);
	if (r >= 0)
		r = change_store(tx, &schema_member, &before, &after, "bench", "bench.move", e);
	schema_done(&schema_member, &before);
	schema_done(&schema_member, &after);
	return r;
}

static void nothing(const struct fleet *fleet, void *arg)
{
}

static void look(struct fixture *f, struct shared *s)
{
	double began = wall_ms(), hub, write;

	hub_run_wait(f->control->hub, nothing, NULL);
	hub = wall_ms() - began;
	settle(f);
	write = wall_ms() - began - hub;
	s->hub = hub > s->hub ? hub : s->hub;
	s->write = write > s->write ? write : s->write;
}

static void tell(struct fixture *f, struct shared *s)
{
	struct hub_counts counts;
	char line[200];
	FILE *status = fopen("/proc/self/status", "re");

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "VmRSS: %lf", &s->rss) == 1)
			break;
	if (status != NULL)
		fclose(status);
	s->cpu = cpu_ms();
	hub_counts(f->control->hub, &counts);
	s->streams = counts.streams;
	s->refetches = counts.refetches;
	s->states = counts.states_sent;
}

/* One letter is asked, one comes back: d(own), u(p), c(hange), s(tatistics), q(uit). */
static void serve_agents(struct shared *s, int fd)
{
	struct fixture *f = serve();
	struct err e = {0};
	int moves = 0;
	bool up = true;
	char c = 'r';

	populate(f, s);
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (c == 'u')
			s->hub = s->write = 0;
		if (c == 'd' || c == 'r') {
			control_stop(f->control);
			up = false;
		}
		if ((c == 'u' || c == 'r') && serve_again(f, &e) < 0)
			fail_msg("%s", e.text);
		up |= c == 'u' || c == 'r';
		s->port = up ? control_agent_port(f->control) : 0;
		if (c == 'c' &&
			store_write_wait(f->control->store, move_controller, &moves, &e) < 0)
			fail_msg("%s", e.text);
		if (c == 's')
			tell(f, s);
		if (write(fd, &c, 1) != 1 || c == 'q')
			break;
		while (poll(&p, 1, LOOK_MS) == 0)
			if (up)
				look(f, s);
		if (read(fd, &c, 1) != 1)
			break;
	}
	if (up)
		serve_end(f);
}

/* --- the agents ------------------------------------------------------------------------------- */

enum step { WAITING, CONNECTING, SHAKING, ASKED, BACK };

struct caller {
	enum step step;
	int fd;
	double due;   /* WAITING: by wall_ms */
	double pause; /* ms before the next attempt */
	double back_at;
	bool told; /* of the present change */
	gnutls_session_t tls;
};

struct storm {
	struct shared *shared;
	struct caller *callers;
	int n, back, told, cuts, epoll, command;
	gnutls_certificate_credentials_t credentials;
};

static void ask(struct storm *s, char c)
{
	if (write(s->command, &c, 1) != 1 || read(s->command, &c, 1) != 1) {
		fprintf(stderr, "bench_storm: the server has ended\n");
		exit(1);
	}
}

static double jitter(double ms)
{
	uint32_t random;

	rand_bytes(&random, sizeof(random));
	return ms * (0.75 + 0.5 * random / UINT32_MAX);
}

static void hang_up(struct storm *s, struct caller *c)
{
	if (c->tls != NULL)
		gnutls_deinit(c->tls);
	c->tls = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	s->back -= c->step == BACK;
	c->step = WAITING;
}

/* Away: again after a pause, and after twice as long next time. */
static void later(struct storm *s, struct caller *c, double now)
{
	s->cuts++;
	hang_up(s, c);
	c->due = now + jitter(c->pause);
	c->pause = c->pause * 2 < 15000 ? c->pause * 2 : 15000;
}

static void watch(struct storm *s, struct caller *c, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u32 = (uint32_t)(c - s->callers)};

	epoll_ctl(s->epoll, op, c->fd, &ev);
}

static void dial(struct storm *s, struct caller *c, double now)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons(s->shared->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	if (s->shared->port == 0) {
		later(s, c, now);
		return;
	}
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (c->fd < 0 ||
		(connect(c->fd, (struct sockaddr *)&at, sizeof(at)) < 0 && errno != EINPROGRESS)) {
		later(s, c, now);
		return;
	}
	c->step = CONNECTING;
	gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	gnutls_set_default_priority(c->tls);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, s->credentials);
	gnutls_transport_set_int(c->tls, c->fd);
	watch(s, c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void send_request(struct storm *s, struct caller *c)
{
	const size_t i = (size_t)(c - s->callers);
	AUTOFREE char *request = mem_printf("GET /v1/nodes/%s/events HTTP/1.1\r\nHost: t\r\n"
					    "Authorization: Bearer %s\r\nLast-Event-ID: 1\r\n\r\n",
		s->shared->agents[i].id, s->shared->agents[i].bearer);

	/* less than a socket's buffer, which is empty */
	if (gnutls_record_send(c->tls, request, strlen(request)) != (ssize_t)strlen(request)) {
		fprintf(stderr, "bench_storm: a request does not fit\n");
		exit(1);
	}
	c->step = ASKED;
}

static void go_on(struct storm *s, struct caller *c, double now)
{
	char chunk[16384];
	ssize_t n;

	if (c->step == CONNECTING) {
		c->step = SHAKING;
		watch(s, c, EPOLL_CTL_MOD, EPOLLIN);
	}
	if (c->step == SHAKING) {
		int r = gnutls_handshake(c->tls);

		if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED)
			return;
		if (r < 0) {
			later(s, c, now);
			return;
		}
		send_request(s, c);
	}
	while ((n = gnutls_record_recv(c->tls, chunk, sizeof(chunk))) > 0) {
		if (c->step == ASKED && memmem(chunk, (size_t)n, "retry: ", 7) != NULL) {
			c->step = BACK;
			c->pause = 1000;
			c->back_at = now;
			s->back++;
		}
		if (c != s->callers && !c->told && memmem(chunk, (size_t)n, "event: ", 7) != NULL) {
			c->told = true;
			s->told++;
		}
	}
	if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n)))
		later(s, c, now);
}

static bool all_gone(const struct storm *s)
{
	return s->back == 0;
}

static bool all_back(const struct storm *s)
{
	return s->back == s->n;
}

static bool all_told(const struct storm *s)
{
	return s->told == s->n - 1;
}

/* Until it is so, or patience ends. */
static void run(struct storm *s, bool (*is_so)(const struct storm *s))
{
	double began = wall_ms();

	while (!is_so(s)) {
		struct epoll_event evs[512];
		int n = epoll_wait(s->epoll, evs, ARRAY_LEN(evs), 5);
		double now = wall_ms();

		if (now - began > PATIENCE_MS) {
			fprintf(stderr, "bench_storm: %d of %d are there, %d are told\n", s->back,
				s->n, s->told);
			exit(1);
		}
		for (int i = 0; i < n; i++)
			go_on(s, &s->callers[evs[i].data.u32], now);
		for (int i = 0; is_so == all_back && i < s->n; i++)
			if (s->callers[i].step == WAITING && s->callers[i].due <= now)
				dial(s, &s->callers[i], now);
	}
}

static double quantile_back(const struct storm *s, double since, double q)
{
	double *each = mem_alloc((size_t)s->n * sizeof(*each)), result;

	for (int i = 0; i < s->n; i++)
		each[i] = s->callers[i].back_at - since;
	result = quantile(each, (size_t)s->n, q);
	mem_free(each);
	return result;
}

static void first_time(struct storm *s)
{
	double before, began = wall_ms(), cpu;

	ask(s, 's');
	before = s->shared->rss;
	cpu = s->shared->cpu;
	for (int i = 0; i < s->n; i++)
		s->callers[i] = (struct caller){
			.fd = -1, .due = began + jitter(4000) - 3000, .pause = 1000};
	run(s, all_back);
	ask(s, 's');
	row("the server, no agent connected, RSS", before / 1024, "MiB");
	row("all agents connected, RSS", s->shared->rss / 1024, "MiB");
	row_below("memory per connected agent, TLS, the server alone",
		(s->shared->rss - before) / s->n, "KiB", 25);
	row("CPU of the server for each agent that connects", (s->shared->cpu - cpu) / s->n, "ms");
}

/* The first is the controller, which is not counted: it may know already. */
static double change(struct storm *s)
{
	double began = wall_ms();

	for (int i = 0; i < s->n; i++)
		s->callers[i].told = false;
	s->told = 0;
	ask(s, 'c');
	run(s, all_told);
	return wall_ms() - began;
}

#define ROUNDS 20

static void changes(struct storm *s)
{
	double each[ROUNDS], cpu;
	char text[100];

	row("a controller's first endpoint -> last of all agents", change(s), "ms");
	ask(s, 's');
	cpu = s->shared->cpu;
	for (int i = 0; i < ROUNDS; i++)
		each[i] = change(s);
	ask(s, 's');
	row("endpoint moved -> last of all agents, median", quantile(each, ROUNDS, 0.5), "ms");
	snprintf(text, sizeof(text), "endpoint moved -> last of all agents, worst of %d", ROUNDS);
	row_below(text, each[ROUNDS - 1], "ms", s->n <= 1000 ? 150 : 1000);
	row("CPU of the server for one such change", (s->shared->cpu - cpu) / ROUNDS, "ms");
}

static void outage(struct storm *s)
{
	double gone, back, stopped, cpu, resting;
	struct timespec rest;
	uint64_t refetches, states;

	gone = wall_ms();
	ask(s, 'd');
	stopped = wall_ms();
	run(s, all_gone);
	/* what agents try meanwhile fails at once */
	for (int i = 0; i < s->n; i++)
		while (s->callers[i].due < gone + OUTAGE_MS) {
			struct caller *c = &s->callers[i];

			c->due += jitter(c->pause);
			c->pause *= 2;
		}
	resting = gone + OUTAGE_MS - wall_ms();
	rest = (struct timespec){.tv_sec = (time_t)(resting / 1000),
		.tv_nsec = (long)(resting > 0 ? resting * 1e6 : 0) % 1000000000};
	if (resting > 0)
		nanosleep(&rest, NULL);
	row("server with all connected told to end -> ended", stopped - gone, "ms");
	back = wall_ms();
	ask(s, 'u');
	row("server started -> it listens", wall_ms() - back, "ms");
	back = wall_ms();
	ask(s, 's');
	cpu = s->shared->cpu;
	refetches = s->shared->refetches;
	states = s->shared->states;
	s->cuts = 0;
	run(s, all_back);
	ask(s, 's');
	row("it listens again -> half of the agents are back", quantile_back(s, back, 0.5) / 1e3,
		"s");
	row_below("it listens again -> all are back", quantile_back(s, back, 1) / 1e3, "s", 15);
	row("CPU of the server meanwhile", (s->shared->cpu - cpu) / 1e3, "s");
	row("agents that were cut and came once more", s->cuts, "");
	row("longest wait for the hub's thread meanwhile", s->shared->hub, "ms");
	row("longest wait for a commit meanwhile", s->shared->write, "ms");
	row_below("states fetched for nothing",
		(double)(s->shared->refetches - refetches + s->shared->states - states), "", 1);
}

int main(int argc, char **argv)
{
	struct storm s = {.n = argc > 1 ? atoi(argv[1]) : 10000};
	size_t size = sizeof(*s.shared) + (size_t)s.n * sizeof(s.shared->agents[0]);
	struct rlimit limit;
	int fds[2];
	pid_t server;

	log_init("bench", LOG_ERROR);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (s.n < 1 || limit.rlim_cur < (rlim_t)(s.n + 300)) {
		fprintf(stderr, "bench_storm: %d agents take more open files than allowed\n", s.n);
		return 77;
	}
	signal(SIGPIPE, SIG_IGN);
	s.shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 1;
	s.shared->n = s.n;
	server = fork();
	if (server == 0) {
		close(fds[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_agents(s.shared, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	s.command = fds[0];
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.callers = mem_zalloc((size_t)s.n * sizeof(*s.callers));
	gnutls_certificate_allocate_credentials(&s.credentials);
	if (read(s.command, &(char){0}, 1) != 1)
		return 1;
	first_time(&s);
	outage(&s);
	changes(&s);
	for (int i = 0; i < s.n; i++)
		hang_up(&s, &s.callers[i]);
	ask(&s, 'q');
	waitpid(server, NULL, 0);
	return 0;
}
