/* DOC: `warren agent`: join a fleet, run, take everything down, leave. */
#include "main/main.h"

#include "agent/adopt.h"
#include "agent/agent.h"
#include "agent/net_process.h"
#include "base/log.h"
#include "codec/settings.h"

#include <stdio.h>
#include <unistd.h>

#define DEFAULT_STATE "/var/lib/warren/agent"

static const struct cli_option options[] = {
	{"name", "NAME", "join: name of this node (its host name)"},
	{"run-dir", "DIR", "folder of the engine's sockets (/var/run/wireguard)"},
	{"engine", "PROGRAM", "userspace engine (wireguard-go)"},
	{"backend", "NAME", "kernel or userspace (whichever works)"},
	{"adopt", "NAME", "join: take over this interface, once its key is the network's"},
	{"hosts", "FILE", "hosts file to keep names in (/etc/hosts)"},
	{"teardown-on-exit", NULL, "run: delete the interfaces when the agent ends"},
	{"check-config", NULL, "run: read the settings and stop"},
	{"log-level", "LEVEL", "debug, info, warn, error"},
	{0},
};

/* Flag, else settings. Borrowed. */
static const char *pick(
	const struct cli_args *a, const char *flag, const struct settings *s, const char *setting)
{
	const char *v = cli_flag(a, flag);

	return v != NULL ? v : settings_get(s, setting);
}

/* Options from flags, then the settings (warren.yaml), checked. *ret_level is a word the net
 * process is told, too. */
static int fill(const struct cli_args *a, const struct settings *s, struct agent_options *ret,
	const char **ret_level, struct err *e)
{
	const char *down = settings_get(s, "teardown_on_exit");
	const char *state = pick(a, "state", s, "agent_state");
	const char *word = pick(a, "log-level", s, "log_level");
	enum log_level level;

	*ret = (struct agent_options){
		.state_dir = state != NULL ? state : DEFAULT_STATE,
		.run_dir = pick(a, "run-dir", s, "run_dir"),
		.engine = pick(a, "engine", s, "engine"),
		.backend = pick(a, "backend", s, "backend"),
		.hosts_path = pick(a, "hosts", s, "hosts"),
		.version = WARREN_VERSION,
		.split = true,
	};
	*ret_level = word != NULL ? word : "info";
	if (log_level_parse(*ret_level, &level) < 0)
		return err_field(e, ERR_INVALID, "log-level", "'%s' is not a level", *ret_level);
	log_init("wireguard", level);
	if (down != NULL && strcmp(down, "true") != 0 && strcmp(down, "false") != 0)
		return err_field(
			e, ERR_INVALID, "teardown_on_exit", "'%s' is neither true nor false", down);
	ret->teardown_on_exit =
		cli_has(a, "teardown-on-exit") || (down != NULL && strcmp(down, "true") == 0);
	if (ret->backend != NULL && strcmp(ret->backend, "kernel") != 0 &&
		strcmp(ret->backend, "userspace") != 0)
		return err_field(e, ERR_INVALID, "backend",
			"\"%.32s\" is not a backend: kernel or userspace", ret->backend);
	return 0;
}

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
	puts("  --state DIR              its folder (" DEFAULT_STATE ")\n"
	     "  --config FILE            settings (" SETTINGS_FILE ")\n\n"
	     "Example:\n  warren agent join https://vpn.example.com:8444 < token");
}

int agent_main(int argc, char **argv)
{
	CLEANUP(settings_done) struct settings settings = {0};
	struct cli_args a;
	struct err e = {0};
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
	verb = a.n_words > 0 ? a.words[0] : "run";
	/* the net process is told all it needs by flags, and must not look at files */
	if (strcmp(verb, NET_VERB) != 0 && settings_find(cli_flag(&a, "config"), &settings, &e) < 0)
		return cli_fail(&e);
	if (fill(&a, &settings, &o, &net_argv[4], &e) < 0)
		return cli_fail(&e);
	no_core_dumps();
	/* its leaks and exit handlers are nobody's business, and its filter would not have them */
	if (strcmp(verb, NET_VERB) == 0)
		_exit(net_process(NET_FD));
	o.net_argv = net_argv;
	if (cli_has(&a, "check-config")) {
		puts("settings are fine");
		return EXIT_DONE;
	}
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
