/*
 * DOC: the schema, step by step; a step that was ever released is never edited. Tables of model
 * objects have a column for each field of their schema (column.h says how a field is spelled), and
 * a test compares the two. Unique indexes end in the field that an error names; texts that may be
 * unset are left out of them.
 */
#include "store/migrations.h"

#include "base/mem.h"

/* clang-format off */
static const char first[] =
	"CREATE TABLE project (id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL,"
	" granted_ranges TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX project_name ON project (name);"

	"CREATE TABLE network (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" name TEXT NOT NULL, domain TEXT NOT NULL, topology TEXT NOT NULL, ipv4 TEXT NOT NULL,"
	" ipv6 TEXT NOT NULL, node_first TEXT NOT NULL, node_last TEXT NOT NULL,"
	" gateway_addr TEXT NOT NULL, device_first TEXT NOT NULL, device_last TEXT NOT NULL,"
	" listen_port INTEGER NOT NULL, mtu INTEGER NOT NULL, keepalive INTEGER NOT NULL,"
	" psk INTEGER NOT NULL, psk_epoch INTEGER NOT NULL, dns TEXT NOT NULL,"
	" created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX network_name ON network (project, name);"

	"CREATE TABLE node (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" name TEXT NOT NULL, enabled INTEGER NOT NULL, generation INTEGER NOT NULL,"
	" bearer_hash TEXT NOT NULL, join_token TEXT NOT NULL, confirmed_at INTEGER NOT NULL,"
	" revision INTEGER NOT NULL, applied_revision INTEGER NOT NULL,"
	" deploy_error TEXT NOT NULL, version TEXT NOT NULL, backend TEXT NOT NULL,"
	" last_heartbeat INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX node_name ON node (project, name);"
	"CREATE INDEX node_bearer ON node (bearer_hash);"

	"CREATE TABLE member (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" network TEXT NOT NULL, node TEXT NOT NULL, \"group\" TEXT NOT NULL,"
	" roles TEXT NOT NULL, public_key TEXT NOT NULL, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL,"
	" listen_port INTEGER NOT NULL, endpoint TEXT NOT NULL, observed_endpoint TEXT NOT NULL,"
	" region TEXT NOT NULL, local_subnets TEXT NOT NULL, masquerade INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX member_node ON member (network, node);"
	"CREATE UNIQUE INDEX member_key ON member (network, public_key) WHERE public_key <> '';"
	"CREATE INDEX member_of_node ON member (node);"
	"CREATE INDEX member_by_key ON member (public_key) WHERE public_key <> '';"

	"CREATE TABLE \"group\" (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" network TEXT NOT NULL, name TEXT NOT NULL, mode TEXT NOT NULL, public_key TEXT NOT NULL,"
	" listen_port INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX group_name ON \"group\" (network, name);"

	"CREATE TABLE device (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" network TEXT NOT NULL, \"group\" TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
	" description TEXT NOT NULL, dns_name TEXT NOT NULL, owner TEXT NOT NULL,"
	" tags TEXT NOT NULL, enabled INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
	" public_key TEXT NOT NULL, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL,"
	" allowed_ips TEXT NOT NULL, full_tunnel INTEGER NOT NULL, dns TEXT NOT NULL,"
	" mtu INTEGER NOT NULL, keepalive INTEGER NOT NULL, config_hash TEXT NOT NULL,"
	" created_at INTEGER NOT NULL, last_seen INTEGER NOT NULL, rx INTEGER NOT NULL,"
	" tx INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX device_name ON device (network, name);"
	"CREATE UNIQUE INDEX device_dns ON device (network, dns_name) WHERE dns_name <> '';"
	"CREATE UNIQUE INDEX device_key ON device (network, public_key) WHERE public_key <> '';"
	"CREATE UNIQUE INDEX device_ipv4 ON device (network, ipv4) WHERE ipv4 <> '';"
	"CREATE UNIQUE INDEX device_ipv6 ON device (network, ipv6) WHERE ipv6 <> '';"
	"CREATE INDEX device_project ON device (project, id);"

	"CREATE TABLE policy (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" network TEXT NOT NULL, name TEXT NOT NULL, enabled INTEGER NOT NULL,"
	" rules TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX policy_name ON policy (network, name);"

	"CREATE TABLE user (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" name TEXT NOT NULL, role TEXT NOT NULL, enabled INTEGER NOT NULL,"
	" must_change_password INTEGER NOT NULL, password_hash TEXT NOT NULL,"
	" created_at INTEGER NOT NULL, last_login INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX user_name ON user (name);"

	"CREATE TABLE token (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" kind TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL, role TEXT NOT NULL,"
	" networks TEXT NOT NULL, roles TEXT NOT NULL, uses_left INTEGER NOT NULL,"
	" created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
	" last_used INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX token_hash ON token (hash);"
	"CREATE INDEX token_project ON token (project, id);"

	"CREATE TABLE session (id TEXT PRIMARY KEY NOT NULL, user TEXT NOT NULL,"
	" hash TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX session_hash ON session (hash);"
	"CREATE INDEX session_user ON session (user);"

	"CREATE TABLE once (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" object TEXT NOT NULL, hash TEXT NOT NULL, sealed TEXT NOT NULL,"
	" expires_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX once_hash ON once (hash);"
	"CREATE INDEX once_object ON once (object);"

	/* number: place in the project's chain, which ends in audit_head. */
	"CREATE TABLE audit (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" number INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,"
	" object TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX audit_number ON audit (project, number);"
	"CREATE INDEX audit_project ON audit (project, id);"
	"CREATE TABLE audit_head (project TEXT PRIMARY KEY NOT NULL, number INTEGER NOT NULL,"
	" hash TEXT NOT NULL) STRICT, WITHOUT ROWID;"

	/* addr: 16 bytes, IPv4 as ::ffff:a.b.c.d. freed_at 0 = held. pool: first address of the range
	 * it was taken from, empty when asked for by number. wide: see lease.c. */
	"CREATE TABLE lease (network TEXT NOT NULL, addr BLOB NOT NULL, owner TEXT NOT NULL,"
	" pool BLOB NOT NULL, wide INTEGER NOT NULL, freed_at INTEGER NOT NULL,"
	" PRIMARY KEY (network, addr)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX lease_owner ON lease (owner) WHERE owner <> '';"
	"CREATE INDEX lease_rest ON lease (network, pool, freed_at) WHERE freed_at > 0;"
	/* last: the last fresh address given from the range that starts at pool. */
	"CREATE TABLE lease_cursor (network TEXT NOT NULL, pool BLOB NOT NULL, last BLOB NOT NULL,"
	" PRIMARY KEY (network, pool)) STRICT, WITHOUT ROWID;"

	"CREATE TABLE secret (owner TEXT NOT NULL, kind TEXT NOT NULL, sealed BLOB NOT NULL,"
	" PRIMARY KEY (owner, kind)) STRICT;"
	"CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;"

	/* nodes: one line each, \"id previous revision\". */
	"CREATE TABLE outbox (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, project TEXT NOT NULL,"
	" network TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL, change TEXT NOT NULL,"
	" nodes TEXT NOT NULL) STRICT;";

static const char device_exit[] = "ALTER TABLE device ADD COLUMN exit TEXT NOT NULL DEFAULT '';";

static const char member_rotating[] =
	"ALTER TABLE member ADD COLUMN rotating INTEGER NOT NULL DEFAULT 0;";

static const char member_next_key[] =
	"ALTER TABLE member ADD COLUMN rotate_now INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE member ADD COLUMN next_public_key TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE member ADD COLUMN switching INTEGER NOT NULL DEFAULT 0;";

/* Clients are listed and counted by project and kind: without the kind in it, each page reads every
 * row of the project to count them. */
static const char list_by_kind[] =
	"DROP INDEX device_project;"
	"CREATE INDEX device_project ON device (project, kind, id);";

/* Networks of before keep quiet until somebody turns it on: configurations were handed out. */
static const char network_dns_serve[] =
	"ALTER TABLE network ADD COLUMN dns_serve INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE network ADD COLUMN dns_upstreams TEXT NOT NULL DEFAULT '';";

/* When a device got the key it has, for its age. */
static const char device_key_at[] =
	"ALTER TABLE device ADD COLUMN key_at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE device SET key_at = created_at;";

/* Roles of a project's own, scopes, the second step, sessions that can be told apart. */
static const char accounts[] =
	"CREATE TABLE role (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" name TEXT NOT NULL, description TEXT NOT NULL, permissions TEXT NOT NULL,"
	" created_at INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX role_name ON role (project, name);"
	"ALTER TABLE user ADD COLUMN scopes TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE user ADD COLUMN grants TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE user ADD COLUMN totp INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE user ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE user ADD COLUMN recovery TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE user ADD COLUMN issuer TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE user ADD COLUMN subject TEXT NOT NULL DEFAULT '';"
	"CREATE UNIQUE INDEX user_subject ON user (issuer, subject) WHERE subject <> '';"
	"ALTER TABLE token ADD COLUMN scopes TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE token ADD COLUMN grants TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX token_creator ON token (created_by);"
	"DELETE FROM session;" /* everybody signs in again: sessions have an idle end now */
	"ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE session ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX device_expires ON device (expires_at) WHERE expires_at > 0;"
	/* What the audit log begins with after its oldest lines were deleted. */
	"CREATE TABLE audit_base (project TEXT PRIMARY KEY NOT NULL, number INTEGER NOT NULL,"
	" hash TEXT NOT NULL) STRICT, WITHOUT ROWID;";

static const char issuers[] =
	"CREATE TABLE issuer (id TEXT PRIMARY KEY NOT NULL, project TEXT NOT NULL,"
	" name TEXT NOT NULL, url TEXT NOT NULL, client_id TEXT NOT NULL, scope TEXT NOT NULL,"
	" role_claim TEXT NOT NULL, role_map TEXT NOT NULL, default_role TEXT NOT NULL,"
	" create_users INTEGER NOT NULL, enabled INTEGER NOT NULL, created_at INTEGER NOT NULL)"
	" STRICT;"
	"CREATE UNIQUE INDEX issuer_name ON issuer (name);";
/* What came from a server's file and stays as it was. */
static const char imported[] =
	"ALTER TABLE device ADD COLUMN imported_psk INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE network ADD COLUMN interface TEXT NOT NULL DEFAULT '';";

static const char rejoin[] =
	"ALTER TABLE token ADD COLUMN node TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE node ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE node SET joined_at = created_at;";

/* Where a member behind a NAT is in its own LAN, and where it calls from. */
static const char near_endpoint[] =
	"ALTER TABLE member ADD COLUMN near_endpoint TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE member ADD COLUMN calls_from TEXT NOT NULL DEFAULT '';";

/* One a line, so that additions merge. */
static const char device_rate_limit[] =
	"ALTER TABLE device ADD COLUMN rate_limit INTEGER NOT NULL DEFAULT 0;";
static const char device_at_quota[] =
	"ALTER TABLE device ADD COLUMN at TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE device ADD COLUMN quota_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE device ADD COLUMN quota_period TEXT NOT NULL DEFAULT 'none';"
	"ALTER TABLE device ADD COLUMN quota_from INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE device ADD COLUMN quota_start INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE device ADD COLUMN over_quota INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE device ADD COLUMN quota_left INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE device ADD COLUMN quota_grant INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX device_quota ON device (quota_bytes) WHERE quota_bytes > 0;"
	"CREATE INDEX device_away ON device (at) WHERE at <> '';";

/* Which gateway a device's configuration names, and who is near which. */
static const char entries[] =
	"ALTER TABLE device ADD COLUMN entry TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE device ADD COLUMN config_entry TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE network ADD COLUMN region_ranges TEXT NOT NULL DEFAULT '';";

/* Until then nodes had their token's roles in all their networks and could not leave one. */
static const char granted_roles[] =
	"ALTER TABLE node ADD COLUMN granted_roles TEXT NOT NULL DEFAULT '';"
	"UPDATE node SET granted_roles ="
	" COALESCE((SELECT roles FROM member WHERE member.node = node.id LIMIT 1), '');";

/* One a line, so that additions merge. */
const char *const migrations_sqlite[] = {
	first,
	member_rotating,
	list_by_kind,
	device_key_at,
	device_exit,
	accounts,
	device_rate_limit,
	member_next_key,
	network_dns_serve,
	issuers,
	imported,
	device_at_quota,
	rejoin,
	entries,
	near_endpoint,
	granted_roles,
	NULL,
};
/* clang-format on */

static int run_missing(
	const struct store_engine *engine, struct engine_conn *c, const char *path, struct err *e)
{
	int version = 0, newest = 0, code;

	while (engine->migrations[newest] != NULL)
		newest++;
	code = engine->version(c, &version, e);
	if (code < 0)
		return code;
	if (version > newest)
		return err_set(e, ERR_UNSUPPORTED,
			"%s has schema version %d, newer than this program's %d", path, version,
			newest);
	for (; version < newest; version++) {
		code = engine->script(c, engine->migrations[version], e);
		if (code < 0)
			return code;
	}
	return engine->set_version(c, newest, e);
}

int migrations_run(const struct store_engine *engine, struct engine_conn *writer, const char *path,
	struct err *e)
{
	int code = engine->begin(writer, e);

	if (code < 0)
		return code;
	code = run_missing(engine, writer, path, e);
	if (code < 0) {
		engine->rollback(writer);
		return code;
	}
	return engine->commit(writer, e);
}
