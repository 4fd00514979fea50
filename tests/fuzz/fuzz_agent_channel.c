/*
 * DOC: fuzz target: the apply process's end of its channel, fed by a net process that is anybody's:
 * framing, what may come for which call, and each kind of message. A call for a state, a small one
 * and a stream are under way. Each of them must end exactly once, however the bytes end.
 */
#include "agent/courier.h"
#include "base/log.h"
#include "base/loop.h"
#include "crypto/key.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALLS 3

static struct loop *loop;
static int other = -1; /* the net process's end */
static unsigned told[CALLS];
static bool feeding;

static void changed(void *arg)
{
}

static int start(void *arg, int *ret_fd, struct err *e)
{
	int fds[2];

	if (other >= 0)
		return err_set(e, ERR_UNAVAILABLE, "once is enough");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	*ret_fd = fds[0];
	other = fds[1];
	return 0;
}

static void ended(unsigned i)
{
	unsigned n = 0;

	if (!feeding || ++told[i] > 1)
		abort();
	for (size_t k = 0; k < CALLS; k++)
		n += told[k];
	if (n == CALLS)
		loop_stop(loop);
}

static void on_done(void *arg, struct http_response *r, const struct err *e)
{
	if ((r == NULL) == (e == NULL))
		abort();
	if (r != NULL && r->body.len > 0 && buf_str(&r->body)[r->body.len] != '\0')
		abort();
	ended((unsigned)(uintptr_t)arg);
}

static void on_open(void *arg)
{
}

static void on_event(void *arg, const char *type, const char *id, const char *data, size_t n)
{
	if (data[n] != '\0')
		abort();
}

static void on_retry(void *arg, msec base)
{
}

static void on_end(void *arg, int status, msec retry_after, const struct err *e)
{
	ended(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct http_events events = {on_open, on_event, on_retry, on_end, NULL};
	struct wire_request state = {.method = "GET", .path = "/v1/nodes/x/state"};
	struct wire_request beat = {.method = "POST", .path = "/v1/nodes/x/heartbeat"};
	struct wire_carrier carrier;
	struct resolver *resolver;
	struct courier *c;
	struct addr addr;
	uint16_t port;

	if (loop == NULL) {
		crypto_init();
		log_init("fuzz", LOG_ERROR + 1);
	}
	loop = loop_new();
	resolver = resolver_new(loop, &clock_real, changed, NULL);
	c = courier_new(loop, &clock_real, start, NULL, resolver, &carrier);
	for (size_t i = 0; i < CALLS; i++)
		told[i] = 0;
	feeding = true;
	carrier.send(carrier.ctx, &state, on_done, (void *)0);
	carrier.send(carrier.ctx, &beat, on_done, (void *)1);
	carrier.events(carrier.ctx, "/v1/nodes/x/events", "1", 45000, &events);
	resolver_endpoint(resolver, "name.example:1", &addr, &port); /* asked for */
	if (send(other, data, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && n > 0)
		abort();
	shutdown(other, SHUT_WR);
	loop_run(loop);
	feeding = false;
	courier_free(c);
	resolver_free(resolver);
	close(other);
	other = -1;
	loop_free(loop);
	return 0;
}
