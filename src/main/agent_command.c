/* DOC: `warren agent`: join a fleet, run, take everything down, leave. */
#include "main/main.h"

#include "agent/adopt.h"
#include "agent/agent.h"
#include "agent/net_process.h"
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#define DEFAULT_STATE "/var/lib/warren/agent"

static const struct cli_option options[] = {
	{"name", "NAME", "join: name of this node (its host name)"},
	{"run-dir", "DIR", "folder of the engine's sockets (/var/run/wireguard)"},
	{"engine", "PROGRAM", "userspace engine (wireguard-go)"},
	{"backend", "kernel|userspace", "whose WireGuard (whichever works)"},
	{"adopt", "NAME", "join: take over this interface, once its key is the network's"},
	{"hosts", "FILE", "hosts file to keep names in (/etc/hosts)"},
	{"teardown-on-exit", NULL, "run: delete the interfaces when the agent ends"},
	{"token-file", "FILE", "join: the token (else WARREN_JOIN_TOKEN or standard input)"},
	{"state", "DIR", "its folder (" DEFAULT_STATE ")"},
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

static int join(struct agent_options *o, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_wipe) struct buf token = {0};
	char hostname[256] = "";
	const char *name = cli_flag(a, "name");

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
		agent_join(o, buf_str(&token), name, e) < 0)
		return e->code;
	if (cli_has(a, "adopt") && adopt_allow(o->state_dir, cli_flag(a, "adopt"), e) < 0)
		return e->code;
	printf("joined as %s; start the agent with: warren agent run\n", name);
	return 0;
}

static int agent_main(int argc, char **argv)
{
	struct cli_args a;
	struct err e = {0};
	enum log_level level = LOG_INFO;
	struct agent_options o;
	const char *verb;
	const char *net_argv[] = {"warren", "agent", NET_VERB, "--log-level", NULL, NULL};
	int r;

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		cli_command_help(&agent_command);
		return EXIT_DONE;
	}
	if (cli_has(&a, "log-level") && log_level_parse(cli_flag(&a, "log-level"), &level) < 0) {
		err_field(&e, ERR_INVALID, "log-level", "'%s' is not a level",
			cli_flag(&a, "log-level"));
		return cli_fail(&e);
	}
	net_argv[4] = cli_has(&a, "log-level") ? cli_flag(&a, "log-level") : "info";
	log_init("wireguard", level);
	no_core_dumps();
	verb = a.n_words > 0 ? a.words[0] : "run";
	/* its leaks and exit handlers are nobody's business, and its filter would not have them */
	if (strcmp(verb, NET_VERB) == 0)
		_exit(net_process(NET_FD));
	o = (struct agent_options){
		.state_dir = cli_has(&a, "state") ? cli_flag(&a, "state") : DEFAULT_STATE,
		.run_dir = cli_flag(&a, "run-dir"),
		.engine = cli_flag(&a, "engine"),
		.backend = cli_flag(&a, "backend"),
		.hosts_path = cli_flag(&a, "hosts"),
		.teardown_on_exit = cli_has(&a, "teardown-on-exit"),
		.split = true,
		.net_argv = net_argv,
	};
	if (strcmp(verb, "join") == 0)
		r = join(&o, &a, &e);
	else if (strcmp(verb, "run") == 0)
		r = agent_run(&o, &e);
	else if (strcmp(verb, "down") == 0)
		r = agent_down(&o, &e);
	else if (strcmp(verb, "leave") == 0)
		r = agent_leave(&o, &e);
	else {
		fprintf(stderr, "warren: agent has no verb '%s' (warren agent --help)\n", verb);
		return EXIT_USAGE;
	}
	return r < 0 ? cli_fail(&e) : EXIT_DONE;
}

const struct cli_command agent_command = {
	.name = "agent",
	.run = agent_main,
	.help = "keep this machine's tunnels equal to the fleet's plan",
	.words = verbs,
	.options = options,
	.example = "warren agent join https://vpn.example.com:8444 < token",
};
