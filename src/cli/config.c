/* DOC: settings: a flag, else the environment, else the caller's own file, else the machine's. */
#include "cli/cli.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_STATE "/var/lib/warren"

/* All that a settings file may hold, whoever reads it: one file serves every command. */
static const char *const names[] = {"state", "listen", "agent_listen", "allow_hosts", "cert", "key",
	"profile_signing_cert", "profile_signing_key", "log_level", "url", "token_file", "ca",
	"pin", "project", "agent.state", "agent.name", "agent.run_dir", "agent.engine",
	"agent.backend", "agent.hosts", "agent.teardown_on_exit", "agent.log_level",
	"gateway.endpoint", "gateway.listen_port", "gateway.region", "gateway.data_dir", NULL};

/* A file that is not there, or that this user may not read, says nothing. */
static int read_if_there(const char *path, struct settings *ret, struct err *e)
{
	int r = settings_read(path, names, ret, e);

	if (r != ERR_NOT_FOUND && r != ERR_DENIED)
		return r;
	*e = (struct err){0};
	return 0;
}

int cli_settings_read(const struct cli_args *a, bool own, struct cli_settings *ret, struct err *e)
{
	const char *named = cli_flag(a, "config"), *home = getenv("HOME");
	struct err ignored = {0};
	int r = 0;

	if (e == NULL)
		e = &ignored;
	if (named != NULL)
		return settings_read(named, names, &ret->machine, e);
	if (own && home != NULL) {
		AUTOFREE char *path = mem_printf("%s/.config/warren/config.yaml", home);

		r = read_if_there(path, &ret->own, e);
	}
	return r < 0 ? r : read_if_there(CLI_SETTINGS_FILE, &ret->machine, e);
}

void cli_settings_done(struct cli_settings *s)
{
	settings_done(&s->own);
	settings_done(&s->machine);
	mem_free(s->state);
	s->state = NULL;
}

const char *cli_setting(const struct cli_settings *s, const struct cli_args *a, const char *flag,
	const char *env, const char *name)
{
	const char *v = flag != NULL ? cli_flag(a, flag) : NULL;

	if (v == NULL && env != NULL)
		v = getenv(env);
	if (v == NULL || *v == '\0')
		v = settings_get(&s->own, name);
	if (v == NULL || *v == '\0')
		v = settings_get(&s->machine, name);
	return v != NULL && *v != '\0' ? v : NULL;
}

const char *cli_state(struct cli_settings *s, const struct cli_args *a)
{
	const char *given = cli_setting(s, a, "state", "WARREN_STATE", "state");
	char here[PATH_MAX];

	if (given == NULL)
		return DEFAULT_STATE;
	if (given[0] == '/' || getcwd(here, sizeof(here)) == NULL)
		return given;
	mem_free(s->state);
	s->state = mem_printf("%s/%s", here, given);
	return s->state;
}
