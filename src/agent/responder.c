/* DOC: see responder.h. */
#include "agent/responder.h"

#include "agent/message.h"
#include "agent/zone_message.h"
#include "base/log.h"
#include "dns/forward.h"
#include "dns/server.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct responder {
	struct dns_server *server;
	struct dns_zone *coming; /* of which not all parts are here */
};

struct responder *responder_new(struct loop *l, const struct clock *c)
{
	const struct dns_server_options o = {0};
	struct responder *r = NEW(struct responder);

	r->server = dns_server_new(l, c, &o);
	return r;
}

struct responder *responder_free(struct responder *r)
{
	if (r == NULL)
		return NULL;
	dns_zone_free(r->coming);
	dns_server_free(r->server);
	return mem_free(r);
}

/* --- zones -------------------------------------------------------------------------------------
 */

static void end_zone(struct responder *r, const char *network)
{
	struct dns_zone *z = dns_zone_end(r->coming);

	r->coming = NULL;
	if (z != NULL)
		dns_server_set_zone(r->server, z);
	else
		dns_server_drop_zone(r->server, network);
}

static int take_zone(struct responder *r, const char *data, size_t n, struct err *e)
{
	struct zone_part p;
	struct item *i;

	if (zone_part_read(data, n, &p, e) < 0)
		return e->code;
	if (p.first) {
		dns_zone_free(r->coming);
		r->coming = dns_zone_begin(p.network, p.serial);
	}
	if (r->coming == NULL || strcmp(dns_zone_network(r->coming), p.network) != 0)
		return err_set(e, ERR_INVALID, "a part of a zone that was not begun");
	while ((i = zone_part_next(&p)) != NULL) {
		dns_zone_add(r->coming, i);
		item_free(i);
	}
	if (fields_end(&p.items, "zone", e) < 0)
		return e->code;
	if (p.last)
		end_zone(r, p.network);
	return 0;
}

/* --- sockets -----------------------------------------------------------------------------------
 */

void responder_put_socket(struct buf *out, const char *network, struct addr addr)
{
	fields_put_text(out, network);
	fields_put_addr(out, addr);
}

static int get_socket(
	const char *data, size_t n, id_text network, struct addr *ret_addr, struct err *e)
{
	struct fields f = {data, n, false};
	const char *s = fields_text(&f);
	struct addr a = fields_addr(&f);

	if (s == NULL || strlen(s) >= sizeof(id_text))
		f.bad = true;
	if (fields_end(&f, "socket", e) < 0)
		return e->code;
	id_copy(network, s);
	*ret_addr = a;
	return 0;
}

void responder_put_upstreams(struct buf *out, const struct addr *list, size_t n)
{
	fields_put_number(out, (int64_t)n);
	for (size_t i = 0; i < n; i++)
		fields_put_addr(out, list[i]);
}

static int take_upstreams(struct responder *r, const char *data, size_t n, struct err *e)
{
	struct fields f = {data, n, false};
	struct addr list[FORWARD_UPSTREAMS_MAX];
	size_t count = (size_t)fields_number(&f, 0, FORWARD_UPSTREAMS_MAX);

	for (size_t i = 0; i < count; i++)
		list[i] = fields_addr(&f);
	if (fields_end(&f, "list of resolvers", e) < 0)
		return e->code;
	dns_server_set_upstreams(r->server, list, count);
	return 0;
}

int responder_take(struct responder *r, uint32_t type, const char *data, size_t n, const int fds[],
	struct err *e)
{
	struct addr addr;
	id_text network;

	if (type == MESSAGE_ZONE)
		return take_zone(r, data, n, e);
	if (type == MESSAGE_UPSTREAMS)
		return take_upstreams(r, data, n, e);
	if (get_socket(data, n, network, &addr, e) < 0) {
		for (size_t i = 0; type == MESSAGE_LISTEN && i < RESPONDER_FDS; i++)
			close(fds[i]);
		return e->code;
	}
	if (type == MESSAGE_LISTEN)
		dns_server_add(r->server, network, addr, fds[0], fds[1]);
	else if (type == MESSAGE_UNLISTEN)
		dns_server_remove(r->server, network, addr);
	else
		dns_server_drop_zone(r->server, network);
	return 0;
}

/* --- in one process ----------------------------------------------------------------------------
 */

static void hand_over(
	void *ctx, uint32_t type, const struct buf *payload, const int fds[], size_t n_fds)
{
	int copies[RESPONDER_FDS] = {-1, -1};
	struct err e = {0};

	for (size_t i = 0; i < n_fds && i < RESPONDER_FDS; i++)
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	if (responder_take(ctx, type, buf_str(payload), payload->len, copies, &e) < 0)
		log_error("DNS is not answered as it should be", LOG_KV_STR("error", e.text));
}

static bool always(void *ctx)
{
	return true;
}

struct responder_link responder_link(struct responder *r)
{
	return (struct responder_link){hand_over, always, r};
}
