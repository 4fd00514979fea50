/*
 * DOC: users. Nobody hands out what they do not hold, nor touches a user who holds more, and nobody
 * outside the project is seen. A password is given, or made here and shown once.
 */
#include "control/api_handlers.h"

#include "base/mem.h"
#include "control/second.h"
#include "control/workers.h"
#include "crypto/password.h"
#include "model/names.h"
#include "model/validate.h"

#include <string.h>

static const char *const also[] = {"password", NULL};

struct user_job {
	struct user user; /* creation */
	char *password;   /* wiped after hashing unless it is to be shown */
	bool show;
	char hash[PASSWORD_HASH_LEN]; /* "" = the password stays */
};

static void user_job_free(void *data)
{
	struct user_job *job = data;
	if (job->password)
		mem_wipe(job->password, strlen(job->password));
	mem_free(job->password);
	schema_done(&schema_user, &job->user);
	mem_free(job);
}

static int take_session(void *arg, const void *object)
{
	id_vec_add(arg, ((const struct session *)object)->id);
	return 0;
}

static int delete_sessions(
	struct tx *tx, const struct tx_query *q, const char *except, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec ids = {0};
	int r = tx_list(tx, &schema_session, q, take_session, &ids, NULL, NULL, e);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		if (strcmp(ids.v[i].id, except) != 0)
			r = tx_delete(tx, &schema_session, ids.v[i].id, e);
	return r;
}

int drop_sessions(struct tx *tx, const char *user, const char *except, struct err *e)
{
	struct tx_query q = {.filters = {{"user", user}}};
	return delete_sessions(tx, &q, except, e);
}

struct sweep {
	struct id_vec ids;
	msec now;
};

static int take_expired(void *arg, const void *object)
{
	struct sweep *sweep = arg;
	const struct session *s = object;
	if (s->expires_at > sweep->now)
		return 1; /* sorted: the rest is younger */
	id_vec_add(&sweep->ids, s->id);
	return 0;
}

int sweep_sessions(struct tx *tx, struct err *e)
{
	struct sweep sweep = {.now = tx_now(tx)};
	struct tx_query q = {.order = "expires_at", .limit = 16};
	int r = tx_list(tx, &schema_session, &q, take_expired, &sweep, NULL, NULL, e);
	for (size_t i = 0; r == 0 && i < sweep.ids.n; i++)
		r = tx_delete(tx, &schema_session, sweep.ids.v[i].id, e);
	VEC_DONE(&sweep.ids);
	return r;
}

/* What the user is to hold makes sense, and the caller holds it all. */
static int may_grant(struct tx *tx, const struct call *c, const struct user *u, struct err *e)
{
	struct rights want;
	int r = rights_read(tx, u->project, u->role, &u->scopes, &u->grants, &want, e);
	return r < 0 ? r : rights_contain(&c->who.rights, &want, e);
}

/* The caller holds all that this user holds. */
static int may_touch(struct tx *tx, const struct call *c, const struct user *u, struct err *e)
{
	struct rights theirs;
	rights_load(tx, u->project, u->role, &u->scopes, &u->grants, &theirs);
	if (rights_contain(&c->who.rights, &theirs, NULL) < 0)
		return err_set(e, ERR_DENIED, "this user may do more than you");
	return 0;
}

static bool is_system(const struct user *u)
{
	return u->role != NULL && strcmp(u->role, ROLE_SYSTEM_ADMIN) == 0;
}

/* Who a user is elsewhere lets that issuer sign them in: only a system-admin says so. */
static int may_link(
	const struct call *c, const struct user *before, const struct user *after, struct err *e)
{
	static const struct user nobody;
	const struct user *was = before ? before : &nobody;
	bool same =
		strcmp(was->issuer ? was->issuer : "", after->issuer ? after->issuer : "") == 0 &&
		strcmp(was->subject ? was->subject : "", after->subject ? after->subject : "") == 0;
	if (!after->issuer != !after->subject)
		return err_field(e, ERR_INVALID, after->issuer ? "subject" : "issuer",
			"an issuer and a subject come together");
	return same ? 0 : api_need(c, PERM_SYSTEM, e);
}

/* "password" of the body into job; ERR_INVALID when it is not usable. */
static int read_password(struct call *c, struct user_job *job, struct err *e)
{
	const char *password = json_str(c->body, "password");
	if (json_get(c->body, "password") == NULL)
		return 0;
	if (password == NULL || strlen(password) < PASSWORD_MIN || strlen(password) > PASSWORD_MAX)
		return err_field(e, ERR_INVALID, "password", "a password has %d to %d bytes",
			PASSWORD_MIN, PASSWORD_MAX);
	job->password = mem_strdup(password);
	return 0;
}

static int insert_user(struct tx *tx, struct call *c, struct err *e)
{
	struct user_job *job = c->data;
	struct user *u = &job->user;
	int r = 0;
	if (!is_system(u))
		r = api_need_project(tx, c, e);
	else if (api_need(c, PERM_SYSTEM, e) < 0)
		r = ERR_DENIED;
	else if (c->project[0])
		r = err_field(e, ERR_INVALID, "role", "a system-admin belongs to no project");
	if (r < 0)
		return r;
	id_copy(u->project, c->project);
	u->created_at = tx_now(tx);
	u->password_hash = mem_strdup(job->hash);
	r = user_check(u, NULL, e);
	if (r == 0)
		r = may_grant(tx, c, u, e);
	if (r == 0)
		r = may_link(c, NULL, u, e);
	if (r == 0)
		r = change_store(tx, &schema_user, NULL, u, c->who.id, "user.create", e);
	if (r < 0)
		return r;
	struct json_writer w = {.out = &c->out};
	json_begin_object(&w, NULL);
	object_write(&w, &schema_user, u);
	if (job->show)
		json_put_str(&w, "password", job->password);
	json_end_object(&w);
	return 0;
}

static void hash_then_insert(void *arg)
{
	struct call *c = arg;
	struct user_job *job = c->data;
	password_hash(job->password, job->hash);
	c->status = 201;
	api_write(c, insert_user, NULL);
}

void api_user_create(struct call *c)
{
	struct user_job *job = NEW(struct user_job);
	c->data = job;
	c->free_data = user_job_free;
	job->user.enabled = true;
	job->user.role = mem_strdup(ROLE_VIEWER);
	int r = object_read(c->body, &schema_user, FIELD_SET, also, &job->user, &c->err);
	if (r == 0)
		r = read_password(c, job, &c->err);
	if (r == 0 && job->password == NULL) {
		job->show = true;
		job->user.must_change_password = true;
		job->password = mem_zalloc(PASSWORD_ONE_TIME_LEN);
		password_one_time(job->password);
	}
	id_make("usr", clock_wall(c->control->clock), job->user.id);
	if (r == 0)
		r = name_check(job->user.name, "name", &c->err);
	if (r == 0)
		r = workers_run(c->control->workers, hash_then_insert, c, &c->err);
	if (r < 0)
		api_fail(c);
}

static int update_user(struct tx *tx, struct call *c, struct err *e)
{
	struct user_job *job = c->data;
	struct user before = {0}, after = {0};
	int r = api_change(tx, c, &schema_user, also, &before, &after, e);
	if (r == 0)
		r = may_touch(tx, c, &before, e);
	if (r == 0)
		r = may_link(c, &before, &after, e);
	if (r == 0 && is_system(&after) != (after.project[0] == '\0'))
		r = err_field(e, ERR_INVALID, "role",
			"a system-admin belongs to no project, anybody else to one");
	if (r == 0)
		r = may_grant(tx, c, &after, e);
	if (r == 0 && job->hash[0]) {
		mem_free(after.password_hash);
		after.password_hash = mem_strdup(job->hash);
		/* Whoever set it knows it: the user should choose another, unless told otherwise.
		 */
		if (json_get(c->body, "must_change_password") == NULL &&
			strcmp(before.id, c->who.id) != 0)
			after.must_change_password = true;
	}
	if (r == 0)
		r = user_check(&after, &before, e);
	if (r == 0)
		r = change_store(tx, &schema_user, &before, &after, c->who.id, "user.update", e);
	if (r == 0 && (!after.enabled || job->hash[0]))
		r = drop_sessions(tx, after.id, c->who.session, e);
	if (r == 0)
		api_put(c, &schema_user, &after);
	schema_done(&schema_user, &before);
	schema_done(&schema_user, &after);
	return r;
}

static void hash_then_update(void *arg)
{
	struct call *c = arg;
	struct user_job *job = c->data;
	password_hash(job->password, job->hash);
	api_write(c, update_user, NULL);
}

void api_user_change(struct call *c)
{
	struct user_job *job = NEW(struct user_job);
	c->data = job;
	c->free_data = user_job_free;
	c->status = 200;
	int r = read_password(c, job, &c->err);
	if (r == 0 && job->password)
		r = workers_run(c->control->workers, hash_then_update, c, &c->err);
	else if (r == 0)
		api_write(c, update_user, NULL);
	if (r < 0)
		api_fail(c);
}

static int update_password(struct tx *tx, struct call *c, struct err *e)
{
	struct user_job *job = c->data;
	struct user before = {0}, after = {0};
	int r = api_get(tx, c, &schema_user, c->id, &before, e);
	if (r == 0)
		r = may_touch(tx, c, &before, e);
	if (r == 0) {
		schema_copy(&schema_user, &after, &before);
		mem_free(after.password_hash);
		after.password_hash = mem_strdup(job->hash);
		after.must_change_password = true;
		r = change_store(tx, &schema_user, &before, &after, c->who.id, "user.password", e);
	}
	if (r == 0)
		r = drop_sessions(tx, after.id, "", e);
	if (r == 0) {
		struct json_writer w = {.out = &c->out};
		json_begin_object(&w, NULL);
		object_write(&w, &schema_user, &after);
		json_put_str(&w, "password", job->password);
		json_end_object(&w);
	}
	schema_done(&schema_user, &before);
	schema_done(&schema_user, &after);
	return r;
}

static void hash_then_reset(void *arg)
{
	struct call *c = arg;
	struct user_job *job = c->data;
	password_hash(job->password, job->hash);
	api_write(c, update_password, NULL);
}

void api_user_password(struct call *c)
{
	struct user_job *job = NEW(struct user_job);
	c->data = job;
	c->free_data = user_job_free;
	c->status = 200;
	job->password = mem_zalloc(PASSWORD_ONE_TIME_LEN);
	password_one_time(job->password);
	if (workers_run(c->control->workers, hash_then_reset, c, &c->err) < 0)
		api_fail(c);
}

static int reset_totp(struct tx *tx, struct call *c, struct err *e)
{
	struct user before = {0}, after = {0};
	int r = api_get(tx, c, &schema_user, c->id, &before, e);
	if (r == 0)
		r = may_touch(tx, c, &before, e);
	if (r == 0) {
		schema_copy(&schema_user, &after, &before);
		r = second_drop(tx, &after, e);
	}
	if (r == 0)
		r = change_store(
			tx, &schema_user, &before, &after, c->who.id, "user.totp_reset", e);
	if (r == 0)
		r = drop_sessions(tx, after.id, "", e);
	schema_done(&schema_user, &before);
	schema_done(&schema_user, &after);
	return r;
}

void api_user_totp_reset(struct call *c)
{
	api_write(c, reset_totp, api_deleted);
}

static int end_sessions(struct tx *tx, struct call *c, struct err *e)
{
	struct user u = {0};
	int r = api_get(tx, c, &schema_user, c->id, &u, e);
	if (r == 0)
		r = may_touch(tx, c, &u, e);
	if (r == 0)
		r = drop_sessions(tx, u.id, "", e);
	if (r == 0)
		r = tx_audit(tx, u.project, c->who.id, "session.end", u.id, u.name, e);
	schema_done(&schema_user, &u);
	return r;
}

void api_user_sessions_end(struct call *c)
{
	api_write(c, end_sessions, api_deleted);
}

static int take_token(void *arg, const void *object)
{
	id_vec_add(arg, ((const struct token *)object)->id);
	return 0;
}

/* What a user made for programs and for joining nodes goes with them. */
static int drop_tokens(struct tx *tx, struct call *c, const char *user, struct err *e)
{
	CLEANUP(id_vec_done) struct id_vec ids = {0};
	struct tx_query q = {.filters = {{"created_by", user}}};
	int r = tx_list(tx, &schema_token, &q, take_token, &ids, NULL, NULL, e);
	for (size_t i = 0; r == 0 && i < ids.n; i++) {
		struct token t = {0};
		r = tx_get(tx, &schema_token, ids.v[i].id, &t, e);
		if (r == 0)
			r = change_store(tx, &schema_token, &t, NULL, c->who.id, "token.delete", e);
		schema_done(&schema_token, &t);
	}
	return r;
}

static int delete_user(struct tx *tx, struct call *c, struct err *e)
{
	struct user u = {0};
	int r = api_get(tx, c, &schema_user, c->id, &u, e);
	if (r == 0)
		r = may_touch(tx, c, &u, e);
	if (r == 0)
		r = drop_sessions(tx, u.id, "", e);
	if (r == 0)
		r = drop_tokens(tx, c, u.id, e);
	if (r == 0)
		r = tx_secret_delete(tx, u.id, e);
	if (r == 0)
		r = change_store(tx, &schema_user, &u, NULL, c->who.id, "user.delete", e);
	schema_done(&schema_user, &u);
	return r;
}

void api_user_delete(struct call *c)
{
	api_write(c, delete_user, api_deleted);
}
