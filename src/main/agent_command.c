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
	{"again", NULL, "join: in place of what this machine was; its tunnels go on"},
	{"run-dir", "DIR", "folder of the engine's sockets (/var/run/wireguard)"},
	{"engine", "PROGRAM", "userspace engine (wireguard-go)"},
	{"backend", "NAME", "kernel or userspace (whichever works)"},
	{"adopt", "NAME", "join: take over this interface, once its key is the network's"},
	{"hosts", "FILE", "hosts file to keep names in (/etc/hosts)"},
	{"teardown-on-exit", NULL, "run: delete the interfaces when the agent ends"},
	{"log-level", "LEVEL", "debug, info, warn, error"},
	{0},
};

#define NET_VERB "net-process" /* not for people: how the agent starts its net process */
#define NET_FD 3

static int join(struct agent_options *o, const struct cli_args *a, struct err *e)
{
	CLEANUP(buf_wipe) struct buf token = {0};
	char hostname[256] = "";
	const char *name = cli_flag(a, "name");
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

static void help(void)
{
	puts("warren agent - keep this machine's tunnels equal to the fleet's plan\n\n"
	     "  warren agent join https://HOST:8444 [--token-file FILE]\n"
	     "  warren agent run\n"
	     "  warren agent down    delete the interfaces, routes and rules it made\n"
	     "  warren agent leave   down, and forget the fleet: this machine can join anew\n\nOptions:");
	for (const struct cli_option *o = options; o->name != NULL; o++)
		printf("  --%s %-*s  %s\n", o->name, 24 - (int)strlen(o->name),
			o->arg ? o->arg : "", o->help);
	puts("  --state DIR              its folder (" DEFAULT_STATE ")\n\n"
	     "Example:\n  warren agent join https://vpn.example.com:8444 < token");
}

int agent_main(int argc, char **argv)
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
		help();
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
		.again = cli_has(&a, "again"),
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
