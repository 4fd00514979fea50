/*
 * DOC: the REST API inside: one call from request to answer. A route names the permission it takes
 * (the caller must hold it somewhere; objects it does not reach are not found); api_enter
 * authenticates, checks that, finds the project, parses the body and hands over to the route's
 * function, which ends the call with exactly one of api_reply, api_fail or api_write (whose
 * functions end it later).
 */
#ifndef WARREN_CONTROL_API_H
#define WARREN_CONTROL_API_H

#include "codec/json.h"
#include "codec/object.h"
#include "control/auth.h"
#include "control/change.h"
#include "control/control.h"
#include "control/etag.h"
#include "control/hub.h"
#include "http/server.h"
#include "model/schema.h"

struct call;

enum {
	ROUTE_OPEN = 1,    /* answers without credentials */
	ROUTE_SELF = 2,    /* open to a session that must change its password first */
	ROUTE_NO_BODY = 4, /* POST without a body is fine */
	ROUTE_STATIC = 8,  /* same bytes for everybody; may be cached */
	ROUTE_WHOLE = 16,  /* the permission must be held in the whole project */
	ROUTE_ACTS = 32,   /* a GET with effects, so it has no HEAD */
};

struct api_route {
	void (*fn)(struct call *c);
	unsigned permission; /* enum permission; 0 = signing in is enough */
	unsigned flags;
	const struct schema *schema; /* of the object or the list */
	const char *query; /* parameters it takes, "qr link"; "list" = paging and filters */
};

#define API_HEADERS_MAX 8
#define API_LIMIT_DEFAULT 100
#define API_LIMIT_MAX 1000

struct call {
	struct control *control;
	struct http_request *rq;
	const struct api_route *route;
	struct principal who;
	id_text project; /* where it acts; "" = everywhere (no project given by a system-admin) */
	id_text id;      /* {id} of the path, or "" */
	bool of_object;  /* the path ends with it: the call is about the object itself */
	char etag[ETAG_LEN];   /* of that object, for the answer; "" = none */
	struct tx_scope scope; /* of the caller's lists */
	struct json_doc *doc;
	const struct json *body; /* an object, for POST and PATCH */
	struct err err;

	int status;
	const char *type;
	struct buf out;      /* the answer; wiped when the call ends without sending it */
	const void *lasting; /* an answer of the program's own instead, which nobody copies */
	size_t lasting_n;
	char *headers[API_HEADERS_MAX][2];

	bool dry_run;   /* what write does is undone; after sees its answer */
	bool rehearsed; /* write succeeded */
	int (*write)(struct tx *tx, struct call *c, struct err *e);
	void (*after)(struct call *c);
	void (*failed)(struct call *c);
	void *data; /* the handler's own, freed with free_data */
	void (*free_data)(void *data);
};

/* Handler of every route in api_routes. */
void api_enter(struct http_request *rq, const struct http_route *route, void *ctx);
extern const struct http_route api_routes[];
extern const size_t n_api_routes;

/* End the call. api_reply sends c->out, or what lasts; api_fail the problem in c->err. */
void api_reply(struct call *c, int status);
void api_fail(struct call *c);
void api_fail_status(struct call *c, int status); /* for statuses no error code has */
void api_wait(struct call *c, msec wait);         /* 429, come back after that */
void api_header(struct call *c, const char *name, const char *value);

/* Run fn in a reading transaction; then answer c->out with 200, or api_fail. */
void api_read(struct call *c, int (*fn)(struct tx *tx, struct call *c, struct err *e));

/* Run fn in a writing transaction; then after(c) on the writer thread, or api_fail. after NULL:
 * answer c->out with c->status. What after does must be short: hand long work to hub_run. */
void api_write(struct call *c, int (*fn)(struct tx *tx, struct call *c, struct err *e),
	void (*after)(struct call *c));

/* The same with an answer of one's own for a failure, which is in c->err. */
void api_write_or(struct call *c, int (*fn)(struct tx *tx, struct call *c, struct err *e),
	void (*after)(struct call *c), void (*failed)(struct call *c));

/* fn on the hub's thread, with the fleet as it is then, for who may see the object of the path. */
void api_see(struct call *c, const struct schema *s, void (*fn)(const struct fleet *f, void *arg));

/* Inside transactions. Of the object that the call is about, api_get notes the etag, and refuses
 * (ERR_STALE) to have it changed by who sent If-Match with another. */
int api_get(struct tx *tx, struct call *c, const struct schema *s, const char *id, void *ret,
	struct err *e); /* ERR_NOT_FOUND also for other projects' and out of the caller's scope */
/* Does the route's permission reach this object? 1, 0 or an error. */
int api_reaches(struct tx *tx, const struct call *c, const struct schema *s, const void *object,
	struct err *e);
/* ERR_DENIED unless the caller holds all of this in the whole project. */
int api_need(const struct call *c, unsigned permission, struct err *e);
/* The object of that schema with this id or name in the call's project (a network's name). */
int api_resolve(struct tx *tx, struct call *c, const struct schema *s, const char *ref,
	const char *field, void *ret, struct err *e);
/* The network given in the body's "network" by id or name; else the only one of the project. */
int api_network(struct tx *tx, struct call *c, const char *ref, struct network *ret, struct err *e);
/* Make c->project one project: the only one there is when none was given. */
int api_need_project(struct tx *tx, struct call *c, struct err *e);

/* --- lists (api_list.c) ---------------------------------------------------------------------- */

/* A page asked for by the query string. Strings are the call's. */
struct page {
	struct tx_query query;
	char values[6][NAME_BYTES];
	size_t n_filters;
};
/* Paging, sorting, searching, one filter for each listed field, the call's project and scope. */
int page_read(struct call *c, const struct schema *s, struct page *ret, struct err *e);
void page_filter(struct page *p, const char *column, const char *value);
/* {"items":[...],"next":...,"total":...} around the items that are written between the two, which
 * come once more under repeat_as (NULL = not). page_begin returns where they begin, for page_end.
 */
size_t page_begin(struct json_writer *w);
void page_end(struct json_writer *w, size_t begin, const char *repeat_as, const char *next,
	uint64_t total);

/* Generic handlers driven by the route's schema: a page of objects, one object, deletion. */
void api_list(struct call *c);
void api_show(struct call *c);
void api_delete(struct call *c);
void api_deleted(struct call *c); /* the answer of every deletion */

/* PATCH: load the object of the path, copy it and read the body into the copy. Both are the
 * caller's to free with schema_done, also on failure. */
int api_change(struct tx *tx, struct call *c, const struct schema *s, const char *const also[],
	void *before, void *after, struct err *e);
/* Append one object to c->out. */
void api_put(struct call *c, const struct schema *s, const void *object);
/* ERR_EXISTS when rows of s have this value in column: "network office still has 3 members". */
int api_refuse_holders(struct tx *tx, const struct schema *s, const char *column, const char *value,
	const char *what, struct err *e);
/* Take the request out of a call that ends without an answer of ours (event streams). */
struct http_request *api_release(struct call *c);

/* A parameter that is 1 or true. */
bool api_flag(const struct call *c, const char *name);

#endif
