/* DOC: messages between the agent's processes: framing in pieces of any size, limits, ends; and the
 * reading of each kind of message, cut short at every byte. */
#include "agent/channel.h"
#include "agent/message.h"
#include "base/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct end {
	struct loop *loop;
	struct channel *channel;
	struct loop_timer *deadline;
	int raw; /* the other end */
	unsigned messages, ends;
	size_t bytes, stop_at;
	int64_t max;
	uint32_t last_type, last_id;
	struct err why;
	bool free_inside, refuse;
};

static int64_t limit(void *arg, uint32_t type, uint32_t id)
{
	return ((struct end *)arg)->max;
}

static int message(void *arg, const struct channel_message *m, struct err *e)
{
	struct end *x = arg;

	x->messages++;
	x->bytes += m->n;
	x->last_type = m->type;
	x->last_id = m->id;
	assert_int_equal(m->data[m->n], 0);
	for (size_t i = 0; i < m->n; i++)
		if (m->data[i] != (char)(i % 251))
			fail_msg("byte %zu of a message is wrong", i);
	if (x->free_inside)
		x->channel = channel_free(x->channel);
	if (x->messages == x->stop_at)
		loop_stop(x->loop);
	return x->refuse ? err_set(e, ERR_INVALID, "nonsense") : 0;
}

static void ended(void *arg, const struct err *e)
{
	struct end *x = arg;

	x->ends++;
	x->why = *e;
	loop_stop(x->loop);
}

static void too_late(void *arg)
{
	fail_msg("nothing happened");
}

static int setup(void **state)
{
	struct end *x = NEW(struct end);
	const struct channel_handlers h = {limit, message, ended, x, false};
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	x->loop = loop_new();
	x->max = 1 << 20;
	x->raw = fds[1];
	x->channel = channel_new(x->loop, fds[0], &h);
	x->deadline = loop_timer_new(x->loop, too_late, x);
	loop_timer_set(x->deadline, 60000, 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct end *x = *state;

	channel_free(x->channel);
	loop_timer_free(x->deadline);
	loop_free(x->loop);
	close(x->raw);
	mem_free(x);
	return 0;
}

static void put_frame(struct buf *out, uint32_t type, uint32_t id, size_t n)
{
	const uint32_t head[] = {type, id, (uint32_t)n};

	buf_add(out, (const char *)head, sizeof(head));
	for (size_t i = 0; i < n; i++)
		buf_addc(out, (char)(i % 251));
}

static void write_raw(struct end *x, const char *p, size_t n)
{
	assert_int_equal(send(x->raw, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void takes_messages_in_any_pieces(void **state)
{
	struct end *x = *state;
	struct buf all = {0};

	put_frame(&all, 1, 10, 0);
	put_frame(&all, 2, 11, 1);
	put_frame(&all, 3, 12, 100); /* sent byte by byte, all has to fit the socket */
	put_frame(&all, 4, 13, 0);
	for (size_t piece = 1; piece < all.len; piece = piece * 3 + 1) {
		x->messages = 0;
		x->bytes = 0;
		x->stop_at = 4;
		for (size_t at = 0; at < all.len; at += piece)
			write_raw(x, all.data + at, all.len - at < piece ? all.len - at : piece);
		loop_run(x->loop);
		assert_int_equal(x->messages, 4);
		assert_int_equal(x->bytes, 101);
		assert_int_equal(x->last_type, 4);
		assert_int_equal(x->last_id, 13);
	}
	buf_done(&all);
}

static void refuses_before_it_makes_room(void **state)
{
	struct end *x = *state;
	struct buf f = {0};

	x->max = 100;
	put_frame(&f, 1, 1, 101);
	write_raw(x, f.data, 12); /* the head alone is enough */
	loop_run(x->loop);
	assert_int_equal(x->ends, 1);
	assert_int_equal(x->why.code, ERR_DENIED);
	assert_int_equal(x->messages, 0);
	buf_done(&f);
}

static void refuses_what_is_not_expected(void **state)
{
	struct end *x = *state;
	struct buf f = {0};

	x->max = -1;
	put_frame(&f, 1, 1, 0);
	write_raw(x, f.data, f.len);
	loop_run(x->loop);
	assert_int_equal(x->why.code, ERR_DENIED);
	buf_done(&f);
}

static void ends_on_nonsense(void **state)
{
	struct end *x = *state;
	struct buf f = {0};

	x->refuse = true;
	put_frame(&f, 1, 1, 5);
	put_frame(&f, 1, 1, 5);
	write_raw(x, f.data, f.len);
	loop_run(x->loop);
	assert_int_equal(x->messages, 1); /* what followed was not looked at */
	assert_int_equal(x->why.code, ERR_INVALID);
	buf_done(&f);
}

static void tells_the_end_once(void **state)
{
	struct end *x = *state;

	shutdown(x->raw, SHUT_RDWR);
	loop_run(x->loop);
	assert_int_equal(x->ends, 1);
	assert_int_equal(x->why.code, ERR_GONE);
	channel_send(x->channel, 1, 1, NULL); /* into the void */
}

static void can_be_freed_inside_a_handler(void **state)
{
	struct end *x = *state;
	struct buf f = {0};

	x->free_inside = true;
	x->stop_at = 1;
	put_frame(&f, 1, 1, 5);
	put_frame(&f, 1, 1, 5);
	write_raw(x, f.data, f.len);
	loop_run(x->loop);
	assert_int_equal(x->messages, 1);
	assert_int_equal(x->ends, 0);
	buf_done(&f);
}

/* The other end does not read: bounded, and told. */
static void a_full_queue_ends_it(void **state)
{
	struct end *x = *state;
	struct buf big = {0};

	memset(buf_room(&big, 8 << 20), 'x', 8 << 20);
	big.len = 8 << 20;
	for (size_t i = 0; i <= CHANNEL_QUEUE_MAX / big.len + 1; i++)
		channel_send(x->channel, 1, 1, &big);
	loop_run(x->loop);
	assert_int_equal(x->ends, 1);
	assert_int_equal(x->why.code, ERR_EXHAUSTED);
	buf_done(&big);
}

/* --- messages
 * ------------------------------------------------------------------------------------- */

/* Every shorter form of the bytes is refused, and so is one byte more. Each is copied to memory of
 * its own, so that a read beyond it shows. */
#define REFUSED_WHEN_CUT(get, type, b)                                              \
	for (size_t n_ = 0; n_ <= (b)->len + 1; n_++) {                             \
		char *cut_ = mem_zalloc(n_ + 1);                                    \
		type got_ = {0};                                                    \
		struct err why_ = {0};                                              \
                                                                                    \
		memcpy(cut_, (b)->data, n_ < (b)->len ? n_ : (b)->len);             \
		if (n_ != (b)->len)                                                 \
			assert_int_equal(get(cut_, n_, &got_, &why_), ERR_INVALID); \
		mem_free(cut_);                                                     \
	}

static void targets_travel(void **state)
{
	const char *const pins[] = {"one", "two"};
	struct message_target m = {"https://h:1", "wnt_x", pins, 2}, got = {0};
	struct buf b = {0};

	message_put_target(&b, &m);
	assert_int_equal(message_get_target(b.data, b.len, &got, NULL), 0);
	assert_string_equal(got.base, m.base);
	assert_string_equal(got.bearer, m.bearer);
	assert_int_equal(got.n_pins, 2);
	assert_string_equal(got.pins[1], "two");
	mem_free((void *)(uintptr_t)got.pins);
	REFUSED_WHEN_CUT(message_get_target, struct message_target, &b);
	buf_done(&b);
}

static void calls_travel(void **state)
{
	struct message_call m = {.method = "POST",
				    .path = "/v1",
				    .headers = {"A: b", "C: d"},
				    .body = "a\0b",
				    .body_n = 3},
			    got = {0};
	struct buf b = {0};

	message_put_call(&b, &m);
	assert_int_equal(message_get_call(b.data, b.len, &got, NULL), 0);
	assert_string_equal(got.method, "POST");
	assert_string_equal(got.headers[1], "C: d");
	assert_null(got.headers[2]);
	assert_false(got.insecure);
	assert_int_equal(got.body_n, 3);
	assert_memory_equal(got.body, m.body, 3);
	REFUSED_WHEN_CUT(message_get_call, struct message_call, &b);
	buf_done(&b);
}

static void answers_travel(void **state)
{
	struct message_answer m = {.status = 200,
				      .retry_after = 5,
				      .head = "{}",
				      .body = "xyz",
				      .body_n = 3,
				      .code = ERR_TIMEOUT,
				      .text = "late"},
			      got = {0};
	struct buf b = {0};

	message_put_answer(&b, &m);
	assert_int_equal(message_get_answer(b.data, b.len, &got, NULL), 0);
	assert_int_equal(got.status, 200);
	assert_int_equal(got.retry_after, 5);
	assert_string_equal(got.head, "{}");
	assert_int_equal(got.body_n, 3);
	assert_int_equal(got.code, ERR_TIMEOUT);
	assert_string_equal(got.text, "late");
	REFUSED_WHEN_CUT(message_get_answer, struct message_answer, &b);
	buf_reset(&b);
	m = (struct message_answer){.status = 304};
	message_put_answer(&b, &m);
	assert_int_equal(message_get_answer(b.data, b.len, &got, NULL), 0);
	assert_null(got.head);
	assert_null(got.body);
	assert_null(got.text);
	buf_done(&b);
}

static void numbers_have_ranges(void **state)
{
	static const struct {
		int64_t status, retry, code;
	} wild[] = {{1000, 0, 0}, {-1, 0, 0}, {200, -1, 0}, {200, INT64_MAX, 0}, {200, 0, 1},
		{200, 0, INT32_MIN}};
	struct message_answer got;

	for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
		struct buf b = {0};

		message_put_number(&b, wild[i].status);
		message_put_number(&b, wild[i].retry);
		message_put_number(&b, UINT32_MAX); /* no head, no body */
		message_put_number(&b, UINT32_MAX);
		message_put_number(&b, wild[i].code);
		message_put_number(&b, UINT32_MAX);
		assert_int_equal(message_get_answer(b.data, b.len, &got, NULL), ERR_INVALID);
		buf_done(&b);
	}
}

static void texts_hold_no_zero_byte(void **state)
{
	struct buf b = {0};
	struct message_address got;

	message_put_number(&b, 3);
	buf_add(&b, "a\0b", 4);
	message_put_number(&b, UINT32_MAX);
	assert_int_equal(message_get_address(b.data, b.len, &got, NULL), ERR_INVALID);
	buf_done(&b);
}

static void addresses_travel(void **state)
{
	struct message_address m = {.host = "gw.example"}, got = {0};
	struct buf b = {0};

	assert_int_equal(addr_parse("2001:db8::1", &m.addr), 0);
	message_put_address(&b, &m);
	assert_int_equal(message_get_address(b.data, b.len, &got, NULL), 0);
	assert_string_equal(got.host, "gw.example");
	assert_int_equal(addr_compare(got.addr, m.addr), 0);
	REFUSED_WHEN_CUT(message_get_address, struct message_address, &b);
	buf_reset(&b);
	m.addr = (struct addr){0};
	message_put_address(&b, &m);
	assert_int_equal(message_get_address(b.data, b.len, &got, NULL), 0);
	assert_false(addr_is_set(got.addr));
	buf_done(&b);
}

/* --- descriptors ------------------------------------------------------------------------------ */

struct taker {
	struct channel *channel;
	struct loop *loop;
	unsigned taken;
	bool ended;
};

/* Each third message brings two, whose places in the order are written on them. */
static int take_two(void *arg, const struct channel_message *m, struct err *e)
{
	struct taker *t = arg;

	for (unsigned i = 0; m->id % 3 == 0 && i < CHANNEL_FDS_MAX; i++) {
		int fd = channel_take_fd(t->channel);
		char c = 0;

		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &c, 1, 0), 1);
		assert_int_equal(c, (char)t->taken++);
		close(fd);
	}
	if (m->type == 99)
		loop_stop(t->loop);
	return 0;
}

static void taker_ended(void *arg, const struct err *e)
{
	struct taker *t = arg;

	t->ended = true;
	loop_stop(t->loop);
}

static int64_t any_size(void *arg, uint32_t type, uint32_t id)
{
	return 1 << 20;
}

/* A file with one byte. */
static int marked(unsigned n)
{
	char name[] = "/tmp/warren-channel-XXXXXX", c = (char)n;
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, &c, 1), 1);
	return fd;
}

/* They come with their message, whatever is queued before and behind it. */
static void descriptors_travel_in_order(void **state)
{
	struct end *x = *state;
	struct taker t = {.loop = x->loop};
	const struct channel_handlers h = {any_size, take_two, taker_ended, &t, true};
	struct buf payload = {0};
	unsigned n = 0;

	t.channel = channel_new(x->loop, dup(x->raw), &h);
	memset(buf_room(&payload, 50000), 'x', 50000);
	for (uint32_t i = 0; i < 60; i++) {
		payload.len = (i % 5) * (i % 7) * 1500; /* none, and more than a socket holds */
		if (i % 3 == 0) {
			int fds[] = {marked(n), marked(n + 1)};

			n += 2;
			channel_send_fds(x->channel, 1, i, &payload, fds, 2);
			close(fds[0]); /* it has copies */
			close(fds[1]);
		} else {
			channel_send(x->channel, 1, i, &payload);
		}
	}
	channel_send(x->channel, 99, 1, NULL);
	loop_run(x->loop);
	assert_false(t.ended);
	assert_int_equal(t.taken, n);
	assert_int_equal(channel_queued(x->channel), 0);
	channel_free(t.channel);
	buf_done(&payload);
}

static void send_raw_fds(struct end *x, const struct buf *frame, int fd, unsigned times)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec part = {frame->data, 1};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	for (unsigned i = 0; i < times; i++) {
		assert_int_equal(sendmsg(x->raw, &m, MSG_NOSIGNAL), 1);
		part.iov_base = (char *)part.iov_base + 1;
	}
	write_raw(x, frame->data + times, frame->len - times);
}

/* Who takes none gets none: not even one that stays open behind its back. */
static void descriptors_nobody_takes_are_closed(void **state)
{
	struct end *x = *state;
	struct buf f = {0};
	int ends[2];
	char c;

	assert_int_equal(pipe(ends), 0);
	put_frame(&f, 1, 1, 10);
	x->stop_at = 1;
	send_raw_fds(x, &f, ends[1], 5);
	close(ends[1]);
	loop_run(x->loop);
	assert_int_equal(x->messages, 1);
	assert_int_equal(channel_take_fd(x->channel), -1);
	assert_int_equal(read(ends[0], &c, 1), 0); /* no writer is left */
	close(ends[0]);
	buf_done(&f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(takes_messages_in_any_pieces),
		T(refuses_before_it_makes_room),
		T(refuses_what_is_not_expected),
		T(ends_on_nonsense),
		T(tells_the_end_once),
		T(can_be_freed_inside_a_handler),
		T(a_full_queue_ends_it),
		T(descriptors_travel_in_order),
		T(descriptors_nobody_takes_are_closed),
		cmocka_unit_test(targets_travel),
		cmocka_unit_test(calls_travel),
		cmocka_unit_test(answers_travel),
		cmocka_unit_test(numbers_have_ranges),
		cmocka_unit_test(texts_hold_no_zero_byte),
		cmocka_unit_test(addresses_travel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
