/* DOC: `warren serve`: the control plane as a daemon, and the options it shares with `up`. */
#include "main/main.h"

#include "base/log.h"
#include "base/notify.h"
#include "base/mem.h"
#include "control/control.h"
#include "codec/profile_signer.h"
#include "http/listen.h"
#include "main/port.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static const struct cli_option options[] = {
	LISTEN_OPTIONS,
	{"profile-signing-cert", "FILE", "who signs Apple profiles: certificate chain, PEM"},
	{"profile-signing-key", "FILE", "its private key, PEM, 0600"},
	{"allow-hosts", "NAMES", "host names browsers may use, with commas"},
	{"check-config", NULL, "read the settings and stop"},
	{"state", "DIR", "state folder (/var/lib/warren)"},
	{"config", "FILE", "settings (" CLI_SETTINGS_FILE ")"},
	LOG_OPTION,
	{0},
};

static const char *pick(const struct cli_args *a, const char *flag, const struct cli_settings *s,
	const char *setting, const char *fallback)
{
	const char *v = cli_setting(s, a, flag, NULL, setting);

	return v != NULL ? v : fallback;
}

int serve_fill(const struct cli_args *a, struct cli_settings *s, struct control_options *ret,
	struct err *e)
{
	const char *log = pick(a, "log-level", s, "log_level", "info");
	enum log_level level = LOG_INFO;
	struct err why = {0};

	*ret = (struct control_options){
		.state_dir = cli_state(s, a),
		.listen = pick(a, "listen", s, "listen", "127.0.0.1:8443"),
		.agent_listen = pick(a, "agent-listen", s, "agent_listen", "[::]:8444"),
		.allowed_hosts = pick(a, "allow-hosts", s, "allow_hosts", NULL),
		.cert_file = pick(a, "cert", s, "cert", NULL),
		.key_file = pick(a, "key", s, "key", NULL),
		.profile_signing_cert =
			pick(a, "profile-signing-cert", s, "profile_signing_cert", NULL),
		.profile_signing_key =
			pick(a, "profile-signing-key", s, "profile_signing_key", NULL),
	};
	if (log_level_parse(log, &level) < 0)
		return err_field(e, ERR_INVALID, "log-level", "'%s' is not a level", log);
	log_init("control", level);
	if (http_listen_check(ret->listen, &why) < 0)
		return err_field(e, ERR_INVALID, "listen", "%s", why.text);
	if (http_listen_check(ret->agent_listen, &why) < 0)
		return err_field(e, ERR_INVALID, "agent-listen", "%s", why.text);
	if ((ret->cert_file == NULL) != (ret->key_file == NULL))
		return err_field(e, ERR_INVALID, ret->cert_file == NULL ? "cert" : "key",
			"a certificate and its key go together: give both --cert and --key");
	if (ret->cert_file != NULL && access(ret->cert_file, R_OK) < 0)
		return err_errno(e, errno, "cannot read the certificate %s", ret->cert_file);
	if (ret->key_file != NULL && access(ret->key_file, R_OK) < 0)
		return err_errno(e, errno, "cannot read the key %s", ret->key_file);
	return 0;
}

/* Does a server hold the lock of this folder (control/control.h)? */
static bool is_served(const char *state_dir)
{
	AUTOFREE char *path = mem_printf("%s/warren.lock", state_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return held;
}

int serve_check(const struct control_options *o, struct err *e)
{
	int r;

	if (is_served(o->state_dir))
		return err_set(e, ERR_UNAVAILABLE,
			"another warren already serves from %s: stop it, or give another folder "
			"with --state",
			o->state_dir);
	r = port_check_listen(o->listen, "listen", e);
	return r < 0 ? r : port_check_listen(o->agent_listen, "agent-listen", e);
}

/* What ends us, and our children's end. A terminal that closes is one, but not under nohup. */
static void signals_fill(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGCHLD);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
}

void signals_block(void)
{
	sigset_t set;

	signals_fill(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int signals_wait(void)
{
	sigset_t set;
	int got = 0;

	signals_fill(&set);
	while (sigwait(&set, &got) != 0)
		;
	return got;
}

bool signals_pending(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t set;

	sigpending(&set);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (sigismember(&set, ends[i]))
			return true;
	return false;
}

static void signer_done(struct cms_signer **s)
{
	cms_signer_free(*s);
}

static int serve_main(int argc, char **argv)
{
	CLEANUP(cli_settings_done) struct cli_settings settings = {0};
	CLEANUP(signer_done) struct cms_signer *signer = NULL;
	struct control_options o;
	struct control *c = NULL;
	struct cli_args a;
	struct err e = {0};

	if (cli_parse(argc, argv, options, &a) < 0)
		return EXIT_USAGE;
	if (cli_has(&a, "help")) {
		cli_command_help(&serve_command);
		return EXIT_DONE;
	}
	if (cli_settings_read(&a, false, &settings, &e) < 0 ||
		serve_fill(&a, &settings, &o, &e) < 0)
		return cli_fail(&e);
	if (cli_has(&a, "check-config")) {
		if (profile_signer_open(
			    o.profile_signing_cert, o.profile_signing_key, &signer, &e) < 0)
			return cli_fail(&e);
		puts("settings are fine");
		return EXIT_DONE;
	}
	no_core_dumps();
	signals_block();
	if (serve_check(&o, &e) < 0 || control_start(&o, &c, &e) < 0)
		return cli_fail(&e);
	log_info("ready", LOG_KV_STR("listen", c->options.listen),
		LOG_KV_STR("agent_listen", c->options.agent_listen),
		LOG_KV_STR("state", o.state_dir));
	notify_send("READY=1");
	while (signals_wait() == SIGCHLD)
		;
	notify_send("STOPPING=1");
	log_info("stopping");
	control_stop(c);
	return EXIT_DONE;
}

const struct cli_command serve_command = {
	.name = "serve",
	.run = serve_main,
	.help = "the control plane",
	.options = options,
	.example = "warren serve --listen 0.0.0.0:8443",
};
