/* DOC: giving up privileges; see confine.h. Programs that spawn starts get the three network
 * capabilities, never more: no_new_privs caps them by ours and the bounding set by what they may.
 */
#include "agent/confine.h"

#include "agent/filter.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <signal.h>
#include <stdint.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

/* What programs may have: the network, and low ports (listen_port: 443). */
static const cap_value_t network[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE};
/* What spawn needs besides, for becoming somebody else and ending it, and for saying who holds a
 * port. Its programs cannot have these. */
static const cap_value_t switching[] = {
	CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH};

/* --- capabilities -------------------------------------------------------------------------------
 */

/* Of those wanted, the ones we have; into both sets, or the effective one only. */
static int set_caps(const cap_value_t *const lists[], const size_t counts[], size_t n_lists,
	bool effective_only, struct err *e)
{
	cap_t have = cap_get_proc(), want = cap_init();
	int rc = 0;

	for (size_t k = 0; have != NULL && want != NULL && k < n_lists; k++)
		for (size_t i = 0; i < counts[k]; i++) {
			cap_flag_value_t held = CAP_CLEAR;

			cap_get_flag(have, lists[k][i], CAP_PERMITTED, &held);
			cap_set_flag(want, CAP_PERMITTED, 1, &lists[k][i], held);
			cap_set_flag(want, CAP_EFFECTIVE, 1, &lists[k][i], held);
		}
	if (have == NULL || want == NULL)
		rc = err_set(e, ERR_SYSTEM, "cannot look at this process's capabilities");
	for (cap_value_t c = 0; rc == 0 && effective_only && c < cap_max_bits(); c++) {
		cap_flag_value_t held = CAP_CLEAR;

		cap_get_flag(have, c, CAP_PERMITTED, &held);
		cap_set_flag(want, CAP_PERMITTED, 1, &c, held);
	}
	if (rc == 0 && cap_set_proc(want) < 0)
		rc = err_errno(e, errno, "cannot drop capabilities");
	cap_free(have);
	cap_free(want);
	return rc;
}

static bool listed(cap_value_t c, const cap_value_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == c)
			return true;
	return false;
}

/* What no program started from here can have again. Without CAP_SETPCAP no_new_privs does it. */
static void bound(const cap_value_t *keep, size_t n)
{
	for (cap_value_t c = 0; c < cap_max_bits(); c++)
		if (!listed(c, keep, n) && cap_get_bound(c) > 0)
			cap_drop_bound(c);
	cap_reset_ambient();
}

static int no_new_privs(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "cannot give up gaining privileges");
	return 0;
}

/* A container's root may hold folders of other users by CAP_DAC_OVERRIDE alone. */
static bool can_use(const char *dir)
{
	return faccessat(AT_FDCWD, dir, R_OK | W_OK | X_OK, AT_EACCESS) == 0 || errno != EACCES;
}

int confine_apply(const char *state_dir, struct err *e)
{
	static const cap_value_t override[] = {CAP_DAC_OVERRIDE};
	const cap_value_t *const lists[] = {network, override};
	const size_t counts[] = {ARRAY_LEN(network), ARRAY_LEN(override)};
	size_t n = 1;

	if (set_caps(lists, counts, 1, true, e) < 0)
		return e->code;
	if (!can_use(state_dir))
		n = 2;
	/* the bounding set is lowered with CAP_SETPCAP, which is still permitted */
	{
		static const cap_value_t setpcap[] = {CAP_SETPCAP};
		const cap_value_t *const all[] = {network, setpcap};
		const size_t all_n[] = {ARRAY_LEN(network), 1};

		if (set_caps(all, all_n, 2, true, e) < 0)
			return e->code;
	}
	bound(network, ARRAY_LEN(network));
	if (set_caps(lists, counts, n, false, e) < 0 || no_new_privs(e) < 0)
		return e->code;
	return filter_set(FILTER_APPLY, true, e);
}

int confine_spawn(struct err *e)
{
	const cap_value_t *const lists[] = {network, switching};
	const size_t counts[] = {ARRAY_LEN(network), ARRAY_LEN(switching)};

	bound(network, ARRAY_LEN(network));
	if (set_caps(lists, counts, 2, false, e) < 0 || no_new_privs(e) < 0)
		return e->code;
	return filter_set(FILTER_SPAWN, true, e);
}

/* --- net
 * ------------------------------------------------------------------------------------------ */

void confine_net_user(void)
{
	bound(NULL, 0);
	/* where there is no such user (a container with one) confine_net does without files */
	if (geteuid() == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		setresuid(NOBODY, NOBODY, NOBODY) < 0)
		log_debug("the net process keeps its user", LOG_KV_INT("errno", errno));
	/* after the change of user, which would forget it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Where name look-ups read. Folders, as files are replaced; /etc as a whole only for somebody to
 * whom the secrets in it are not readable anyway. */
static const struct {
	const char *path;
	bool by_nobody;
} readable[] = {
	{"/etc", true},
	{"/etc/resolv.conf", false},
	{"/etc/hosts", false},
	{"/etc/nsswitch.conf", false},
	{"/etc/host.conf", false},
	{"/etc/gai.conf", false},
	{"/run/systemd/resolve", false},
	{"/run/resolvconf", false},
	{"/run/NetworkManager", false},
};

static void allow_reading(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
		.parent_fd = open(path, O_PATH | O_CLOEXEC)};

	if (rule.parent_fd < 0)
		return;
	syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

/* No file but those. False when the kernel has no Landlock. */
static bool only_readable(bool nobody)
{
	/* all that its first version knows: reading, writing, making, removing, executing */
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	bool done;

	if (ruleset < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(readable); i++)
		if (nobody || !readable[i].by_nobody)
			allow_reading(ruleset, readable[i].path);
	done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	close(ruleset);
	return done;
}

int confine_net(struct err *e)
{
	bool nobody = geteuid() == NOBODY;
	bool kept_off;

	prctl(PR_SET_DUMPABLE, 0);
	bound(NULL, 0);
	if (set_caps(NULL, NULL, 0, false, e) < 0 || no_new_privs(e) < 0)
		return e->code;
	kept_off = only_readable(nobody) || nobody;
	if (!kept_off)
		log_warn("the net process can open no file: names in /etc/hosts are not known");
	return filter_set(FILTER_NET, kept_off, e);
}
