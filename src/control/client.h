/*
 * DOC: what the files about clients share: a client as JSON, and the answer that shows a key once.
 */
#ifndef WARREN_CONTROL_CLIENT_H
#define WARREN_CONTROL_CLIENT_H

#include "control/api.h"
#include "crypto/secret.h"
#include "render/format.h"

/* Freed addresses rest so long before somebody else gets them. */
#define CLIENT_REST ((msec)24 * 3600 * 1000)

/* Data of a call about one client. private_key is zero unless we made it. */
struct client_job {
	struct device device;
	struct secret private_key;
	struct buf config;
	struct buf signed_config; /* the same signed, when it is a profile and the operator signs */
	const char *action;       /* of the audit line */
	const struct config_format *format; /* NULL = wg-quick */
	id_text entry; /* gateway that the answer's configuration names, or "": the device's own */
	bool want_qr, want_link;
	char link_id[ID_LEN];
	struct buf link_token;
};
struct client_job *client_job_new(struct call *c); /* owned by the call */
/* The gateway that its configuration names. */
static inline const char *client_job_entry(const struct client_job *job)
{
	return job->entry[0] ? job->entry : job->device.entry;
}

/* A client by id, where the caller reaches it; other kinds of devices are not found here. */
int client_get(struct tx *tx, struct call *c, struct device *ret, struct err *e);

/* The members of a client into the open object. On the hub's thread. */
void client_write(
	struct call *c, const struct fleet *f, struct json_writer *w, const struct device *d);

/* Where it may come in, "endpoints"; not in lists. On the hub's thread. */
void client_write_endpoints(
	struct call *c, const struct fleet *f, struct json_writer *w, const struct device *d);

/* After commit: render on the hub's thread and answer {client} alone, or with the key, the
 * configuration and what else was asked for. */
void client_answer(struct call *c);
void client_deliver(struct call *c);

/* Parameters gateway and region of a call that shows the configuration of job->device: job->entry,
 * for this answer alone. */
int client_entry_once(struct tx *tx, struct call *c, struct err *e);

/* The gateway its configuration is to name, as the body's gateway and region say or, without them,
 * the nearest: into d->entry. d->group is set. */
int client_entry(
	struct tx *tx, struct call *c, const struct network *n, struct device *d, struct err *e);
/* Does the body say anything about it? */
bool client_entry_in_body(const struct call *c);

/* The parameters of a call that hands a configuration over: qr, link, format. */
int client_wants(struct call *c, struct client_job *job, struct err *e);

/* A key in the body, or a fresh pair; then the checks a key must pass in this network. */
int client_key(struct call *c, struct client_job *job, struct err *e);
int client_key_free(struct tx *tx, const struct device *d, struct err *e);

/* The node its full tunnel is to leave by, by name or id: becomes the id. It must be an exit of the
 * device's network (T-3: its join token granted that). */
int client_exit(struct tx *tx, struct call *c, struct device *d, struct err *e);

/* Its quota was set: begin to count, or go on with what is left of it. */
void client_quota(struct call *c, struct device *d);

/* once.c: keep job->config sealed for one opening, in this transaction; sets link_id and token. */
int once_put(struct tx *tx, struct call *c, struct err *e);
/* Delete the links of an object. */
int once_drop(struct tx *tx, const char *object, struct err *e);

#endif
