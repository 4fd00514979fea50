/*
 * DOC: the tables of fields and the walks over them. The tables follow objects.h line by line.
 * What people may set is flagged; what Warren assigns or observes has no SET or CHANGE; hashes and
 * sealed blobs are HIDDEN. How a value is copied, compared and freed is in one table by type.
 */
#include "model/schema.h"

#include "model/names.h"
#include "model/validate.h"

#include <stddef.h>

#define NAME_MIN 1
#define NAME_MAX 64
#define TEXT_MAX 256
#define DOMAIN_MAX 253
#define ENDPOINT_MAX 261 /* a DNS name, ':', a port */
#define HASH_MAX 256     /* hex SHA-256, or an Argon2id string */
#define SEALED_MAX 65536
#define PORT_MAX 65535
#define MTU_MAX 65535
#define SECONDS_MAX 65535
#define DEPLOY_ERROR_MAX 1024
#define DETAIL_MAX 4096
#define ID_MAX (ID_LEN - 1)
#define INHERIT ((uint64_t)-1) /* "as the network": -1 */
#define RANGES_MAX 256
#define PREFIXES_MAX 64
#define TAGS_MAX 32
#define DNS_MAX 4
#define RULES_MAX 256
#define JOIN_NETWORKS_MAX 64
#define SCOPES_MAX 16
#define RECOVERY_MAX 16
#define ROLE_MAP_MAX 64
#define ANY_U32 UINT32_MAX
#define ANY_U64 UINT64_MAX
#define RATE_MAX DEVICE_RATE_MAX
#define QUOTA_BYTES_MAX INT64_MAX

const char *const topology_words[] = {"mesh", "hub", NULL};
const char *const role_words[] = {"peer", "controller", "gateway", "exit", NULL};
const char *const group_mode_words[] = {"active-active", "active-standby", NULL};
const char *const device_kind_words[] = {"client", "site", "connection", NULL};
const char *const permission_words[] = {"fleet:read", "fleet:write", "client:manage",
	"client:config", "net:router:script", "net:router:config", "vpn:read", "vpn:write",
	"iam:user:manage", "audit:read", "system:manage", NULL};
const char *const quota_period_words[] = {"none", "day", "month", NULL};
const char *const token_kind_words[] = {"api", "join", NULL};

/* Words of the tables: MAKE = given at creation only, EDIT = also later, PATCH = only later. */
enum {
	MAKE = FIELD_SET,
	EDIT = FIELD_SET | FIELD_CHANGE,
	PATCH = FIELD_CHANGE,
	MUST = FIELD_REQUIRED,
	HIDE = FIELD_HIDDEN,
};

#define F(field_, type_, flags_, min_, max_)                                       \
	{                                                                          \
		.name = #field_, .type = (type_), .offset = offsetof(OBJ, field_), \
		.flags = (unsigned)(flags_), .min = (min_), .max = (max_)          \
	}
#define WORDS(field_, type_, flags_, words_)                                       \
	{                                                                          \
		.name = #field_, .type = (type_), .offset = offsetof(OBJ, field_), \
		.flags = (unsigned)(flags_), .words = (words_)                     \
	}
/* A number whose range has words of its own (spec 1). */
#define RANGE(field_, type_, flags_, min_, max_, range_)                                     \
	{                                                                                    \
		.name = #field_, .type = (type_), .offset = offsetof(OBJ, field_),           \
		.flags = (unsigned)(flags_), .min = (min_), .max = (max_), .range = (range_) \
	}
#define ID(field_, flags_) F(field_, FIELD_ID, flags_, 0, ID_MAX)
#define SCHEMA(name_, prefix_)                                \
	const struct schema schema_##name_ = {.name = #name_, \
		.prefix = (prefix_),                          \
		.size = sizeof(OBJ),                          \
		.fields = name_##_fields,                     \
		.n = ARRAY_LEN(name_##_fields)}

/* 0 is the system's default; what a network's families need is network_check's business. */
static int mtu_range(int64_t mtu, const char *field, struct err *e)
{
	return mtu_check(mtu, 0, field, e);
}

#define OBJ struct project
static const struct field project_fields[] = {
	ID(id, 0),
	F(name, FIELD_STR, EDIT | MUST, NAME_MIN, NAME_MAX),
	F(granted_ranges, FIELD_PREFIXES, EDIT, 0, RANGES_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(project, "prj");
#undef OBJ

#define OBJ struct network
static const struct field network_fields[] = {
	ID(id, 0),
	ID(project, 0),
	F(name, FIELD_STR, EDIT | MUST, NAME_MIN, NAME_MAX),
	F(domain, FIELD_STR, EDIT, 0, DOMAIN_MAX),
	F(interface, FIELD_STR, 0, 0, IFNAME_LEN - 1),
	WORDS(topology, FIELD_ENUM, EDIT, topology_words),
	F(ipv4, FIELD_PREFIX, MAKE, 0, 0),
	F(ipv6, FIELD_PREFIX, MAKE, 0, 0),
	F(node_first, FIELD_ADDR, MAKE, 0, 0),
	F(node_last, FIELD_ADDR, MAKE, 0, 0),
	F(gateway_addr, FIELD_ADDR, MAKE, 0, 0),
	F(device_first, FIELD_ADDR, MAKE, 0, 0),
	F(device_last, FIELD_ADDR, MAKE, 0, 0),
	RANGE(listen_port, FIELD_U16, EDIT, 1, PORT_MAX, listen_port_check),
	RANGE(mtu, FIELD_U32, EDIT, 0, MTU_MAX, mtu_range),
	F(keepalive, FIELD_U16, EDIT, 0, SECONDS_MAX),
	F(psk, FIELD_BOOL, EDIT, 0, 0),
	F(psk_epoch, FIELD_U64, PATCH, 0, ANY_U64),
	F(dns, FIELD_STRS, EDIT, 0, DNS_MAX),
	F(dns_serve, FIELD_BOOL, EDIT, 0, 0),
	F(dns_upstreams, FIELD_STRS, EDIT, 0, DNS_MAX),
	F(region_ranges, FIELD_STRS, EDIT, 0, PREFIXES_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(network, "net");
#undef OBJ

#define OBJ struct node
static const struct field node_fields[] = {
	ID(id, 0),
	ID(project, 0),
	F(name, FIELD_STR, PATCH, NAME_MIN, NAME_MAX),
	F(enabled, FIELD_BOOL, PATCH, 0, 0),
	F(generation, FIELD_U32, 0, 0, ANY_U32),
	F(bearer_hash, FIELD_STR, HIDE, 0, HASH_MAX),
	F(join_token, FIELD_STR, HIDE, 0, ID_MAX),
	WORDS(granted_roles, FIELD_BITS, 0, role_words),
	F(joined_at, FIELD_TIME, 0, 0, 0),
	F(confirmed_at, FIELD_TIME, 0, 0, 0),
	F(revision, FIELD_U64, 0, 0, ANY_U64),
	F(applied_revision, FIELD_U64, 0, 0, ANY_U64),
	F(deploy_error, FIELD_STR, 0, 0, DEPLOY_ERROR_MAX),
	F(version, FIELD_STR, 0, 0, NAME_MAX),
	F(backend, FIELD_STR, 0, 0, NAME_MAX),
	F(last_heartbeat, FIELD_TIME, 0, 0, 0),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(node, "node");
#undef OBJ

#define OBJ struct member
static const struct field member_fields[] = {
	ID(id, 0),
	ID(project, 0),
	ID(network, 0),
	ID(node, 0),
	ID(group, 0),
	WORDS(roles, FIELD_BITS, 0, role_words),
	F(public_key, FIELD_KEY, 0, 0, 0),
	F(ipv4, FIELD_ADDR, 0, 0, 0),
	F(ipv6, FIELD_ADDR, 0, 0, 0),
	RANGE(listen_port, FIELD_U16, PATCH, 1, PORT_MAX, listen_port_check),
	F(endpoint, FIELD_STR, PATCH, 0, ENDPOINT_MAX),
	F(observed_endpoint, FIELD_STR, 0, 0, ENDPOINT_MAX),
	F(near_endpoint, FIELD_STR, 0, 0, ENDPOINT_MAX),
	F(calls_from, FIELD_PREFIX, 0, 0, 0),
	F(region, FIELD_STR, PATCH, 0, NAME_MAX),
	F(local_subnets, FIELD_PREFIXES, PATCH, 0, PREFIXES_MAX),
	F(masquerade, FIELD_BOOL, PATCH, 0, 0),
	F(rotating, FIELD_BOOL, 0, 0, 0),
	F(rotate_now, FIELD_BOOL, 0, 0, 0),
	F(next_public_key, FIELD_KEY, 0, 0, 0),
	F(switching, FIELD_BOOL, 0, 0, 0),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(member, "mem");
#undef OBJ

#define OBJ struct group
static const struct field group_fields[] = {
	ID(id, 0),
	ID(project, 0),
	ID(network, MAKE),
	F(name, FIELD_STR, EDIT | MUST, NAME_MIN, NAME_MAX),
	WORDS(mode, FIELD_ENUM, EDIT, group_mode_words),
	F(public_key, FIELD_KEY, 0, 0, 0),
	RANGE(listen_port, FIELD_U16, EDIT, 1, PORT_MAX, listen_port_check),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(group, "grp");
#undef OBJ

#define OBJ struct device
static const struct field device_fields[] = {
	ID(id, 0),
	ID(project, 0),
	ID(network, MAKE),
	ID(group, MAKE),
	WORDS(kind, FIELD_ENUM, 0, device_kind_words),
	F(name, FIELD_STR, EDIT | MUST, NAME_MIN, NAME_MAX),
	F(description, FIELD_STR, EDIT, 0, TEXT_MAX),
	F(dns_name, FIELD_STR, 0, 0, LABEL_MAX),
	F(owner, FIELD_STR, 0, 0, NAME_MAX),
	F(tags, FIELD_STRS, EDIT, 0, TAGS_MAX),
	F(enabled, FIELD_BOOL, EDIT, 0, 0),
	F(expires_at, FIELD_TIME, EDIT, 0, 0),
	F(public_key, FIELD_KEY, MAKE, 0, 0),
	F(ipv4, FIELD_ADDR, 0, 0, 0),
	F(ipv6, FIELD_ADDR, 0, 0, 0),
	F(allowed_ips, FIELD_PREFIXES, EDIT, 0, PREFIXES_MAX),
	F(full_tunnel, FIELD_BOOL, EDIT, 0, 0),
	F(exit, FIELD_STR, EDIT, 0, NAME_MAX),
	F(dns, FIELD_STRS, EDIT, 0, DNS_MAX),
	RANGE(mtu, FIELD_U32, EDIT, 0, MTU_MAX, mtu_range),
	F(keepalive, FIELD_I32, EDIT, INHERIT, SECONDS_MAX),
	F(imported_psk, FIELD_BOOL, 0, 0, 0),
	F(rate_limit, FIELD_U64, EDIT, 0, RATE_MAX),
	F(config_hash, FIELD_STR, HIDE, 0, HASH_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
	F(key_at, FIELD_TIME, 0, 0, 0),
	F(last_seen, FIELD_TIME, 0, 0, 0),
	F(rx, FIELD_U64, 0, 0, ANY_U64),
	F(tx, FIELD_U64, 0, 0, ANY_U64),
	ID(at, HIDE),
	ID(entry, 0),
	ID(config_entry, HIDE),
	F(quota_bytes, FIELD_U64, EDIT, 0, QUOTA_BYTES_MAX),
	WORDS(quota_period, FIELD_ENUM, EDIT, quota_period_words),
	F(quota_from, FIELD_TIME, HIDE, 0, 0),
	F(quota_start, FIELD_U64, HIDE, 0, ANY_U64),
	F(over_quota, FIELD_BOOL, HIDE, 0, 0),
	F(quota_left, FIELD_U64, HIDE, 0, ANY_U64),
	F(quota_grant, FIELD_U64, HIDE, 0, ANY_U64),
};
SCHEMA(device, "cl");
#undef OBJ

#define OBJ struct policy
static const struct field policy_fields[] = {
	ID(id, 0),
	ID(project, 0),
	ID(network, MAKE),
	F(name, FIELD_STR, EDIT | MUST, NAME_MIN, NAME_MAX),
	F(enabled, FIELD_BOOL, EDIT, 0, 0),
	F(rules, FIELD_RULES, EDIT, 0, RULES_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(policy, "pol");
#undef OBJ

#define OBJ struct user
static const struct field user_fields[] = {
	ID(id, 0),
	ID(project, 0),
	F(name, FIELD_STR, MAKE | MUST, NAME_MIN, NAME_MAX),
	F(role, FIELD_STR, EDIT, NAME_MIN, NAME_MAX),
	F(scopes, FIELD_STRS, EDIT, 0, SCOPES_MAX),
	F(grants, FIELD_STRS, EDIT, 0, SCOPES_MAX),
	F(enabled, FIELD_BOOL, EDIT, 0, 0),
	F(must_change_password, FIELD_BOOL, EDIT, 0, 0),
	F(password_hash, FIELD_STR, HIDE, 0, HASH_MAX),
	F(totp, FIELD_BOOL, 0, 0, 0),
	F(totp_step, FIELD_U64, HIDE, 0, ANY_U64),
	F(recovery, FIELD_STRS, HIDE, 0, RECOVERY_MAX),
	F(issuer, FIELD_STR, EDIT, 0, ID_MAX),
	F(subject, FIELD_STR, EDIT, 0, TEXT_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
	F(last_login, FIELD_TIME, 0, 0, 0),
};
SCHEMA(user, "usr");
#undef OBJ

#define OBJ struct token
static const struct field token_fields[] = {
	ID(id, 0),
	ID(project, 0),
	WORDS(kind, FIELD_ENUM, MAKE, token_kind_words),
	F(name, FIELD_STR, MAKE | MUST, NAME_MIN, NAME_MAX),
	F(hash, FIELD_STR, HIDE, 0, HASH_MAX),
	F(role, FIELD_STR, MAKE, NAME_MIN, NAME_MAX),
	F(scopes, FIELD_STRS, MAKE, 0, SCOPES_MAX),
	F(grants, FIELD_STRS, MAKE, 0, SCOPES_MAX),
	F(networks, FIELD_STRS, MAKE, 0, JOIN_NETWORKS_MAX),
	WORDS(roles, FIELD_BITS, MAKE, role_words),
	F(node, FIELD_STR, MAKE, 0, NAME_MAX),
	F(uses_left, FIELD_U32, MAKE, 0, ANY_U32),
	F(created_by, FIELD_STR, 0, 0, NAME_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
	F(expires_at, FIELD_TIME, MAKE, 0, 0),
	F(last_used, FIELD_TIME, 0, 0, 0),
};
SCHEMA(token, "tok");
#undef OBJ

#define OBJ struct session
static const struct field session_fields[] = {
	ID(id, 0),
	ID(user, 0),
	F(hash, FIELD_STR, HIDE, 0, HASH_MAX),
	F(address, FIELD_STR, 0, 0, NAME_MAX),
	F(agent, FIELD_STR, 0, 0, TEXT_MAX),
	F(created_at, FIELD_TIME, 0, 0, 0),
	F(last_used, FIELD_TIME, 0, 0, 0),
	F(expires_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(session, "ses");
#undef OBJ

#define OBJ struct once
static const struct field once_fields[] = {
	ID(id, 0),
	ID(project, 0),
	ID(object, 0),
	F(hash, FIELD_STR, HIDE, 0, HASH_MAX),
	F(sealed, FIELD_STR, HIDE, 0, SEALED_MAX),
	F(expires_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(once, "once");
#undef OBJ

#define OBJ struct audit
static const struct field audit_fields[] = {
	ID(id, 0),
	ID(project, 0),
	F(at, FIELD_TIME, 0, 0, 0),
	F(actor, FIELD_STR, 0, 0, TEXT_MAX),
	F(action, FIELD_STR, 0, 0, TEXT_MAX),
	F(object, FIELD_STR, 0, 0, TEXT_MAX),
	F(detail, FIELD_STR, 0, 0, DETAIL_MAX),
	F(hash, FIELD_STR, 0, 0, HASH_MAX),
};
SCHEMA(audit, "aud");
#undef OBJ

#define OBJ struct access_role
static const struct field role_fields[] = {
	ID(id, 0),
	ID(project, 0),
	F(name, FIELD_STR, MAKE | MUST, NAME_MIN, NAME_MAX),
	F(description, FIELD_STR, EDIT, 0, TEXT_MAX),
	WORDS(permissions, FIELD_BITS, EDIT | MUST, permission_words),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(role, "role");
#undef OBJ

#define OBJ struct issuer
static const struct field issuer_fields[] = {
	ID(id, 0),
	ID(project, 0),
	F(name, FIELD_STR, EDIT | MUST, NAME_MIN, NAME_MAX),
	F(url, FIELD_STR, MAKE | MUST, 1, TEXT_MAX),
	F(client_id, FIELD_STR, EDIT | MUST, 1, TEXT_MAX),
	F(scope, FIELD_STR, EDIT, 0, TEXT_MAX),
	F(role_claim, FIELD_STR, EDIT, 0, TEXT_MAX),
	F(role_map, FIELD_STRS, EDIT, 0, ROLE_MAP_MAX),
	F(default_role, FIELD_STR, EDIT, 0, NAME_MAX),
	F(create_users, FIELD_BOOL, EDIT, 0, 0),
	F(enabled, FIELD_BOOL, EDIT, 0, 0),
	F(created_at, FIELD_TIME, 0, 0, 0),
};
SCHEMA(issuer, "iss");
#undef OBJ

const struct schema *const schemas[] = {&schema_project, &schema_network, &schema_node,
	&schema_member, &schema_group, &schema_device, &schema_policy, &schema_user, &schema_token,
	&schema_session, &schema_once, &schema_audit, &schema_role, &schema_issuer, NULL};

const struct field *schema_field(const struct schema *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->fields[i].name, name) == 0)
			return &s->fields[i];
	return NULL;
}

/* --- how each type is copied, compared and freed -------------------------------------------- */

static void copy_str(void *to, const void *from)
{
	*(char **)to = mem_strdup(*(char *const *)from);
}

static void done_str(void *p)
{
	mem_free(*(char **)p);
}

static int equal_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int equal_str(const void *a, const void *b)
{
	return equal_text(*(char *const *)a, *(char *const *)b);
}

static int equal_id(const void *a, const void *b)
{
	return strcmp(a, b) == 0;
}

static int equal_addr(const void *a, const void *b)
{
	return addr_compare(*(const struct addr *)a, *(const struct addr *)b) == 0;
}

static int equal_prefix(const void *a, const void *b)
{
	return prefix_compare(*(const struct prefix *)a, *(const struct prefix *)b) == 0;
}

static void copy_prefixes(void *to, const void *from)
{
	prefix_vec_copy(to, from);
}

/* As lists: an object someone re-ordered is a changed object. */
static int equal_prefixes(const void *a, const void *b)
{
	const struct prefix_vec *x = a, *y = b;

	if (x->n != y->n)
		return 0;
	for (size_t i = 0; i < x->n; i++)
		if (prefix_compare(x->v[i], y->v[i]) != 0)
			return 0;
	return 1;
}

static void done_prefixes(void *p)
{
	VEC_DONE((struct prefix_vec *)p);
}

static void copy_strs(void *to, const void *from)
{
	strs_copy(to, from);
}

static int equal_strs(const void *a, const void *b)
{
	return strs_equal(a, b);
}

static void done_strs(void *p)
{
	strs_done(p);
}

static void copy_rules(void *to, const void *from)
{
	VEC_FOREACH (r, (const struct rule_vec *)from) {
		struct rule copy = {.protocol = mem_strdup(r->protocol)};

		strs_copy(&copy.from, &r->from);
		strs_copy(&copy.to, &r->to);
		strs_copy(&copy.ports, &r->ports);
		VEC_PUSH((struct rule_vec *)to, copy);
	}
}

static int equal_rules(const void *a, const void *b)
{
	const struct rule_vec *x = a, *y = b;

	if (x->n != y->n)
		return 0;
	for (size_t i = 0; i < x->n; i++) {
		const struct rule *r = &x->v[i], *q = &y->v[i];

		if (!strs_equal(&r->from, &q->from) || !strs_equal(&r->to, &q->to) ||
			!strs_equal(&r->ports, &q->ports) || !equal_text(r->protocol, q->protocol))
			return 0;
	}
	return 1;
}

static void done_rules(void *p)
{
	VEC_FOREACH (r, (struct rule_vec *)p) {
		strs_done(&r->from);
		strs_done(&r->to);
		strs_done(&r->ports);
		mem_free(r->protocol);
	}
	VEC_DONE((struct rule_vec *)p);
}

/* NULL functions: plain bytes of that size, without padding inside. */
static const struct type_ops {
	size_t size;
	void (*copy)(void *to, const void *from);
	int (*equal)(const void *a, const void *b);
	void (*done)(void *p);
} types[] = {
	[FIELD_ID] = {sizeof(id_text), NULL, equal_id, NULL},
	[FIELD_STR] = {sizeof(char *), copy_str, equal_str, done_str},
	[FIELD_BOOL] = {sizeof(bool), NULL, NULL, NULL},
	[FIELD_U16] = {sizeof(uint16_t), NULL, NULL, NULL},
	[FIELD_U32] = {sizeof(uint32_t), NULL, NULL, NULL},
	[FIELD_I32] = {sizeof(int32_t), NULL, NULL, NULL},
	[FIELD_U64] = {sizeof(uint64_t), NULL, NULL, NULL},
	[FIELD_TIME] = {sizeof(msec), NULL, NULL, NULL},
	[FIELD_ENUM] = {sizeof(int), NULL, NULL, NULL},
	[FIELD_BITS] = {sizeof(unsigned), NULL, NULL, NULL},
	[FIELD_KEY] = {sizeof(struct public_key), NULL, NULL, NULL},
	[FIELD_ADDR] = {sizeof(struct addr), NULL, equal_addr, NULL},
	[FIELD_PREFIX] = {sizeof(struct prefix), NULL, equal_prefix, NULL},
	[FIELD_PREFIXES] = {sizeof(struct prefix_vec), copy_prefixes, equal_prefixes,
		done_prefixes},
	[FIELD_STRS] = {sizeof(struct strs), copy_strs, equal_strs, done_strs},
	[FIELD_RULES] = {sizeof(struct rule_vec), copy_rules, equal_rules, done_rules},
};

void schema_copy(const struct schema *s, void *to, const void *from)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct field *f = &s->fields[i];
		const struct type_ops *t = &types[f->type];

		if (t->copy != NULL)
			t->copy(field_at(f, to), field_at(f, from));
		else
			memcpy(field_at(f, to), field_at(f, from), t->size);
	}
}

int schema_field_equal(const struct field *f, const void *a, const void *b)
{
	const struct type_ops *t = &types[f->type];

	return t->equal != NULL ? t->equal(field_at(f, a), field_at(f, b))
				: memcmp(field_at(f, a), field_at(f, b), t->size) == 0;
}

int schema_equal(const struct schema *s, const void *a, const void *b)
{
	for (size_t i = 0; i < s->n; i++)
		if (!schema_field_equal(&s->fields[i], a, b))
			return 0;
	return 1;
}

void schema_done(const struct schema *s, void *object)
{
	for (size_t i = 0; i < s->n; i++)
		if (types[s->fields[i].type].done != NULL)
			types[s->fields[i].type].done(field_at(&s->fields[i], object));
	memset(object, 0, s->size);
}

void *schema_dup(const struct schema *s, const void *from)
{
	void *to = mem_zalloc(s->size);

	schema_copy(s, to, from);
	return to;
}

void *schema_free(const struct schema *s, void *object)
{
	if (object != NULL) {
		schema_done(s, object);
		mem_free(object);
	}
	return NULL;
}
