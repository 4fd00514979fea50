/*
 * DOC: the agent's run: opens the machine, brings up what the cache holds, then turns the loop.
 *
 *	split: spawn is forked, this process confined (processes.h), calls go by the courier to net
 *	timers: reconcile (interval +-10 %), expiry (next deadline, at most 30 s: the wall clock may
 *	jump), settle (1 s after a change), look (paths)   |   sync: stream and states   |
 *beat: heartbeats
 */
#include "agent/agent.h"

#include "agent/beat.h"
#include "agent/courier.h"
#include "agent/direct.h"
#include "agent/names.h"
#include "agent/net_process.h"
#include "agent/processes.h"
#include "agent/rotate.h"
#include "agent/sole.h"
#include "agent/sync.h"
#include "agent/vigil.h"
#include "base/log.h"
#include "base/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#define INTERVAL (60 * 1000)
#define INTERVAL_MIN 1000
#define EXPIRY_LOOK (30 * 1000)
#define SETTLE 1000
/* How often a peer's next key is listened for: often at first, when it is about to be used; and
 * never so that reading devices takes more than a tenth of the time. */
#define ROTATE_LOOK 25
#define ROTATE_LOOK_MAX 250
#define ROTATE_SLOWER 100 /* of the time waited so far */
#define NAMES_DELAY 100   /* changes come in bursts; one zone for many */
#define LOCK_TRIES 20
#define LOCK_PAUSE (100 * 1000 * 1000) /* nanoseconds */

struct agent {
	const struct agent_options *o;
	const struct clock *clock;
	struct loop *loop;
	struct identity identity;
	struct wg_backend *wg;
	struct machine_net *net;
	struct resolver *resolver;
	struct machine machine;
	struct core core;
	struct processes processes; /* when split; then calls go by the courier */
	struct courier *courier;
	struct direct direct;
	struct wire wire;
	struct sync sync;
	struct beat beat;
	struct rand rand;
	struct vigil vigil;          /* not in tests without a machine */
	struct names *names;         /* nor these: NULL */
	struct responder *responder; /* when not split */
	bool names_stale;
	struct loop_timer *reconcile, *expiry, *settle, *names_due, *rotate, *cross, *look,
		*watchdog, *gate;
	msec rotating_since; /* monotonic; 0 = no peer is about to get a new key */
	int lock;
	struct sole sole;
	bool spawn_lost;
	bool looking; /* the next look has its time */
};

/* --- opening the machine ------------------------------------------------------------------------
 */

static const char *dir_of(const struct agent_options *o)
{
	return o->state_dir == NULL ? AGENT_STATE_DIR : o->state_dir;
}

/* One agent per state folder. */
static int take_lock(struct agent *a, struct err *e)
{
	AUTOFREE char *path = mem_printf("%s/lock", dir_of(a->o));

	a->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (a->lock < 0)
		return err_errno(e, errno, "cannot open %s", path);
	/* a child of an agent that was killed holds it until it has become another program */
	for (int i = 0; i < LOCK_TRIES && flock(a->lock, LOCK_EX | LOCK_NB) < 0; i++) {
		const struct timespec pause = {.tv_nsec = LOCK_PAUSE};

		if (i < LOCK_TRIES - 1)
			nanosleep(&pause, NULL);
		else
			return err_set(e, ERR_EXISTS, "an agent is running with %s: stop it first",
				dir_of(a->o));
	}
	return 0;
}

/* The kernel's WireGuard, else the engine; a name in the options settles it. */
static int open_backend(struct agent *a, struct err *e)
{
	const char *want = a->o->backend;
	bool userspace = want != NULL && strcmp(want, "userspace") == 0;

	if (a->o->wg != NULL) {
		a->wg = a->o->wg;
		return 0;
	}
	if (want != NULL && !userspace && strcmp(want, "kernel") != 0)
		return err_field(e, ERR_INVALID, "backend",
			"\"%.32s\" is not a backend: kernel or userspace", want);
	if (!userspace) {
		int rc = wg_kernel_new(&a->wg, e);

		if (rc < 0 && (want != NULL || rc != ERR_UNSUPPORTED))
			return rc;
	}
	if (a->wg == NULL)
		a->wg = wg_userspace_new(a->o->run_dir, a->o->engine, dir_of(a->o));
	log_info("backend chosen", LOG_KV_STR("backend", a->wg->ops->name));
	return 0;
}

static void names_changed(void *arg);

static int open_machine(struct agent *a, struct err *e)
{
	const struct machine_ops *ops = a->o->machine;
	void *ctx = a->o->machine_ctx;
	int rc = identity_load(dir_of(a->o), &a->identity, e);

	if (rc == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND,
			"this machine has not joined a fleet: warren agent join https://HOST:8444");
	if (rc == 0)
		rc = take_lock(a, e);
	if (rc == 0)
		rc = identity_sweep(dir_of(a->o), e);
	if (rc == 0)
		rc = open_backend(a, e);
	if (rc < 0)
		return rc;
	if (ops == NULL) {
		rc = sole_take(&a->sole, a->o->run_dir, e);
		if (rc < 0)
			return rc;
		a->net = machine_net_new(a->o->hosts_path, e);
		if (a->net == NULL)
			return e != NULL && e->code != 0 ? e->code : ERR_SYSTEM;
		ops = &machine_net_ops;
		ctx = a->net;
	}
	a->resolver = resolver_new(a->loop, a->clock, names_changed, a);
	return machine_init(&a->machine, a->wg, ops, ctx, a->clock, &a->identity, a->resolver, e);
}

static void close_machine(struct agent *a)
{
	machine_done(&a->machine);
	resolver_free(a->resolver);
	machine_net_free(a->net);
	if (a->wg != NULL && a->wg != a->o->wg)
		a->wg->ops->free(a->wg);
	identity_done(&a->identity);
	sole_done(&a->sole);
	if (a->lock >= 0)
		close(a->lock);
}

/* --- timers -------------------------------------------------------------------------------------
 */

static void schedule_expiry(struct agent *a)
{
	msec left = EXPIRY_LOOK;

	if (a->core.deadline != 0) {
		left = a->core.deadline - clock_wall(a->clock);
		left = left < 0 ? 0 : left > EXPIRY_LOOK ? EXPIRY_LOOK : left;
	}
	loop_timer_set(a->expiry, left, 0);
}

static void schedule_look(struct agent *a)
{
	msec wait = paths_wait(&a->core.paths);

	a->looking = wait > 0;
	if (a->looking)
		loop_timer_set(a->look, wait, 0);
}

static void schedule_rotate(struct agent *a, msec took)
{
	msec now = clock_mono(a->clock), each;

	if (!rotate_pending(&a->core)) {
		a->rotating_since = 0;
		loop_timer_stop(a->rotate);
		return;
	}
	if (a->rotating_since == 0)
		a->rotating_since = now == 0 ? 1 : now;
	each = (now - a->rotating_since) / ROTATE_SLOWER;
	each = each < ROTATE_LOOK || a->core.heard.n > 0 ? ROTATE_LOOK
		: each > ROTATE_LOOK_MAX                 ? ROTATE_LOOK_MAX
							 : each;
	loop_timer_set(a->rotate, each > 10 * took ? each : 10 * took, 0);
}

static void on_cross(void *arg)
{
	struct agent *a = arg;

	if (cross_look(&a->machine, &a->core.desired.items))
		loop_timer_set(a->cross, CROSS_LOOK, 0);
}

/* Something was applied: say so, and see to what waits for calm. */
static void after_change(void *arg)
{
	struct agent *a = arg;

	schedule_expiry(a);
	if (a->names != NULL)
		loop_timer_set(a->names_due, NAMES_DELAY, 0);
	if (!core_take_changed(&a->core))
		return;
	a->names_stale = true;
	schedule_rotate(a, 0);
	if (a->machine.crosses.n > 0)
		loop_timer_set(a->cross, CROSS_LOOK, 0);
	loop_timer_set(a->settle, SETTLE, 0);
	if (!a->looking) /* there may be something to look at now; changes never put a look off */
		loop_timer_set(a->look, PATH_LOOK_FLOW, 0);
	a->looking = true;
	loop_timer_set(a->gate, GATE_LOOK, 0);
	beat_soon(&a->beat);
}

static void names_changed(void *arg)
{
	struct agent *a = arg;

	loop_timer_set(a->settle, SETTLE, 0);
}

static void schedule_reconcile(struct agent *a)
{
	msec each = a->o->interval == 0         ? INTERVAL
		: a->o->interval < INTERVAL_MIN ? INTERVAL_MIN
						: a->o->interval;

	loop_timer_set(a->reconcile,
		each - each / 10 + (msec)rand_below(&a->rand, (uint64_t)(each / 5) + 1), 0);
}

static void reconcile_now(struct agent *a)
{
	struct core_corrections drift = {0};
	struct err e = {0};

	/* failures are logged where they become news, and tried again next time */
	if (core_reconcile(&a->core, &drift, &e) < 0)
		log_debug("reconcile failed", LOG_KV_STR("error", e.text));
	if (drift.n > 0)
		beat_drift(&a->beat, &drift);
	core_corrections_done(&drift);
	after_change(a);
	schedule_reconcile(a);
}

static void on_reconcile(void *arg)
{
	reconcile_now(arg);
}

static void on_expiry(void *arg)
{
	struct agent *a = arg;

	core_expire(&a->core);
	after_change(a);
}

static void on_look(void *arg)
{
	struct agent *a = arg;

	if (core_choose(&a->core) & PATHS_MOVED)
		beat_soon(&a->beat);
	schedule_look(a);
}

static void on_rotate(void *arg)
{
	struct agent *a = arg;
	msec before = clock_mono(a->clock), took;

	if (rotate_look(&a->core) > 0)
		after_change(a);
	took = clock_mono(a->clock) - before;
	schedule_rotate(a, took);
}

static void schedule_gate(struct agent *a)
{
	msec wait = gate_wait(&a->beat.gate);

	if (wait > 0)
		loop_timer_set(a->gate, wait, 0);
}

static void on_gate(void *arg)
{
	struct agent *a = arg;

	if (gate_look(&a->beat.gate)) {
		after_change(a);
		beat_now(&a->beat);
	}
	beat_gate(&a->beat);
	schedule_gate(a);
}

static void on_settle(void *arg)
{
	core_settle(&((struct agent *)arg)->core);
}

/* Answer for the domains of desired state. What is in the way is part of the deploy state, which a
 * reconcile says. */
static void on_names_due(void *arg)
{
	struct agent *a = arg;
	struct err e = {0};
	const char *was = a->core.service_error, *is;
	struct state force = {.revision = a->core.desired.revision};

	core_effective(&a->core, &force.items);
	is = names_update(a->names, &force, a->names_stale, &e) < 0 ? e.text : NULL;
	VEC_DONE(&force.items); /* borrowed */
	a->names_stale = false;
	if (names_wait(a->names) > 0)
		loop_timer_set(a->names_due, names_wait(a->names), 0);
	if ((was == NULL) == (is == NULL) && (was == NULL || strcmp(was, is) == 0))
		return;
	mem_free(a->core.service_error);
	a->core.service_error = mem_strdup(is);
	reconcile_now(a);
	beat_soon(&a->beat);
}

static void on_new_responder(void *arg)
{
	struct agent *a = arg;

	if (a->names == NULL)
		return;
	names_responder_is_new(a->names);
	loop_timer_set(a->names_due, 0, 0);
}

static void start_names(struct agent *a)
{
	struct responder_link link;

	if (a->net == NULL)
		return;
	if (!a->o->split)
		a->responder = responder_new(a->loop, a->clock);
	link = a->o->split ? courier_link(a->courier, on_new_responder, a)
			   : responder_link(a->responder);
	a->names = names_new(&link);
}

/* --- hooks --------------------------------------------------------------------------------------
 */

static void reconcile_soon(void *arg)
{
	struct agent *a = arg;

	loop_timer_set(a->reconcile, 0, 0); /* several requests are one */
}

static void on_asked_to_reconcile(void *arg)
{
	struct agent *a = arg;

	sync_fetch(&a->sync);
	reconcile_soon(a);
}

static bool has_own_interface(const struct state *desired, const char *network)
{
	VEC_FOREACH (i, &desired->items)
		if ((*i)->kind == ITEM_INTERFACE && (*i)->interface.sealed_key == NULL &&
			strcmp((*i)->network, network) == 0)
			return true;
	return false;
}

/* A new key for the network's interface with a key of our own; it acts once a desired state names
 * it. Without such an interface (a gateway alone has its group's) no state would: at once. */
static void rotate_key(void *arg, const char *network)
{
	struct agent *a = arg;
	struct public_key key;
	struct err e = {0};
	int r = has_own_interface(&a->core.desired, network)
		? keyring_next(&a->identity, network, &key, &e)
		: keyring_renew(&a->identity, network, &key, &e);

	if (r < 0)
		log_error("key not rotated", LOG_KV_STR("error", e.text));
	else
		beat_announce(&a->beat, network, &key);
}

static void ask_which_keys(void *arg)
{
	beat_now(&((struct agent *)arg)->beat);
}

static void announce(void *arg, const char *network, const struct public_key *key)
{
	beat_announce(&((struct agent *)arg)->beat, network, key);
}

/* SIGUSR1, SIGHUP: reconcile now, as an operator who changed something by hand may want. */
static void on_again(int signum, void *arg)
{
	reconcile_soon(arg);
}

static void on_spawn_lost(void *arg)
{
	struct agent *a = arg;

	a->spawn_lost = true;
	loop_stop(a->loop);
}

/* The loop turns. */
static void on_watchdog(void *arg)
{
	notify_send("WATCHDOG=1");
}

static void on_signal(int signum, void *arg)
{
	notify_send("STOPPING=1");
	loop_stop(((struct agent *)arg)->loop);
}

/* --- run ----------------------------------------------------------------------------------------
 */

static void tear_down(struct machine *m)
{
	struct apply_result r = {0};
	CLEANUP(buf_done) struct buf text = {0};

	apply_teardown(m, &r);
	apply_summary(&r, &text);
	if (r.failures > 0)
		log_error("not all could be taken down", LOG_KV_STR("error", buf_str(&text)));
	apply_result_done(&r);
}

static void turn(struct agent *a)
{
	struct sync_hooks sync = {reconcile_soon, after_change, ask_which_keys, a};
	struct beat_hooks beat = {on_asked_to_reconcile, rotate_key, a};

	struct wire_carrier carrier;

	if (a->o->split) {
		a->courier = courier_new(a->loop, a->clock, processes_start_net, &a->processes,
			a->resolver, &carrier);
		processes_watch(&a->processes, a->loop, on_spawn_lost, a);
	} else {
		direct_init(&a->direct, a->loop, &carrier);
	}
	wire_init(&a->wire, &a->identity, &carrier);
	beat_init(&a->beat, a->loop, &a->wire, &a->core,
		a->o->version == NULL ? "0" : a->o->version, &beat);
	declaration_init(&a->beat.declaration, &a->wire, &a->o->gateway, dir_of(a->o));
	sync_init(&a->sync, a->loop, &a->wire, &a->core, a->clock, &sync);
	a->machine.announce = announce;
	a->machine.announce_arg = a;
	a->machine.on_hung = reconcile_soon;
	a->machine.hung_arg = a;
	a->reconcile = loop_timer_new(a->loop, on_reconcile, a);
	a->expiry = loop_timer_new(a->loop, on_expiry, a);
	a->settle = loop_timer_new(a->loop, on_settle, a);
	a->look = loop_timer_new(a->loop, on_look, a);
	a->gate = loop_timer_new(a->loop, on_gate, a);
	a->rotate = loop_timer_new(a->loop, on_rotate, a);
	a->cross = loop_timer_new(a->loop, on_cross, a);
	a->names_due = loop_timer_new(a->loop, on_names_due, a);
	start_names(a);
	if (a->net != NULL)
		vigil_init(&a->vigil, a->loop, &a->machine, a->net, reconcile_soon, a);
	a->names_stale = true;
	loop_signal(a->loop, SIGTERM, on_signal, a);
	loop_signal(a->loop, SIGINT, on_signal, a);
	loop_signal(a->loop, SIGUSR1, on_again, a);
	loop_signal(a->loop, SIGHUP, on_again, a);
	reconcile_now(a); /* from the cache, before anybody is asked */
	schedule_rotate(a, 0);
	sync_start(&a->sync);
	beat_soon(&a->beat);
	a->watchdog = loop_timer_new(a->loop, on_watchdog, a);
	if (notify_watchdog() > 0)
		loop_timer_set(a->watchdog, 0, notify_watchdog());
	notify_send("READY=1");
	if (a->o->started != NULL)
		a->o->started(a->o->started_arg, a->loop);
	loop_run(a->loop);
	if (a->net != NULL)
		vigil_done(&a->vigil);
	sync_done(&a->sync);
	beat_done(&a->beat);
	wire_done(&a->wire);
	a->names = names_free(a->names);
	a->responder = responder_free(a->responder);
	courier_free(a->courier);
	if (!a->o->split)
		direct_done(&a->direct);
	loop_timer_free(a->names_due);
	loop_timer_free(a->reconcile);
	loop_timer_free(a->expiry);
	loop_timer_free(a->settle);
	loop_timer_free(a->look);
	loop_timer_free(a->gate);
	loop_timer_free(a->rotate);
	loop_timer_free(a->cross);
	loop_timer_free(a->watchdog);
	a->machine.announce = NULL;
	a->machine.on_hung = NULL;
}

/* Before anything is read or opened. */
static int split(struct agent *a, struct err *e)
{
	const struct spawn_options o = {
		.engine = a->o->engine == NULL ? WG_ENGINE : a->o->engine,
		.net_argv = a->o->net_argv,
		.net = a->o->net == NULL ? net_process : a->o->net,
	};

	return processes_start(&a->processes, &o, dir_of(a->o), e);
}

int agent_run(const struct agent_options *o, struct err *e)
{
	struct agent a = {.o = o, .clock = &clock_real, .lock = -1};
	int rc;

	crypto_init();
	if (o->split && split(&a, e) < 0)
		return e->code;
	rand_bytes(&a.rand.state, sizeof(a.rand.state));
	a.loop = loop_new();
	rc = open_machine(&a, e);
	if (rc == 0)
		rc = core_init(&a.core, &a.identity, &a.machine, a.clock, e);
	if (rc == 0) {
		turn(&a);
		core_flush(&a.core);
		if (o->teardown_on_exit)
			tear_down(&a.machine);
		if (a.spawn_lost)
			rc = err_set(e, ERR_UNAVAILABLE,
				"the spawn process has ended: the agent must start again; tunnels "
				"stay up");
	}
	if (a.core.machine != NULL)
		core_done(&a.core);
	close_machine(&a);
	processes_stop(&a.processes);
	loop_free(a.loop);
	return rc;
}

int agent_down(const struct agent_options *o, struct err *e)
{
	struct agent a = {.o = o, .clock = &clock_real, .lock = -1};
	struct apply_result r = {0};
	CLEANUP(buf_done) struct buf text = {0};
	int rc;

	crypto_init();
	rc = open_machine(&a, e);
	if (rc == 0) {
		apply_teardown(&a.machine, &r);
		apply_summary(&r, &text);
		if (r.failures > 0)
			rc = err_set(e, ERR_SYSTEM, "%s", buf_str(&text));
		apply_result_done(&r);
	}
	close_machine(&a);
	return rc;
}

/* Best effort: a fleet that is gone must not keep anybody from leaving it. */
static void deregister(const char *dir)
{
	CLEANUP(identity_done) struct identity id = {0};
	CLEANUP(buf_wipe) struct buf bearer = {0};
	AUTOFREE char *path = NULL;
	struct http_response r = {0};
	struct err e = {0};

	if (identity_load(dir, &id, &e) < 0)
		return;
	path = mem_printf("/v1/nodes/%s/deregister", id.node);
	identity_bearer(&id, &bearer);
	{
		struct http_target t = {.base = id.url, .pins = id.pins};
		struct http_send send = {.method = "POST",
			.path = path,
			.bearer = buf_str(&bearer),
			.body = "{}",
			.body_len = 2};

		if (http_call_wait(&t, &send, &r, &e) < 0)
			log_warn("the control plane was not told", LOG_KV_STR("error", e.text));
		else if (r.status >= 300)
			log_warn("the control plane refused", LOG_KV_INT("status", r.status));
	}
	http_response_done(&r);
}

int agent_leave(const struct agent_options *o, struct err *e)
{
	int rc = agent_down(o, e);

	if (rc < 0)
		return rc;
	deregister(dir_of(o));
	return identity_remove(dir_of(o), e);
}
