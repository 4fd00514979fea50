/* DOC: stream and state; see sync.h. */
#include "agent/sync.h"

#include "agent/events.h"
#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define BASE_DELAY 1000
#define BASE_MIN 100
#define MAX_DELAY (15 * 1000)
#define RETRY_AFTER_MAX (10 * 60 * 1000)
#define DEAD_AFTER (45 * 1000)     /* three missed comments */
#define SETTLED (15 * 1000)        /* a stream this old was a good one: start over */
#define POLL_AFTER (5 * 60 * 1000) /* without a stream */
#define POLL_EACH (60 * 1000)
#define PINS_EACH (60 * 1000)
#define REJOIN_RETRY (5 * 60 * 1000) /* after 401 */

static void next(struct sync *s);

/* delay +-25 % */
static msec jitter(msec delay, struct rand *r)
{
	return delay - delay / 4 + (msec)rand_below(r, (uint64_t)(delay / 2) + 1);
}

msec sync_backoff(unsigned attempt, msec base, msec retry_after, struct rand *r)
{
	msec delay = base;

	while (attempt-- > 0 && delay < MAX_DELAY)
		delay *= 2;
	delay = jitter(delay < MAX_DELAY ? delay : MAX_DELAY, r);
	if (retry_after > RETRY_AFTER_MAX)
		retry_after = RETRY_AFTER_MAX;
	/* never sooner than asked for, and not all at the same moment */
	if (retry_after > delay)
		delay = retry_after + (msec)rand_below(r, (uint64_t)(retry_after / 4) + 1);
	return delay;
}

static void wait_for(struct sync *s, msec delay)
{
	s->waiting = true;
	loop_timer_set(s->retry, delay, 0);
}

/* Something failed or ended: try again later, and poll when the stream has been away for long. */
static void back_off(struct sync *s, msec retry_after)
{
	msec now = clock_mono(s->clock);

	if (!s->open && now - s->alive_at >= POLL_AFTER && now - s->polled_at >= POLL_EACH) {
		s->want_state = s->polling = true;
		s->polled_at = now;
	}
	wait_for(s, sync_backoff(s->attempt++, s->base, retry_after, &s->rand));
}

static void on_flush(void *arg)
{
	struct sync *s = arg;

	core_flush(s->core);
	s->hooks.applied(s->hooks.arg);
}

static bool has_tunnels(const struct sync *s)
{
	VEC_FOREACH (i, &s->core->desired.items)
		if ((*i)->kind == ITEM_INTERFACE)
			return true;
	return false;
}

/* A node that is removed while it is connected is told to take its interfaces down before it is not
 * known any more; one whose place another machine took, or that was away then, keeps them. */
static void say_unknown(struct sync *s)
{
	const char *url = s->wire->identity->url;

	if (s->core->pending != 0)
		on_flush(s); /* told already, and about to be done */
	if (has_tunnels(s))
		log_error("the control plane does not know this machine any more; tunnels stay up. "
			  "To take the node's place again: warren agent join --again URL with a "
			  "token for it (warren token add --kind join --node NAME), then restart "
			  "the agent; to give it up: warren agent leave",
			LOG_KV_STR("url", url));
	else
		log_error("the control plane does not know this machine any more; no tunnels are "
			  "left. If the node was removed: warren agent leave, then warren agent "
			  "join URL with a new token",
			LOG_KV_STR("url", url));
}

static void unauthorized(struct sync *s)
{
	if (!s->unauthorized)
		say_unknown(s);
	s->unauthorized = true;
	s->want_state = false;
	wait_for(s, jitter(REJOIN_RETRY, &s->rand));
}

static void need_pins(struct sync *s)
{
	msec now = clock_mono(s->clock);

	if (s->pins_at == 0 || now - s->pins_at >= PINS_EACH) {
		s->want_pins = true;
		s->pins_at = now == 0 ? 1 : now;
	}
}

/* --- pins --------------------------------------------------------------------------------------
 */

static void pins_done_cb(void *arg, struct http_response *r, const struct err *e)
{
	struct sync *s = arg;
	struct err why = {0};

	s->call = NULL;
	s->want_pins = false;
	if (r == NULL) {
		s->pins_at = 0; /* that one does not count: nobody was there */
		log_debug("pins not fetched", LOG_KV_STR("error", e->text));
	} else if (wire_take_pins(s->wire, r, clock_wall(s->clock), &why) < 0) {
		log_error("pins refused", LOG_KV_STR("error", why.text));
	}
	next(s);
}

/* --- state -------------------------------------------------------------------------------------
 */

static void state_failed(struct sync *s, const struct err *e, msec retry_after)
{
	log_warn("state not fetched", LOG_KV_STR("error", e->text));
	if (s->polling)
		s->want_state = s->polling = false; /* the stream's turn */
	back_off(s, retry_after);
}

static void state_done_cb(void *arg, struct http_response *r, const struct err *e)
{
	struct sync *s = arg;
	struct err why = {0};
	uint64_t before = core_revision(s->core);
	int rc;

	s->call = NULL;
	if (r == NULL) {
		need_pins(s); /* its certificate may have changed */
		state_failed(s, e, 0);
		return;
	}
	if (r->status == 401) {
		unauthorized(s);
		return;
	}
	if (r->status != 200 && r->status != 304) {
		wire_problem(r, "state", &why);
		state_failed(s, &why, r->retry_after);
		return;
	}
	rc = events_take_state(s->core, r->status == 200 ? buf_str(&r->body) : NULL, r->body.len,
		http_response_header(r, STATE_HEAD), s->nonce, &why);
	s->whole = rc == ERR_STALE;
	if (rc < 0) {
		need_pins(s); /* the signing key may have changed */
		state_failed(s, &why, 0);
		return;
	}
	s->want_state = s->polling = s->unauthorized = false;
	if (core_revision(s->core) != before)
		s->hooks.applied(s->hooks.arg);
	next(s);
}

static void fetch_state(struct sync *s)
{
	AUTOFREE char *suffix = NULL;
	AUTOFREE char *match = NULL;
	uint64_t revision = core_revision(s->core);
	uint8_t random[16];
	const char *headers[] = {NULL, NULL};

	rand_bytes(random, sizeof(random));
	text_hex(random, sizeof(random), s->nonce);
	suffix = mem_printf("/state?nonce=%s", s->nonce);
	match = mem_printf("If-None-Match: \"%" PRIu64 "\"", revision);
	/* closed parts may be open by now: what an update of the agent can do is in no revision */
	if (revision != 0 && !s->whole && s->core->lacks.n == 0)
		headers[0] = match;
	s->call = wire_send(s->wire, "GET", suffix, headers, NULL, state_done_cb, s);
}

/* --- stream ------------------------------------------------------------------------------------
 */

static void on_open(void *arg)
{
	struct sync *s = arg;

	s->open = true;
	s->unauthorized = false;
	s->opened_at = s->alive_at = clock_mono(s->clock);
	log_info("connected", LOG_KV_STR("url", s->wire->identity->url),
		LOG_KV_INT("revision", core_revision(s->core)));
	s->hooks.connected(s->hooks.arg);
}

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	struct sync *s = arg;
	struct err e = {0};
	int bits = events_take(s->core, data, n, &e);

	s->alive_at = clock_mono(s->clock);
	wire_verdict(s->wire,
		bits < 0                            ? WIRE_FORGED
			: (bits & EVENT_FLUSH) != 0 ? WIRE_NEWS
						    : WIRE_OLD);
	if (bits < 0) {
		log_error("event refused", LOG_KV_STR("error", e.text));
		if (bits == ERR_CORRUPT)
			need_pins(s);
		/* whatever it was, the signed state says what holds */
		bits = EVENT_FETCH;
	}
	if ((bits & EVENT_FLUSH) != 0)
		loop_timer_set(s->flush, 0, 0);
	if ((bits & EVENT_ROTATE_KEYS) != 0)
		s->hooks.rotate_keys(s->hooks.arg);
	if ((bits & EVENT_PINS) != 0)
		s->want_pins = true; /* signed by who may say so: no need to hold back */
	if ((bits & EVENT_FETCH) != 0)
		s->want_state = true;
	if (s->want_state || s->want_pins)
		next(s);
}

static void on_retry(void *arg, msec base)
{
	struct sync *s = arg;

	s->base = base < BASE_MIN ? BASE_MIN : base > MAX_DELAY ? MAX_DELAY : base;
}

static void on_end(void *arg, int status, msec retry_after, const struct err *e)
{
	struct sync *s = arg;
	msec now = clock_mono(s->clock);

	s->stream = NULL;
	if (s->open) {
		s->alive_at = now;
		if (now - s->opened_at >= SETTLED)
			s->attempt = 0; /* a clean close backs off, too */
		log_info("disconnected", LOG_KV_STR("reason", e == NULL ? "closed" : e->text));
	} else if (status == 0) {
		need_pins(s);
	}
	s->open = false;
	if (status == 401) {
		unauthorized(s);
		return;
	}
	back_off(s, retry_after);
}

static void open_stream(struct sync *s)
{
	char last[24];
	struct http_events handlers = {.on_open = on_open,
		.on_event = on_event,
		.on_retry = on_retry,
		.on_end = on_end,
		.arg = s};

	snprintf(last, sizeof(last), "%" PRIu64, core_revision(s->core));
	s->stream = wire_events(s->wire, last, DEAD_AFTER, &handlers);
}

/* --- order -------------------------------------------------------------------------------------
 */

static void next(struct sync *s)
{
	if (s->call != NULL || s->waiting)
		return;
	if (s->want_pins)
		s->call = wire_ask_pins(s->wire, pins_done_cb, s);
	else if (s->want_state)
		fetch_state(s);
	else if (s->stream == NULL)
		open_stream(s);
}

static void on_retry_timer(void *arg)
{
	struct sync *s = arg;

	s->waiting = false;
	next(s);
}

void sync_init(struct sync *s, struct loop *l, struct wire *wire, struct core *core,
	const struct clock *clock, const struct sync_hooks *hooks)
{
	*s = (struct sync){.wire = wire,
		.core = core,
		.clock = clock,
		.hooks = *hooks,
		.base = BASE_DELAY,
		.alive_at = clock_mono(clock)};
	rand_bytes(&s->rand.state, sizeof(s->rand.state));
	s->retry = loop_timer_new(l, on_retry_timer, s);
	s->flush = loop_timer_new(l, on_flush, s);
}

void sync_done(struct sync *s)
{
	if (s->call != NULL)
		wire_cancel(s->wire, s->call);
	if (s->stream != NULL)
		wire_cancel(s->wire, s->stream);
	loop_timer_free(s->retry);
	loop_timer_free(s->flush);
	*s = (struct sync){0};
}

void sync_start(struct sync *s)
{
	s->want_state = true;
	next(s);
}

void sync_fetch(struct sync *s)
{
	s->want_state = true;
	next(s);
}
