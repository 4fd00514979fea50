/* DOC: `warren agent`: join a fleet, run, take everything down, leave. */
#include "main/main.h"

#include "agent/adopt.h"
#include "agent/agent.h"
#include "agent/net_process.h"
#include "base/log.h"
#include "base/text.h"
#include "model/validate.h"

#include <stdio.h>
#include <unistd.h>

#define DEFAULT_STATE "/var/lib/warren/agent"

static const struct cli_option options[] = {
	{"name", "NAME", "join: name of this node (its host name)"},
	{"again", NULL, "join: in place of what this machine was; its tunnels go on"},
	{"run-dir", "DIR", "folder of the engine's sockets (/var/run/wireguard)"},
	{"engine", "PROGRAM", "userspace engine (wireguard-go)"},
	{"backend", "kernel|userspace", "whose WireGuard (whichever works)"},
	{"adopt", "NAME", "join: take over this interface, once its key is the network's"},
	{"hosts", "FILE", "hosts file to keep names in (/etc/hosts)"},
	{"gateway-endpoint", "HOST:PORT", "run: where devices reach this gateway"},
	{"gateway-port", "PORT", "run: the port it listens on for them"},
	{"gateway-region", "REGION", "run: where it is"},
	{"check-config", NULL, "read the settings and stop"},
	{"teardown-on-exit", NULL, "run: delete the interfaces when the agent ends"},
	{"token-file", "FILE", "join: the token (else WARREN_JOIN_TOKEN or standard input)"},
	{"state", "DIR", "its folder (" DEFAULT_STATE ")"},
	{"config", "FILE", "settings (" CLI_SETTINGS_FILE "): sections agent and gateway"},
	LOG_OPTION,
	{0},
};

static const struct cli_word verbs[] = {
	{"join", "https://HOST:8444", "take part in a fleet"},
	{"run", NULL, "keep the tunnels right"},
	{"down", NULL, "delete the interfaces, routes and rules it made"},
	{"leave", NULL, "down, and forget the fleet: this machine can join anew"},
	{0},
};

#define NET_VERB "net-process" /* not for people: how the agent starts its net process */
#define NET_FD 3

/* Options from flags, then the sections agent and gateway of the settings file. */
static int fill(const struct cli_args *a, const struct cli_settings *s, struct agent_options *o,
	const char **ret_log, enum log_level *ret_level, struct err *e)
{
	const char *teardown = cli_setting(s, a, NULL, NULL, "agent.teardown_on_exit");
	const char *log = cli_setting(s, a, "log-level", NULL, "agent.log_level");
	const char *port = cli_setting(s, a, "gateway-port", NULL, "gateway.listen_port");
	uint64_t number = 0;

	o->state_dir = cli_setting(s, a, "state", NULL, "agent.state");
	if (o->state_dir == NULL)
		o->state_dir = cli_setting(s, a, NULL, NULL, "gateway.data_dir");
	if (o->state_dir == NULL)
		o->state_dir = DEFAULT_STATE;
	o->run_dir = cli_setting(s, a, "run-dir", NULL, "agent.run_dir");
	o->engine = cli_setting(s, a, "engine", NULL, "agent.engine");
	o->backend = cli_setting(s, a, "backend", NULL, "agent.backend");
	if (o->backend != NULL && strcmp(o->backend, "kernel") != 0 &&
		strcmp(o->backend, "userspace") != 0)
		return err_field(e, ERR_INVALID, "backend",
			"\"%.32s\" is not a backend: kernel or userspace", o->backend);
	o->hosts_path = cli_setting(s, a, "hosts", NULL, "agent.hosts");
	o->gateway.endpoint = cli_setting(s, a, "gateway-endpoint", NULL, "gateway.endpoint");
	o->gateway.region = cli_setting(s, a, "gateway-region", NULL, "gateway.region");
	o->again = cli_has(a, "again");
	o->teardown_on_exit = cli_has(a, "teardown-on-exit");
	if (teardown != NULL && strcmp(teardown, "true") != 0 && strcmp(teardown, "false") != 0)
		return err_field(e, ERR_INVALID, "agent.teardown_on_exit",
			"'%s' is neither true nor false", teardown);
	o->teardown_on_exit |= teardown != NULL && strcmp(teardown, "true") == 0;
	if (log != NULL && log_level_parse(log, ret_level) < 0)
		return err_field(e, ERR_INVALID, "log-level", "'%s' is not a level", log);
	*ret_log = log != NULL ? log : *ret_log;
	if (o->gateway.endpoint != NULL &&
		endpoint_check(o->gateway.endpoint, "gateway.endpoint", e) < 0)
		return ERR_INVALID;
	if (port != NULL &&
		(text_u64(port, UINT16_MAX, &number) < 0 ||
			listen_port_check((int64_t)number, "gateway.listen_port", e) < 0))
		return listen_port_check(0, "gateway.listen_port", e);
	o->gateway.listen_port = (uint16_t)number;
	return 0;
}

static int join(struct agent_options *o, const struct cli_args *a, const char *name, struct err *e)
{
	CLEANUP(buf_wipe) struct buf token = {0};
	char hostname[256] = "";
	AUTOFREE char *joined = NULL;

	if (a->n_words != 2)
		return err_set(e, ERR_INVALID,
			a->n_words > 2
				? "the token is never an argument (others can read it): give "
				  "it with --token-file, WARREN_JOIN_TOKEN or on standard input"
				: "say where the control plane is: warren agent join "
				  "https://HOST:8444");
	o->url = a->words[1];
	if (name == NULL) {
		gethostname(hostname, sizeof(hostname) - 1);
		name = hostname;
	}
	if (join_token_read(cli_flag(a, "token-file"), &token, e) < 0 ||
		agent_join(o, buf_str(&token), name, &joined, e) < 0)
		return e->code;
	if (cli_has(a, "adopt") && adopt_allow(o->state_dir, cli_flag(a, "adopt"), e) < 0)
		return e->code;
	printf("joined as %s; %s\n", joined,
		o->again ? "start the agent with: warren agent run (restart the one that runs)"
			 : "start the agent with: warren agent run");
	return 0;
}

/* The agent's net process: no settings of its own, and its leaks and exit handlers are nobody's
 * business; its filter would not have them. */
static _Noreturn void be_net_process(const char *log)
{
	enum log_level level = LOG_INFO;

	if (log != NULL)
		log_level_parse(log, &level);
	log_init("wireguard", level);
	no_core_dumps();
	_exit(net_process(NET_FD));
}

static int run_verb(const char *verb, struct agent_options *o, const struct cli_args *a,
	const struct cli_settings *s, struct err *e)
{
	if (strcmp(verb, "join") == 0)
		return join(o, a, cli_setting(s, a, "name", NULL, "agent.name"), e);
	if (strcmp(verb, "run") == 0)
		return agent_run(o, e);
	return strcmp(verb, "down") == 0 ? agent_down(o, e) : agent_leave(o, e);
}

static int agent_main(int argc, char **argv)
{
	const char *net_argv[] = {"warren", "agent", NET_VERB, "--log-level", "info", NULL};
	struct agent_options o = {.split = true, .net_argv = net_argv, .version = WARREN_VERSION};
	CLEANUP(cli_settings_done) struct cli_settings settings = {0};
	enum log_level level = LOG_INFO;
	const char *verb;
	bool known = false;
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		cli_command_help(&agent_command);
		return EXIT_DONE;
	}
	verb = a.n_words > 0 ? a.words[0] : "run";
	if (strcmp(verb, NET_VERB) == 0)
		be_net_process(cli_flag(&a, "log-level"));
	for (const struct cli_word *w = verbs; w->word != NULL; w++)
		known |= strcmp(verb, w->word) == 0;
	if (!known) {
		fprintf(stderr, "warren: agent has no verb '%s' (warren agent --help)\n", verb);
		return EXIT_USAGE;
	}
	if (cli_settings_read(&a, false, &settings, &e) < 0 ||
		fill(&a, &settings, &o, &net_argv[4], &level, &e) < 0)
		return cli_fail(&e);
	if (cli_has(&a, "check-config")) {
		puts("settings are fine");
		return EXIT_DONE;
	}
	log_init("wireguard", level);
	no_core_dumps();
	return run_verb(verb, &o, &a, &settings, &e) < 0 ? cli_fail(&e) : EXIT_DONE;
}

const struct cli_command agent_command = {
	.name = "agent",
	.run = agent_main,
	.help = "keep this machine's tunnels equal to the fleet's plan",
	.words = verbs,
	.options = options,
	.example = "warren agent join https://vpn.example.com:8444 < token",
};
