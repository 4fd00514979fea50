/*
 * DOC: a net process that is not ours any more, against a real apply process: confined, with a
 * machine in memory. It knows all that net knows (bearer, nonces) and sends what it likes. Nothing
 * unsigned is installed, apply lives and keeps turning, its memory stays bounded, and no secret
 * ever came by. The agent runs in a child; all three share a page to tell each other what they saw.
 */
#include "fake.h"

#include "agent/agent.h"
#include "agent/message.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "codec/envelope.h"
#include "codec/state.h"
#include "crypto/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define HEARD_MAX ((size_t)1 << 20)
#define EVIL 66 /* number of a peer that nobody signed */
#define OTHER "node_00000000000000000000000000000002"
#define DEADLINE 300 /* seconds, for one attack */

struct attack;
struct shared {
	const struct attack *attack;
	atomic_uint starts; /* of net */
	atomic_uint ticks;  /* of apply's loop */
	atomic_bool done;   /* net has seen what it wanted */
	atomic_bool evil;
	atomic_size_t peers;
	atomic_long rss; /* KiB */
	size_t heard_n;
	char heard[HEARD_MAX];
};
static struct shared *shared;
static struct secret signing;
static struct secret own = {{42}}; /* the intruder's */

/* --- the intruder's side of the channel
 * ------------------------------------------------------------ */

struct frame {
	uint32_t type, id, n;
};

/* False when apply has closed. */
static bool read_all(int fd, void *to, size_t n)
{
	for (char *at = to; n > 0;) {
		ssize_t r = recv(fd, at, n, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		at += r;
		n -= (size_t)r;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t n)
{
	for (const char *at = from; n > 0;) {
		ssize_t r = send(fd, at, n, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		at += r;
		n -= (size_t)r;
	}
	return true;
}

static bool hear(int fd, struct frame *f, struct buf *data)
{
	buf_reset(data);
	if (!read_all(fd, f, sizeof(*f)) || !read_all(fd, buf_room(data, f->n + 1), f->n))
		return false;
	data->len = f->n;
	data->data[f->n] = '\0';
	if (shared->heard_n + f->n <= HEARD_MAX) {
		memcpy(shared->heard + shared->heard_n, data->data, f->n);
		shared->heard_n += f->n;
	}
	return true;
}

static bool say(int fd, uint32_t type, uint32_t id, const void *data, size_t n)
{
	const struct frame f = {type, id, (uint32_t)n};

	return write_all(fd, &f, sizeof(f)) && write_all(fd, data, n);
}

static bool say_answer(int fd, uint32_t type, uint32_t id, const struct message_answer *m)
{
	CLEANUP(buf_done) struct buf out = {0};

	message_put_answer(&out, m);
	return say(fd, type, id, out.data, out.len);
}

static void until_closed(int fd)
{
	char c[4096];

	while (recv(fd, c, sizeof(c), 0) > 0)
		;
}

/* --- what a control plane says, true or not
 * -------------------------------------------------------- */

struct claim {
	const char *node;
	uint64_t revision;
	const struct secret *seed;
	unsigned peer; /* besides peer 1 */
	const char *nonce;
};

static void answer_state(int fd, uint32_t id, const struct claim *c, bool unchanged)
{
	CLEANUP(buf_done) struct buf body = {0};
	CLEANUP(buf_done) struct buf line = {0};
	struct state_head h = {.node = mem_strdup(c->node),
		.revision = c->revision,
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_strdup(c->nonce)};
	struct message_answer m = {.status = unchanged ? 304 : 200};
	struct state s;

	state_base(&s, c->revision);
	id_copy(s.node, c->node);
	state_put(&s, peer_make(1, 1));
	if (c->peer != 0)
		state_put(&s, peer_make(c->peer, c->peer));
	state_write(&body, &s);
	state_done(&s);
	hash_sha256_hex(body.data, body.len, h.sha256);
	state_head_sign(&h, c->seed);
	state_head_write(&h, &line);
	state_head_done(&h);
	m.head = buf_str(&line);
	m.body = unchanged ? NULL : body.data;
	m.body_n = unchanged ? 0 : body.len;
	say_answer(fd, MESSAGE_ANSWER, id, &m);
}

static void make_event(struct buf *out, const char *node, uint64_t previous, unsigned peer,
	const struct secret *seed)
{
	struct delta d = {.previous = previous, .revision = previous + 1};
	struct buf payload = {0};
	struct envelope v = {.event_type = mem_strdup("peer_added"),
		.event_id = mem_printf("%" PRIu64, d.revision),
		.issued_at = mem_strdup("2026-01-01T00:00:00Z"),
		.nonce = mem_printf("%s:%" PRIu64 ":x", node, previous)};

	VEC_PUSH(&d.put, peer_make(peer, peer));
	delta_write(&payload, &d);
	v.payload = buf_take(&payload);
	if (envelope_sign(&v, seed, NULL) < 0 || envelope_write(&v, out) < 0)
		abort();
	envelope_done(&v);
	delta_done(&d);
}

static bool send_event(int fd, uint32_t stream, const char *node, uint64_t previous, unsigned peer,
	const struct secret *seed)
{
	CLEANUP(buf_done) struct buf text = {0};

	make_event(&text, node, previous, peer, seed);
	return say(fd, MESSAGE_EVENT, stream, text.data, text.len);
}

/* What apply asked last. */
struct asked {
	uint32_t id;
	char path[256], nonce[64];
	bool unchanged; /* it has a state and asks for a newer one */
	uint64_t applied;
};

/* Behave until apply asks for something that starts with want ("stream" = opens the stream).
 * False when it has closed the channel. */
static bool until(int fd, const char *want, uint64_t revision, struct asked *ret)
{
	CLEANUP(buf_done) struct buf data = {0};
	const struct message_answer ok = {.status = 200, .body = "{}", .body_n = 2};
	const struct message_answer no = {.code = ERR_UNAVAILABLE, .text = "no"};
	struct frame f;

	while (hear(fd, &f, &data)) {
		struct message_call c;
		const char *nonce, *suffix;

		*ret = (struct asked){.id = f.id};
		if (f.type == MESSAGE_STREAM && strcmp(want, "stream") == 0)
			return true;
		if (f.type != MESSAGE_CALL)
			continue;
		if (message_get_call(data.data, data.len, &c, NULL) < 0)
			abort();
		snprintf(ret->path, sizeof(ret->path), "%s", c.path);
		suffix =
			strstr(c.path, NODE) == NULL ? c.path : strstr(c.path, NODE) + strlen(NODE);
		nonce = strstr(c.path, "nonce=");
		if (nonce != NULL)
			snprintf(ret->nonce, sizeof(ret->nonce), "%s", nonce + 6);
		ret->unchanged = c.headers[0] != NULL;
		if (c.body != NULL && strstr(c.body, "\"applied_revision\":") != NULL)
			ret->applied =
				strtoull(strstr(c.body, "\"applied_revision\":") + 19, NULL, 10);
		if (strncmp(suffix, want, strlen(want)) == 0 &&
			(strcmp(want, "/heartbeat") != 0 || ret->applied >= revision))
			return true;
		if (strncmp(suffix, "/state", 6) == 0)
			answer_state(fd, f.id,
				&(struct claim){NODE, revision, &signing, 0, ret->nonce},
				ret->unchanged);
		else if (strncmp(suffix, "/healthz", 8) == 0)
			say_answer(fd, MESSAGE_FAILED, f.id, &no);
		else
			say_answer(fd, MESSAGE_ANSWER, f.id, &ok);
	}
	return false;
}

/* As a good net process would, up to the open stream, with revision 1 in force. */
static uint32_t open_stream(int fd)
{
	struct asked a;

	if (!until(fd, "stream", 1, &a) || !say(fd, MESSAGE_OPEN, a.id, NULL, 0))
		_exit(9);
	return a.id;
}

/* --- attacks: true when all was seen (net stays until it is ended), false = start me again
 * -------- */

static bool forged_state(int fd)
{
	struct asked a, first;

	if (!until(fd, "/state", 0, &first))
		return false;
	answer_state(fd, first.id, &(struct claim){NODE, 9, &own, EVIL, first.nonce}, false);
	/* it asks again: what it got counts for nothing */
	if (!until(fd, "/state", 0, &a))
		return false;
	/* signed, but for another node */
	answer_state(fd, a.id, &(struct claim){OTHER, 9, &signing, EVIL, a.nonce}, false);
	if (!until(fd, "/state", 0, &a))
		return false;
	/* signed and ours, but an answer to a request of long ago */
	answer_state(fd, a.id, &(struct claim){NODE, 9, &signing, EVIL, first.nonce}, false);
	if (!until(fd, "/state", 0, &a))
		return false;
	{
		const struct message_answer none = {.status = 200, .body = "{}", .body_n = 2};

		say_answer(fd, MESSAGE_ANSWER, a.id, &none); /* not signed at all */
	}
	return until(fd, "/state", 0, &a);
}

static bool unsigned_peer(int fd)
{
	uint32_t stream = open_stream(fd);
	struct asked a;

	send_event(fd, stream, NODE, 1, EVIL, &own);
	if (!until(fd, "/state", 1, &a)) /* refused, it makes sure of the state */
		return false;
	answer_state(fd, a.id, &(struct claim){NODE, 1, &signing, 0, a.nonce}, a.unchanged);
	send_event(fd, stream, OTHER, 1, EVIL, &signing);
	if (!until(fd, "/state", 1, &a))
		return false;
	answer_state(fd, a.id, &(struct claim){NODE, 1, &signing, 0, a.nonce}, a.unchanged);
	/* true ones still work, and are taken once */
	for (int i = 0; i < 3; i++)
		send_event(fd, stream, NODE, 1, 2, &signing);
	return until(fd, "/heartbeat", 2, &a);
}

/* An older state is no state: the peer that came with revision 2 stays. */
static bool older_state(int fd)
{
	uint32_t stream = open_stream(fd);
	struct asked a;

	send_event(fd, stream, NODE, 1, 2, &signing);
	if (!until(fd, "/heartbeat", 2, &a))
		return false;
	say_answer(fd, MESSAGE_ANSWER, a.id,
		&(struct message_answer){.status = 200, .body = "{}", .body_n = 2});
	say(fd, MESSAGE_EVENT, stream, "{}", 2); /* has it fetch the state */
	if (!until(fd, "/state", 2, &a))
		return false;
	answer_state(fd, a.id, &(struct claim){NODE, 1, &signing, 0, "0123456789abcdef"}, false);
	return until(fd, "/state", 2, &a);
}

static bool garbage(int fd)
{
	char bytes[65536];
	uint32_t x = shared->starts;
	struct asked a;

	if (!until(fd, "/state", 0, &a))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(x >> 24);
	}
	write_all(fd, bytes, sizeof(bytes));
	until_closed(fd);
	return shared->starts >= 3;
}

/* A head that announces gigabytes, for a call that is open, and a good head with a bad inside. */
static bool oversized(int fd)
{
	struct asked a;

	if (!until(fd, "/state", 0, &a))
		return false;
	if (shared->starts == 1) {
		const struct frame f = {MESSAGE_ANSWER, a.id, UINT32_MAX};

		write_all(fd, &f, sizeof(f));
	} else if (shared->starts == 2) {
		const int64_t wild[] = {200, 0, INT64_MAX, -1, 77};

		say(fd, MESSAGE_ANSWER, a.id, wild, sizeof(wild));
	} else {
		const struct frame f = {MESSAGE_EVENT, a.id, 100}; /* that is no stream */

		write_all(fd, &f, sizeof(f));
	}
	until_closed(fd);
	return shared->starts >= 3;
}

/* As fast as the socket takes it, until apply has had enough: forged, old, unasked for. */
static bool flood(int fd)
{
	CLEANUP(buf_done) struct buf text = {0};
	uint32_t stream = open_stream(fd);
	char *big = mem_zalloc(1 << 20);
	bool more = true;

	make_event(&text, NODE, 0, EVIL, shared->starts == 1 ? &own : &signing);
	while (more)
		if (shared->starts == 3)
			more = say(fd, MESSAGE_ANSWER, 1, big, 1 << 16); /* answered long ago */
		else
			more = say(fd, MESSAGE_EVENT, stream, text.data, text.len);
	mem_free(big);
	return shared->starts >= 3;
}

/* Streams of a message that never ends, and more names than anybody asked for. */
static bool large(int fd)
{
	struct asked a;
	char *big = mem_zalloc(1 << 20);
	bool more = true;

	memset(big, '[', 1 << 20);
	if (!until(fd, "/state", 0, &a))
		return false;
	if (shared->starts == 1) {
		const struct frame f = {MESSAGE_ANSWER, a.id, 60u << 20};

		write_all(fd, &f, sizeof(f));
		for (int i = 0; i < 60; i++)
			write_all(fd, big, 1 << 20);
	} else {
		CLEANUP(buf_done) struct buf address = {0};

		message_put_address(&address, &(struct message_address){.host = "evil.example"});
		while (more)
			more = say(fd, MESSAGE_ADDRESS, 0, address.data, address.len);
	}
	mem_free(big);
	until_closed(fd);
	return shared->starts >= 2;
}

static const struct attack {
	bool (*fn)(int fd);
	size_t peers; /* that are there afterwards, all signed */
} attacks[] = {{forged_state, 0}, {unsigned_peer, 2}, {older_state, 2}, {garbage, 0},
	{oversized, 0}, {flood, 1}, {large, 0}};

/* In place of net_process. Not confined at all: apply does not rely on that. */
static int play(int fd)
{
	shared->starts++;
	if (shared->attack->fn(fd)) {
		unsigned ticks = shared->ticks;

		while (shared->ticks < ticks + 3) /* apply still turns its loop */
			usleep(10 * 1000);
		shared->done = true;
		until_closed(fd);
	}
	return 0;
}

/* --- apply
 * ------------------------------------------------------------------------------------------ */

struct apply {
	struct world *w;
	struct loop *loop;
	struct loop_timer *timer;
};

static void tick(void *arg)
{
	struct apply *a = arg;
	struct wg_device d = {0};
	struct public_key evil;
	struct rusage usage;

	shared->ticks++;
	if (!shared->done)
		return;
	key_of(EVIL, &evil);
	if (a->w->fake.wg->ops->read(a->w->fake.wg, "warren0", &d, NULL) == 0) {
		shared->peers = d.peers.n;
		VEC_FOREACH (p, &d.peers)
			if (public_key_equal(&p->public_key, &evil))
				shared->evil = true;
	}
	wg_device_done(&d);
	getrusage(RUSAGE_SELF, &usage);
	shared->rss = usage.ru_maxrss;
	loop_stop(a->loop);
}

static void started(void *arg, struct loop *l)
{
	struct apply *a = arg;

	a->loop = l;
	a->timer = loop_timer_new(l, tick, a);
	loop_timer_set(a->timer, 5, 5);
}

static int run_apply(struct world *w)
{
	struct apply a = {.w = w};
	struct agent_options o = {.state_dir = w->dir,
		.wg = w->fake.wg,
		.machine = &fake_ops,
		.machine_ctx = &w->fake,
		.split = true,
		.net = play,
		.started = started,
		.started_arg = &a};
	struct err e = {0};

	log_init("apply", LOG_ERROR + 1);
	alarm(DEADLINE);
	if (agent_run(&o, &e) < 0) {
		fprintf(stderr, "# apply: %s\n", e.text);
		return 1;
	}
	return 0;
}

static void assert_not_heard(const void *secret, size_t n, const char *what)
{
	if (memmem(shared->heard, shared->heard_n, secret, n) != NULL)
		fail_msg("net heard %s", what);
}

/* Neither the node's secret nor a private key came by, as bytes or as text. */
static void assert_no_secret(struct world *w)
{
	CLEANUP(buf_wipe) struct buf bearer = {0};
	AUTOFREE char *path = mem_printf("%s/keys/" NET ".key", w->dir);
	CLEANUP(identity_done) struct identity id = {0};
	CLEANUP(secret_wipe) struct secret key = {0};
	struct err e = {0};
	char text[KEY_TEXT_LEN];

	assert_int_equal(identity_load(w->dir, &id, &e), 0);
	identity_bearer(&id, &bearer);
	/* what it may know is there, so the search finds things */
	assert_non_null(memmem(shared->heard, shared->heard_n, bearer.data, bearer.len));
	assert_not_heard(id.node_secret.bytes, KEY_LEN, "the node's secret");
	key_format_secret(&id.node_secret, text);
	assert_not_heard(text, KEY_TEXT_LEN - 2, "the node's secret");
	if (identity_read_key(path, &key, &e) == 0) {
		assert_not_heard(key.bytes, KEY_LEN, "a private key");
		key_format_secret(&key, text);
		assert_not_heard(text, KEY_TEXT_LEN - 2, "a private key");
	}
}

static void attack(const struct attack *a)
{
	struct world w;
	struct rusage before;
	int status = -1;
	pid_t pid;

	world_init(&w);
	signing = w.signing;
	*shared = (struct shared){.attack = a};
	getrusage(RUSAGE_SELF, &before);
	world_stop(&w); /* the folder is the agent's now */
	pid = fork();
	if (pid == 0)
		_exit(run_apply(&w));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	world_start(&w);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("apply ended with %#x", (unsigned)status);
	assert_true(shared->done);
	assert_false(shared->evil);
	assert_int_equal(shared->peers, a->peers);
	/* one message of the greatest size, its copies, and what a sanitizer keeps for later */
	assert_true(shared->rss - before.ru_maxrss < 768 * 1024);
	assert_no_secret(&w);
	world_done(&w);
}

static void forged_states_are_refused(void **state)
{
	attack(&attacks[0]);
}
static void unsigned_peers_are_refused(void **state)
{
	attack(&attacks[1]);
}
static void older_states_are_refused(void **state)
{
	attack(&attacks[2]);
}
static void garbage_ends_net_only(void **state)
{
	attack(&attacks[3]);
}
static void oversized_frames_end_net_only(void **state)
{
	attack(&attacks[4]);
}
static void floods_end_net_only(void **state)
{
	attack(&attacks[5]);
}
static void large_answers_are_bounded(void **state)
{
	attack(&attacks[6]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_states_are_refused),
		cmocka_unit_test(unsigned_peers_are_refused),
		cmocka_unit_test(older_states_are_refused),
		cmocka_unit_test(garbage_ends_net_only),
		cmocka_unit_test(oversized_frames_end_net_only),
		cmocka_unit_test(floods_end_net_only),
		cmocka_unit_test(large_answers_are_bounded),
	};

	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
