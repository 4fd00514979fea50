/* DOC: the table of nouns; see nouns.h. */
#include "cli/nouns.h"

#define BOTH (VERB_ADD | VERB_SET)
#define ALL (VERB_LIST | VERB_SHOW | VERB_ADD | VERB_SET | VERB_RM)

static const struct cli_column project_columns[] = {
	{"NAME", "name"}, {"GRANTED", "granted_ranges"}, {"ID", "id"}, {0}};
static const struct cli_field project_fields[] = {
	{"grant", "granted_ranges", AS_LIST, "CIDRS", "outside ranges it may use", BOTH},
	{0},
};

static const struct cli_column network_columns[] = {{"NAME", "name"}, {"TOPOLOGY", "topology"},
	{"IPV4", "ipv4"}, {"IPV6", "ipv6"}, {"PORT", "listen_port"}, {"ID", "id"}, {0}};
static const struct cli_field network_fields[] = {
	{"domain", "domain", AS_TEXT, "DOMAIN", "DNS domain (its name)", BOTH},
	{"topology", "topology", AS_TEXT, "mesh|hub", "who links to whom (mesh)", VERB_ADD},
	{"ipv4", "ipv4", AS_MAYBE, "CIDR|none", "IPv4 pool (172.30.0.0/16)", VERB_ADD},
	{"ipv6", "ipv6", AS_TEXT, "CIDR", "IPv6 prefix, a /64 of fd00::/8 (random)", VERB_ADD},
	{"port", "listen_port", AS_NUMBER, "PORT", "UDP port new members begin with (51820)", BOTH},
	{"mtu", "mtu", AS_NUMBER, "BYTES", "0 = system default", BOTH},
	{"keepalive", "keepalive", AS_NUMBER, "SECONDS", "25; 0 = off", BOTH},
	{"psk", "psk", AS_TEXT, "true|false", "a derived pre-shared key on each link", BOTH},
	{"dns", "dns", AS_LIST, "ADDRESSES", "resolvers in client configurations", BOTH},
	{"dns-serve", "dns_serve", AS_TEXT, "true|false", "its nodes answer for its domain (true)",
		BOTH},
	{"dns-upstreams", "dns_upstreams", AS_LIST, "ADDRESSES",
		"where other names are asked (as the gateway's host does)", BOTH},
	{"region-ranges", "region_ranges", AS_LIST, "CIDR=REGION,...",
		"who calls from there is near that region", BOTH},
	{0},
};

static const struct cli_column node_columns[] = {{"NAME", "name"}, {"LIVENESS", "liveness"},
	{"DEPLOY", "deploy"}, {"BACKEND", "backend"}, {"REVISION", "applied_revision"},
	{"VERSION", "version"}, {"ID", "id"}, {0}};

static const struct cli_field node_fields[] = {
	{"endpoint", "endpoint", AS_TEXT, "HOST:PORT", "where others reach it", VERB_SET},
	{"local-subnets", "local_subnets", AS_LIST, "CIDRS", "networks behind it", VERB_SET},
	{"masquerade", "masquerade", AS_TEXT, "true|false", "they see its address", VERB_SET},
	{"region", "region", AS_TEXT, "REGION", "where it stands", VERB_SET},
	{"port", "listen_port", AS_NUMBER, "PORT", "UDP port of its interfaces", VERB_SET},
	{"force", "force", AS_FLAG, NULL,
		"set, disable, leave, rm: also where nodes lose each other",
		VERB_SET | VERB_SWITCH | VERB_RM},
	{0},
};

static const struct cli_column group_columns[] = {{"NAME", "name"}, {"NETWORK", "network"},
	{"MODE", "mode"}, {"PORT", "listen_port"}, {"PUBLIC KEY", "public_key"}, {"ID", "id"}, {0}};
static const struct cli_field group_fields[] = {
	{"network", "network", AS_TEXT, "NETWORK", "its network", VERB_ADD},
	{"mode", "mode", AS_TEXT, "active-active|active-standby", "how members share work",
		VERB_ADD},
	{"port", "listen_port", AS_NUMBER, "PORT", "UDP port of the devices interface", BOTH},
	{0},
};

static const struct cli_column client_columns[] = {{"NAME", "name"}, {"ADDRESS", "mesh_ip"},
	{"LINK", "link_state"}, {"LAST SEEN", "last_seen"}, {"ENABLED", "enabled"},
	{"EXPIRES", "expires_at"}, {"STALE", "config_stale"}, {"ID", "id"}, {0}};
static const struct cli_field client_fields[] = {
	{"network", "network", AS_TEXT, "NETWORK", "the only one if left out", VERB_ADD},
	{"group", "group", AS_TEXT, "GROUP", "gateway group", VERB_ADD},
	{"gateway", "gateway", AS_TEXT, "NODE", "gateway its file names; it works at all", BOTH},
	{"region", "region", AS_TEXT, "REGION", "or one of that region (the nearest)", BOTH},
	{"description", "description", AS_TEXT, "TEXT", "a note", BOTH},
	{"allowed-ips", "allowed_ips", AS_LIST, "CIDRS", "route these into the tunnel", BOTH},
	{"full-tunnel", "full_tunnel", AS_TEXT, "true|false", "route everything", BOTH},
	{"exit", "exit", AS_TEXT, "NODE", "the node a full tunnel leaves by", BOTH},
	{"dns", "dns", AS_LIST, "ADDRESSES", "resolvers", BOTH},
	{"mtu", "mtu", AS_NUMBER, "BYTES", "0 = the network's", BOTH},
	{"keepalive", "keepalive", AS_NUMBER, "SECONDS", "-1 = the network's", BOTH},
	{"quota", "quota_bytes", AS_NUMBER, "BYTES", "both ways together; 0 = none", BOTH},
	{"quota-period", "quota_period", AS_TEXT, "PERIOD", "begins anew each: none, day, month",
		BOTH},
	{"rate-limit", "rate_limit", AS_NUMBER, "BITS", "a second, each way; 0 = none", BOTH},
	{"expires", "expires_at", AS_TIME, "TIME|30d|never", "when its access ends", BOTH},
	{"tag", "tags", AS_LIST, "TAGS", "for policies", BOTH},
	{0},
};

static const struct cli_column policy_columns[] = {
	{"NAME", "name"}, {"ENABLED", "enabled"}, {"RULES", "rules"}, {"ID", "id"}, {0}};

static const struct cli_column token_columns[] = {{"NAME", "name"}, {"KIND", "kind"},
	{"ROLES", "roles"}, {"ROLE", "role"}, {"USES", "uses_left"}, {"EXPIRES", "expires_at"},
	{"ID", "id"}, {0}};
static const struct cli_field token_fields[] = {
	{"kind", "kind", AS_TEXT, "join|api", "what it is for (join)", VERB_ADD},
	{"network", "networks", AS_LIST, "NETWORKS", "join: networks it admits to", VERB_ADD},
	{"roles", "roles", AS_LIST, "ROLES", "join: peer, controller, gateway, exit", VERB_ADD},
	{"node", "node", AS_TEXT, "NODE", "join: to take this node's place again", VERB_ADD},
	{"uses", "uses_left", AS_NUMBER, "N", "join: how often (1)", VERB_ADD},
	{"role", "role", AS_TEXT, "ROLE", "api: what it may do (warren role list)", VERB_ADD},
	{"scope", "scopes", AS_LIST, "SCOPES", "api: where: ids of objects, tag:NAME", VERB_ADD},
	{"grant", "grants", AS_LIST, "GRANTS", "api: besides: ROLE or PERMISSION, @SCOPE",
		VERB_ADD},
	{"expires", "expires_at", AS_TIME, "TIME|1h", "when it ends", VERB_ADD},
	{0},
};

static const struct cli_column user_columns[] = {{"NAME", "name"}, {"ROLE", "role"},
	{"ENABLED", "enabled"}, {"LAST LOGIN", "last_login"}, {"ID", "id"}, {0}};
static const struct cli_field user_fields[] = {
	{"role", "role", AS_TEXT, "ROLE", "what they may do (warren role list)", BOTH},
	{"scope", "scopes", AS_LIST, "SCOPES", "where: ids of objects, tag:NAME", BOTH},
	{"grant", "grants", AS_LIST, "GRANTS", "besides: ROLE or PERMISSION, @SCOPE", BOTH},
	{"issuer", "issuer", AS_TEXT, "ISSUER-ID", "signs in by this issuer ...", BOTH},
	{"subject", "subject", AS_TEXT, "SUB", "... which calls them so", BOTH},
	{0},
};

static const struct cli_column issuer_columns[] = {{"NAME", "name"}, {"URL", "url"},
	{"CLIENT", "client_id"}, {"ENABLED", "enabled"}, {"ID", "id"}, {0}};
static const struct cli_field issuer_fields[] = {
	{"issuer-url", "url", AS_TEXT, "URL", "its address, as it calls itself", VERB_ADD},
	{"client-id", "client_id", AS_TEXT, "ID", "what we are called there", BOTH},
	{"scope", "scope", AS_TEXT, "WORDS", "asked for besides openid (profile email)", BOTH},
	{"role-claim", "role_claim", AS_TEXT, "CLAIM", "claim that decides on the role", BOTH},
	{"role-map", "role_map", AS_LIST, "VALUE=ROLE,...", "the first that fits counts", BOTH},
	{"default-role", "default_role", AS_TEXT, "ROLE", "when none fits; else refused", BOTH},
	{"create-users", "create_users", AS_TEXT, "true|false", "people not known get a user",
		BOTH},
	{0},
};

static const struct cli_column role_columns[] = {{"NAME", "name"}, {"PERMISSIONS", "permissions"},
	{"BUILT IN", "builtin"}, {"ID", "id"}, {0}};
static const struct cli_field role_fields[] = {
	{"permissions", "permissions", AS_LIST, "PERMISSIONS", "what its holders may do", BOTH},
	{"description", "description", AS_TEXT, "TEXT", "a note", BOTH},
	{0},
};

static const struct cli_column audit_columns[] = {
	{"TIME", "at"}, {"ACTOR", "actor"}, {"ACTION", "action"}, {"OBJECT", "object"}, {0}};

const struct cli_noun cli_nouns[] = {
	{.name = "network",
		.help = "overlays: address pools, ports, keepalive",
		.path = "/api/v1/networks",
		.verbs = ALL,
		.columns = network_columns,
		.fields = network_fields,
		.example = "warren network add office --ipv4 10.80.0.0/16"},
	{.name = "node",
		.help = "machines that run the agent",
		.path = "/api/v1/nodes",
		.verbs = VERB_LIST | VERB_SHOW | VERB_SWITCH | VERB_RM,
		.columns = node_columns,
		.fields = node_fields,
		.example = "warren node set gw1 --endpoint vpn.example.com:51820\n"
			   "  warren node leave gw1 office   (it keeps its other networks)",
		.own = node_verbs},
	{.name = "group",
		.help = "gateways that share one identity",
		.path = "/api/v1/groups",
		.verbs = ALL,
		.columns = group_columns,
		.fields = group_fields,
		.example = "warren group zone gateways --origin vpn.example.com -o gateways.zone",
		.own = group_verbs},
	{.name = "client",
		.help = "phones, laptops: configurations and QR codes",
		.path = "/api/v1/wireguard/clients",
		.verbs = VERB_LIST | VERB_SHOW | VERB_ADD | VERB_SET | VERB_SWITCH | VERB_RM,
		.columns = client_columns,
		.fields = client_fields,
		.example = "warren client add 'Ann phone' --qr",
		.own = client_verbs},
	{.name = "policy",
		.help = "who may reach whom",
		.path = "/api/v1/policies",
		.verbs = VERB_LIST | VERB_SHOW | VERB_SWITCH | VERB_RM,
		.columns = policy_columns,
		.example = "warren policy add lan --from clients --to 10.50.0.0/24",
		.own = policy_verbs},
	{.name = "token",
		.help = "join tokens for nodes, API tokens for programs",
		.path = "/api/v1/tokens",
		.verbs = VERB_LIST | VERB_SHOW | VERB_RM,
		.columns = token_columns,
		.fields = token_fields,
		.example = "warren token add --kind join --network default --roles gateway\n"
			   "  warren token add --kind join --node web   (web was built anew)",
		.own = token_verbs},
	{.name = "user",
		.help = "people who may sign in",
		.path = "/api/v1/users",
		.verbs = VERB_LIST | VERB_SHOW | VERB_SET | VERB_SWITCH | VERB_RM,
		.columns = user_columns,
		.fields = user_fields,
		.example = "warren user add ann --role org-admin",
		.own = user_verbs},
	{.name = "role",
		.help = "named sets of permissions",
		.path = "/api/v1/roles",
		.verbs = VERB_LIST | VERB_SHOW | VERB_ADD | VERB_SET | VERB_RM,
		.columns = role_columns,
		.fields = role_fields,
		.example = "warren role add helpdesk --permissions fleet:read,client:manage"},
	{.name = "issuer",
		.help = "who else may say who people are (OpenID Connect)",
		.path = "/api/v1/issuers",
		.verbs = VERB_LIST | VERB_SHOW | VERB_SWITCH | VERB_RM,
		.columns = issuer_columns,
		.fields = issuer_fields,
		.example =
			"warren issuer add acme --issuer-url https://login.example.com --client-id warren "
			"--client-secret-file FILE --create-users true --default-role viewer",
		.own = issuer_verbs},
	{.name = "setting",
		.help = "settings of the server",
		.path = "/api/v1/settings",
		.example = "warren setting set session_idle_minutes 60",
		.own = setting_verbs},
	{.name = "project",
		.help = "tenants",
		.path = "/api/v1/projects",
		.verbs = ALL,
		.columns = project_columns,
		.fields = project_fields,
		.example = "warren project set default --grant 10.50.0.0/24"},
	{.name = "keys",
		.help = "new keys for nodes and for the control plane",
		.path = "/api/v1/nodes",
		.example = "warren keys rotate --network default",
		.own = keys_verbs},
	{.name = "audit",
		.help = "who changed what",
		.path = "/api/v1/audit",
		.verbs = VERB_LIST,
		.columns = audit_columns,
		.example = "warren audit list",
		.own = audit_verbs},
	{0},
};

const struct cli_noun *cli_noun(const char *name)
{
	for (const struct cli_noun *n = cli_nouns; n->name != NULL; n++)
		if (strcmp(n->name, name) == 0)
			return n;
	return NULL;
}

struct cli_option *cli_noun_options(
	const struct cli_noun *n, unsigned verb, const struct cli_option *more)
{
	VEC(struct cli_option) v = {0};
	struct cli_option end = {0};

	for (const struct cli_field *f = n->fields; f != NULL && f->option != NULL; f++)
		if (f->verbs & verb) {
			struct cli_option o = {f->option, f->arg, f->help};

			VEC_PUSH(&v, o);
		}
	for (; more != NULL && more->name != NULL; more++)
		VEC_PUSH(&v, *more);
	VEC_PUSH(&v, end);
	return v.v;
}
