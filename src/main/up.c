/*
 * DOC: `warren up`: control plane and gateway on one machine. The control plane runs in this
 * process, the agent as a child (so that either can fail alone); the first start makes a network,
 * an administrator and a client. Every step is a call of the public API over the local socket.
 */
#include "main/main.h"

#include "agent/agent.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/json.h"
#include "control/control.h"
#include "control/public_url.h"
#include "main/machine.h"
#include "main/port.h"
#include "model/names.h"
#include "model/validate.h"
#include "net/net.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NETWORK "default"
#define FIRST_ADMIN "admin"
#define FIRST_CLIENT "my first client"
#define RESTART_MAX_S 15
#define GATEWAY_WAIT_MS 20000 /* for the agent's first word; a slow machine takes some seconds */
#define GATEWAY_ASK_MS 100

static const struct cli_option options[] = {
	LISTEN_OPTIONS,
	{"endpoint", "HOST[:PORT]",
		"where clients reach this gateway (the default route's address)"},
	{"port", "PORT", "UDP port of the gateway (51820)"},
	{"cidr", "CIDR", "IPv4 pool of the first network (172.30.0.0/16)"},
	{"lan", "CIDRS", "networks behind this gateway that clients may reach"},
	{"no-client", NULL, "do not make a first client"},
	{"keep", NULL, "leave tunnels up when this ends"},
	{"state", "DIR", "state folder (/var/lib/warren)"},
	LOG_OPTION,
	{0},
};

struct up {
	const struct cli_args *args;
	struct control_options control_options;
	struct control *control;
	struct cli_session session;
	char *agent_dir;
	pid_t agent;
	int agent_failures;
	uint16_t port; /* of the gateway */
	bool first;    /* this start made the network */
	bool ours; /* this start began an agent: what tunnels there are, are ours to take down */
};

static int call(struct up *u, const char *method, const char *path, const char *body,
	struct buf *answer, struct err *e)
{
	struct buf b = {0};
	int r;

	buf_adds(&b, body ? body : "");
	r = cli_call(&u->session, method, path, body ? &b : NULL, answer, e);
	buf_done(&b);
	return r;
}

/* A string of an answer, copied; NULL when it is not there. */
static char *answer_str(const struct buf *answer, const char *path)
{
	struct json_doc *d = json_parse(buf_str(answer), answer->len, answer->len, NULL);
	char *s = d ? mem_strdup(json_str(json_root(d), path)) : NULL;

	json_free(d);
	return s;
}

static uint64_t count(struct up *u, const char *path)
{
	CLEANUP(buf_done) struct buf answer = {0};
	struct json_doc *d;
	int64_t n = 0;

	if (call(u, "GET", path, NULL, &answer, NULL) < 0)
		return 0;
	d = json_parse(buf_str(&answer), answer.len, answer.len, NULL);
	if (d != NULL)
		n = json_int(json_root(d), "total", 0);
	json_free(d);
	return (uint64_t)n;
}

/* The default pool yields to a route this machine has already (Docker's include 172.30/16), and
 * says so; "" when it need not. Other networks are no concern: this is the first. */
static void choose_pool(char ret[static PREFIX_TEXT_LEN])
{
	CLEANUP(buf_done) struct buf taken = {0};
	struct net *n = net_new(NULL);
	struct prefix p;

	ret[0] = '\0';
	for (unsigned i = 0; n != NULL && network_pool_candidate(i, &p); i++) {
		CLEANUP(buf_done) struct buf other = {0};

		if (net_route_overlap(n, p, &other, NULL) == 1) {
			if (taken.len == 0)
				buf_add(&taken, other.data, other.len);
			continue;
		}
		if (i > 0) {
			prefix_format(p, ret);
			printf("The network is %s: the default overlaps this machine's route %s "
			       "(--cidr chooses another)\n",
				ret, buf_str(&taken));
		}
		break;
	}
	net_free(n);
}

static int make_network(struct up *u, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0}, body = {0};
	struct json_writer w = {.out = &body};
	const char *cidr = cli_flag(u->args, "cidr");
	char pool[PREFIX_TEXT_LEN];

	if (count(u, "/api/v1/networks?limit=1&name=" NETWORK) > 0)
		return 0;
	u->first = true;
	json_begin_object(&w, NULL);
	json_put_str(&w, "name", NETWORK);
	if (cidr == NULL)
		choose_pool(pool);
	if (cidr != NULL || pool[0] != '\0')
		json_put_str(&w, "ipv4", cidr != NULL ? cidr : pool);
	json_put_int(&w, "listen_port", u->port);
	json_end_object(&w);
	return call(u, "POST", "/api/v1/networks", buf_str(&body), &answer, e);
}

static int make_admin(struct up *u, struct err *e)
{
	CLEANUP(buf_wipe) struct buf answer = {0};
	AUTOFREE char *password = NULL;
	int r;

	if (count(u, "/api/v1/users?limit=1") > 0)
		return 0;
	r = call(u, "POST", "/api/v1/users",
		"{\"name\":\"" FIRST_ADMIN "\",\"role\":\"system-admin\"}", &answer, e);
	if (r < 0)
		return r;
	password = answer_str(&answer, "password");
	printf("Administrator: %s   one-time password: %s\n", FIRST_ADMIN,
		password ? password : "?");
	if (password != NULL)
		mem_wipe(password, strlen(password));
	return 0;
}

static struct agent_options agent_options(const struct up *u)
{
	return (struct agent_options){
		.state_dir = u->agent_dir,
		.version = WARREN_VERSION,
		.teardown_on_exit = false,
	};
}

/* Join this machine as the network's gateway, with a token of one use. */
static int join(struct up *u, struct err *e)
{
	CLEANUP(buf_wipe) struct buf answer = {0};
	CLEANUP(buf_done) struct buf body = {0};
	AUTOFREE char *token = NULL, *url = NULL;
	struct agent_options o = agent_options(u);
	struct json_writer w = {.out = &body};
	char hostname[256] = "gateway", name[IFNAME_LEN * 5];
	char *joined = NULL;
	int r;

	if (agent_is_joined(u->agent_dir))
		return 0;
	json_begin_object(&w, NULL);
	json_put_str(&w, "name", "this machine");
	json_put_str(&w, "kind", "join");
	json_begin_array(&w, "networks");
	json_put_str(&w, NULL, NETWORK);
	json_end_array(&w);
	json_begin_array(&w, "roles");
	json_put_str(&w, NULL, "gateway");
	json_put_str(&w, NULL, "exit"); /* for full tunnels */
	json_end_array(&w);
	json_put_int(&w, "uses_left", 1);
	json_put_time(&w, "expires_at", clock_wall(&clock_real) + 10 * 60 * 1000);
	json_end_object(&w);
	r = call(u, "POST", "/api/v1/tokens", buf_str(&body), &answer, e);
	if (r < 0)
		return r;
	token = answer_str(&answer, "token");
	url = mem_printf("https://127.0.0.1:%u", control_agent_port(u->control));
	o.url = url;
	gethostname(hostname, sizeof(hostname) - 1);
	snprintf(name, sizeof(name), "%.60s", hostname);
	r = agent_join(&o, token, name, &joined, e);
	mem_free(joined);
	if (token != NULL)
		mem_wipe(token, strlen(token));
	return r;
}

/* Host and port clients shall use: --endpoint, else the default route's address. */
static int choose_endpoint(struct up *u, struct buf *ret, const char **ret_how)
{
	const char *given = cli_flag(u->args, "endpoint");
	struct net *net;
	struct addr a;
	char text[ADDR_TEXT_LEN];
	int r;

	if (given != NULL) {
		*ret_how = "as given";
		if (endpoint_check(given, "endpoint", NULL) == 0) {
			buf_adds(ret, given);
			return 0;
		}
		endpoint_join(given, u->port, ret);
		return 0;
	}
	*ret_how = "the default route's address; --endpoint HOST changes it";
	net = net_new(NULL);
	if (net == NULL)
		return ERR_UNSUPPORTED;
	r = net_default_address(net, FAMILY_IPV4, &a, NULL);
	if (r < 0)
		r = net_default_address(net, FAMILY_IPV6, &a, NULL);
	net_free(net);
	if (r == 0)
		endpoint_join(addr_format(a, text), u->port, ret);
	return r;
}

/* The gateway's node and member, found by the identity the agent keeps. */
static int set_member(struct up *u, struct err *e)
{
	CLEANUP(buf_done) struct buf answer = {0}, endpoint = {0}, body = {0}, path = {0};
	AUTOFREE char *node = agent_node_id(u->agent_dir), *member = NULL, *was = NULL;
	const char *lan = cli_flag(u->args, "lan"), *how = "";
	struct json_writer w = {.out = &body};
	int r;

	buf_addf(&path, "/api/v1/nodes/%s", node ? node : "");
	r = call(u, "GET", buf_str(&path), NULL, &answer, e);
	if (r < 0)
		return err_prefix(e,
			"the agent's identity in %s is not known to this control plane",
			u->agent_dir);
	{
		struct json_doc *d = json_parse(buf_str(&answer), answer.len, answer.len, NULL);
		const struct json *m = d ? json_at(json_get(json_root(d), "members"), 0) : NULL;

		member = mem_strdup(json_str(m, "id"));
		was = mem_strdup(json_str(m, "endpoint"));
		if (json_int(m, "listen_port", 0) > 0)
			u->port = (uint16_t)json_int(m, "listen_port", 0);
		json_free(d);
	}
	if (member == NULL)
		return err_set(e, ERR_NOT_FOUND, "this machine is in no network");
	if (port_check_udp(u->port, true, e) < 0)
		return e->code;
	if (was != NULL && cli_flag(u->args, "endpoint") == NULL) {
		buf_adds(&endpoint, was);
		how = "as before";
	} else if (choose_endpoint(u, &endpoint, &how) < 0) {
		puts("Gateway endpoint: unknown (no default route). Give --endpoint HOST[:PORT]; "
		     "until then no client can be made.");
	}
	json_begin_object(&w, NULL);
	if (endpoint.len > 0)
		json_put_str(&w, "endpoint", buf_str(&endpoint));
	if (lan != NULL) {
		AUTOFREE char *copy = mem_strdup(lan);
		char *rest = copy;

		json_begin_array(&w, "local_subnets");
		for (char *item; (item = strsep(&rest, ",")) != NULL;)
			json_put_str(&w, NULL, item);
		json_end_array(&w);
		json_put_bool(&w, "masquerade", true);
	}
	json_end_object(&w);
	buf_reset(&path);
	buf_reset(&answer);
	buf_addf(&path, "/api/v1/members/%s", member);
	if (strcmp(buf_str(&body), "{}") != 0)
		r = call(u, "PATCH", buf_str(&path), buf_str(&body), &answer, e);
	if (r == 0 && endpoint.len > 0)
		printf("Gateway endpoint: %s (%s)\n", buf_str(&endpoint), how);
	return r;
}

/* --lan: clients may reach what is behind this gateway; one policy that people can see. */
static int allow_lan(struct up *u, struct err *e)
{
	const char *lan = cli_flag(u->args, "lan");
	CLEANUP(buf_done) struct buf body = {0}, answer = {0};
	AUTOFREE char *copy = mem_strdup(lan);
	char *rest = copy;
	struct json_writer w = {.out = &body};

	if (lan == NULL || count(u, "/api/v1/policies?limit=1&name=lan") > 0)
		return 0;
	json_begin_object(&w, NULL);
	json_put_str(&w, "name", "lan");
	json_put_str(&w, "network", NETWORK);
	json_begin_array(&w, "rules");
	json_begin_object(&w, NULL);
	json_begin_array(&w, "from");
	json_put_str(&w, NULL, "clients");
	json_end_array(&w);
	json_begin_array(&w, "to");
	for (char *item; (item = strsep(&rest, ",")) != NULL;)
		json_put_str(&w, NULL, item);
	json_end_array(&w);
	json_put_str(&w, "protocol", "any");
	json_end_object(&w);
	json_end_array(&w);
	json_end_object(&w);
	return call(u, "POST", "/api/v1/policies", buf_str(&body), &answer, e);
}

/* The agent in a process of its own, ending when we do; its tunnels outlive both. */
static int start_agent(struct up *u, struct err *e)
{
	char *argv[] = {(char *)"warren", (char *)"agent", (char *)"run", (char *)"--state",
		u->agent_dir, NULL};
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return err_errno(e, errno, "cannot start the agent");
	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(1);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	u->agent = pid;
	u->ours = true;
	return 0;
}

static void stop_agent(struct up *u)
{
	struct agent_options o = agent_options(u);
	struct err e = {0};

	if (u->agent > 0) {
		kill(u->agent, SIGTERM);
		waitpid(u->agent, NULL, 0);
	}
	if (u->ours && !cli_has(u->args, "keep") && agent_down(&o, &e) < 0)
		fprintf(stderr, "warren: taking the tunnels down: %s\n", e.text);
}

/* Until the agent has said how it went: "Running" shall mean that clients can come. What the last
 * start's agent said is kept with the node, and does not count. */
static void wait_gateway(struct up *u, msec since)
{
	AUTOFREE char *node = agent_node_id(u->agent_dir);
	AUTOFREE char *path = mem_printf("/api/v1/nodes/%s", node ? node : "");
	const struct timespec pause = {.tv_nsec = GATEWAY_ASK_MS * 1000000};

	for (int waited = 0; waited < GATEWAY_WAIT_MS; waited += GATEWAY_ASK_MS) {
		CLEANUP(buf_done) struct buf answer = {0};
		AUTOFREE char *deploy = NULL, *error = NULL, *said = NULL;
		msec at = 0;

		if (call(u, "GET", path, NULL, &answer, NULL) == 0)
			said = answer_str(&answer, "last_heartbeat");
		if (said != NULL && clock_parse(said, &at) == 0 && at >= since) {
			deploy = answer_str(&answer, "deploy");
			error = answer_str(&answer, "deploy_error");
		}
		if (deploy != NULL && strcmp(deploy, "applied") == 0)
			return;
		if (deploy != NULL && strcmp(deploy, "error") == 0) {
			printf("The gateway is not as it should be: %s\n"
			       "It is tried again all the time; \"warren doctor\" may say more.\n",
				error ? error : "its log says why");
			return;
		}
		if (signals_pending())
			return;
		nanosleep(&pause, NULL);
	}
	puts("The gateway has not reported yet; see it with: warren node list");
}

static int gateway(struct up *u, struct err *e)
{
	CLEANUP(buf_done) struct buf missing = {0};
	msec now = clock_wall(&clock_real);

	if (machine_can_tunnel(&missing) < 0) {
		printf("No gateway on this machine: %s\n"
		       "The control plane and the panel are served all the same.\n",
			buf_str(&missing));
		return 0;
	}
	if (join(u, e) < 0 || set_member(u, e) < 0 || allow_lan(u, e) < 0)
		return e->code;
	if (start_agent(u, e) < 0)
		return e->code;
	wait_gateway(u, now);
	return 0;
}

static void first_client(struct up *u)
{
	char *argv[] = {(char *)"client", (char *)"add", (char *)FIRST_CLIENT, (char *)"--qr",
		(char *)"--state", (char *)(uintptr_t)u->control_options.state_dir};

	if (!u->first || cli_has(u->args, "no-client") || u->agent <= 0)
		return;
	/* without an endpoint there is none, and the command says why */
	if (cli_main(6, argv) == 0)
		printf("First client: \"%s\". Scan this with the WireGuard app; it is shown only "
		       "now.\n",
			FIRST_CLIENT);
	fflush(stdout);
}

/* Wait for the end, restarting the agent with growing patience when it fails. */
static void watch(struct up *u)
{
	for (;;) {
		int signum = signals_wait(), status;
		struct err e = {0};

		if (signum != SIGCHLD)
			return;
		if (u->agent <= 0 || waitpid(u->agent, &status, WNOHANG) != u->agent)
			continue;
		u->agent = 0;
		u->agent_failures++;
		log_warn("the agent ended, starting it again",
			LOG_KV_INT("failures", u->agent_failures));
		sleep((unsigned)(u->agent_failures < RESTART_MAX_S ? u->agent_failures
								   : RESTART_MAX_S));
		if (start_agent(u, &e) < 0)
			log_error("the agent does not start", LOG_KV_STR("error", e.text));
	}
}

/* What must be free, before anything is made. A gateway that has been here has its port from the
 * network: see set_member. */
static int check_ports(struct up *u, struct err *e)
{
	CLEANUP(buf_done) struct buf missing = {0};

	if (serve_check(&u->control_options, e) < 0)
		return e->code;
	if (agent_is_joined(u->agent_dir) || machine_can_tunnel(&missing) < 0)
		return 0;
	return port_check_udp(u->port, false, e);
}

static int run(struct up *u, struct err *e)
{
	CLEANUP(buf_done) struct buf panel = {0};
	AUTOFREE char *base = NULL;

	if (check_ports(u, e) < 0 || control_start(&u->control_options, &u->control, e) < 0)
		return e->code;
	base = mem_printf("http+unix://%s/warren.sock", u->control_options.state_dir);
	u->session.target.base = STEAL(base);
	public_host(&u->control->options, &panel);
	printf("Panel: https://%s\n", buf_str(&panel));
	if (make_network(u, e) < 0 || make_admin(u, e) < 0 || gateway(u, e) < 0)
		return e->code;
	first_client(u);
	printf("Running. Ctrl-C ends it; the next start goes on where this one stopped.\n");
	fflush(stdout);
	watch(u);
	puts("Stopping ...");
	return 0;
}

static int up_main(int argc, char **argv)
{
	CLEANUP(cli_settings_done) struct cli_settings settings = {0};
	struct up u = {0};
	struct cli_args a;
	struct err e = {0};
	int r;

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		cli_command_help(&up_command);
		return EXIT_DONE;
	}
	if (cli_settings_read(&a, false, &settings, &e) < 0)
		return cli_fail(&e);
	u.args = &a;
	u.port = 51820;
	if (cli_has(&a, "port")) {
		uint64_t port = 0;

		/* what is no number is no port either */
		if (text_u64(cli_flag(&a, "port"), INT32_MAX, &port) < 0)
			port = 0;
		if (listen_port_check((int64_t)port, "port", &e) < 0)
			return cli_fail(&e);
		u.port = (uint16_t)port;
	}
	if (serve_fill(&a, &settings, &u.control_options, &e) < 0)
		return cli_fail(&e);
	if (!cli_has(&a, "log-level"))
		log_init("warren", LOG_WARN); /* people read this one; the daemon logs more */
	u.agent_dir = mem_printf("%s/agent", u.control_options.state_dir);
	setvbuf(stdout, NULL, _IOLBF, 0); /* in step with the log when both go to a file */
	no_core_dumps();
	signals_block();
	r = run(&u, &e);
	stop_agent(&u);
	control_stop(u.control);
	cli_session_done(&u.session);
	mem_free(u.agent_dir);
	return r < 0 ? cli_fail(&e) : EXIT_DONE;
}

const struct cli_command up_command = {
	.name = "up",
	.run = up_main,
	.help = "control plane and gateway on this machine, in one go",
	.options = options,
	.example = "warren up --endpoint vpn.example.com --lan 10.50.0.0/24",
};
