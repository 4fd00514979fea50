/*
 * DOC: the data model: everything the control plane stores. Read this header first; it is the
 * story of Warren. A project (tenant) has networks; a network is one overlay with address pools.
 * A node runs the agent; a member is that node in one network, with its own key, addresses, port
 * and roles. Gateways are gathered in groups that share one identity; a device is a WireGuard end
 * with no agent (a phone) that is valid at every gateway of its group. Policies say who may reach
 * whom; without one everything is denied.
 *
 * Every struct has a table of fields in schema.c. That table, not hand-written code, drives JSON
 * bodies, SQL columns, copying, comparing and freeing. Strings are owned by the struct and may be
 * NULL (= unset). Times are wall milliseconds, 0 = unset. Fields are grouped: identity, what people
 * configure, what Warren assigns, what was observed.
 */
#ifndef WARREN_MODEL_OBJECTS_H
#define WARREN_MODEL_OBJECTS_H

#include "base/clock.h"
#include "base/vec.h"
#include "crypto/secret.h"
#include "model/id.h"
#include "model/prefix.h"

#include <stdbool.h>

/* The tenant. Nothing crosses a project. */
struct project {
	id_text id; /* prj_ */
	char *name;
	struct prefix_vec granted_ranges; /* outside ranges a system-admin lets it use */
	msec created_at;
};

enum topology { TOPOLOGY_MESH, TOPOLOGY_HUB };

/* One overlay. The three ranges never overlap: nodes, the gateways' shared address, devices. */
struct network {
	id_text id; /* net_ */
	id_text project;
	char *name;                            /* unique in the project */
	char *domain;                          /* DNS domain, default = name */
	char *interface;                       /* name an import brought; NULL = from the name */
	int topology;                          /* enum topology */
	struct prefix ipv4;                    /* pool; unset = IPv6 only. Default 172.30.0.0/16 */
	struct prefix ipv6;                    /* ULA /64 */
	struct addr node_first, node_last;     /* range for nodes */
	struct addr gateway_addr;              /* device side of every gateway (anycast) */
	struct addr device_first, device_last; /* range for devices */
	uint16_t listen_port;                  /* default of its interfaces, 51820 */
	uint32_t mtu;                          /* 0 = system default */
	uint16_t keepalive;                    /* seconds, 25; 0 = off */
	bool psk;                              /* a derived pre-shared key on every link */
	uint64_t psk_epoch;                    /* raised to change all of them */
	struct strs dns;                       /* resolvers written into device configurations */
	bool dns_serve;                        /* its nodes answer for its domain */
	struct strs dns_upstreams;             /* where they forward to; empty = as their host */
	struct strs region_ranges;             /* "CIDR=REGION": who calls from there is near it */
	msec created_at;
};

/* A machine that runs the agent. Its private keys are made on it and never leave it. */
struct node {
	id_text id; /* node_ */
	id_text project;
	char *name; /* unique in the project */
	bool enabled;
	uint32_t generation;    /* of its node secret; raised by re-registration */
	char *bearer_hash;      /* hex SHA-256 of its bearer; never in an answer */
	char *join_token;       /* id of the token it joined with */
	unsigned granted_roles; /* enum role bits its join token granted: it may have no others */
	msec joined_at;         /* when it last did */
	msec confirmed_at;      /* first heartbeat: replays of the registration end here */
	uint64_t revision;      /* of its desired state */
	uint64_t applied_revision; /* observed */
	char *deploy_error;        /* observed: reason of deploy state "error" */
	char *version;             /* observed: agent version */
	char *backend;             /* observed: "kernel", "userspace" or "memory" */
	msec last_heartbeat;       /* observed */
	msec created_at;
};

/* Bits of member.roles. A role acts only if the join token granted it. */
enum role { ROLE_PEER = 1, ROLE_CONTROLLER = 2, ROLE_GATEWAY = 4, ROLE_EXIT = 8 };

/* A node in a network. */
struct member {
	id_text id; /* mem_ */
	id_text project;
	id_text network;
	id_text node;
	id_text group;                /* its gateway group; "" unless ROLE_GATEWAY */
	unsigned roles;               /* enum role bits */
	struct public_key public_key; /* of its own (direct) interface; zero until announced */
	struct addr ipv4, ipv6;       /* mesh addresses, leased */
	uint16_t listen_port;         /* of its first interface; unique per machine */
	char *endpoint;               /* "host:port" as configured; NULL = observed */
	char *observed_endpoint;      /* address the control plane or a peer saw */
	char *near_endpoint;      /* its own address, behind a NAT; for who calls from there, too */
	struct prefix calls_from; /* where its calls come from: an IPv4 address, or an IPv6 /64 */
	char *region;
	struct prefix_vec local_subnets; /* what lies behind it, inside granted_ranges */
	bool masquerade; /* hide the overlay behind this node towards local_subnets */
	bool rotating;   /* a new key was asked for and has not been announced yet */
	bool rotate_now; /* and is to take the old one's place at once when it is */
	/* Announced: its peers take both until public_key is this one. */
	struct public_key next_public_key;
	bool switching; /* the node itself was told to use the next key */
	msec created_at;
};

enum group_mode { GROUP_ACTIVE_ACTIVE, GROUP_ACTIVE_STANDBY };

/* Gateways that share one identity key, one pool and one device list. */
struct group {
	id_text id; /* grp_ */
	id_text project;
	id_text network;
	char *name;                   /* unique in the network */
	int mode;                     /* enum group_mode */
	struct public_key public_key; /* the shared identity; its private half is a sealed secret */
	uint16_t listen_port;         /* of the devices interface on each member */
	msec created_at;
};

enum device_kind { DEVICE_CLIENT, DEVICE_SITE, DEVICE_CONNECTION };

/* Bits a second. Below the least a full packet would wait for longer than connections do; above the
 * most nftables does not count: it keeps nanoseconds times bytes a second in 64 bits. */
#define DEVICE_RATE_MIN 16000
#define DEVICE_RATE_MAX 100000000000LL

/* When a quota begins anew: never, each day or each month (UTC). */
enum quota_period { QUOTA_NONE, QUOTA_DAY, QUOTA_MONTH };

/* A WireGuard end with no agent. */
struct device {
	id_text id; /* cl_ (client), site_, conn_ */
	id_text project;
	id_text network;
	id_text group;
	int kind;   /* enum device_kind */
	char *name; /* unique in the network */
	char *description;
	char *dns_name; /* label made from the name, unique in the domain */
	char *owner;    /* id of the user or token that made it */
	struct strs tags;
	bool enabled;
	msec expires_at; /* 0 = never; carried to the gateway as not_after */
	struct public_key public_key;
	struct addr ipv4, ipv6;        /* leased; kept while disabled */
	struct prefix_vec allowed_ips; /* custom split; empty = the mesh */
	bool full_tunnel;              /* 0.0.0.0/0 and ::/0 */
	char *exit;      /* node its full tunnel leaves by; NULL = the gateway, else the nearest */
	struct strs dns; /* empty = the network's */
	uint32_t mtu;    /* 0 = the network's */
	int32_t keepalive;   /* seconds; -1 = the network's */
	bool imported_psk;   /* its pre-shared key came with an import; kept until it rotates */
	uint64_t rate_limit; /* bits a second, for each direction; 0 = none */
	char *config_hash;   /* of the configuration last handed out, to tell stale ones */
	msec created_at;
	msec key_at;     /* when public_key was set */
	msec last_seen;  /* observed: newest handshake, 0 = never */
	uint64_t rx, tx; /* observed: bytes, as the gateway counts them */
	id_text at;      /* observed: member it is at, away from its group's home; "" = at home */
	/* The gateway (a node) its configuration names; "" = the group's first that can be used. It
	 * is valid at the others, too, and no plan depends on this. */
	id_text entry;
	id_text config_entry; /* the one named by the file handed out last, when asked for */
	/* Bytes it may use, both directions together, over all gateways; 0 = any number. */
	uint64_t quota_bytes;
	int quota_period;     /* enum quota_period */
	msec quota_from;      /* when the present period began */
	uint64_t quota_start; /* what was used before it */
	bool over_quota;      /* all is used: no gateway lets it in */
	/* What gateways may let through by themselves until they are told anew (plan/link.h). */
	uint64_t quota_left;
	uint64_t quota_grant; /* number of that; 0 = there is no quota */
};

/* One allow rule. Lists are "or"; empty ports = all. */
struct rule {
	struct strs from; /* selectors: "*", "nodes", "clients", "sites", "tag:x", id, CIDR */
	struct strs to;
	char *protocol;    /* "any", "tcp", "udp", "icmp" */
	struct strs ports; /* "443" or "8000-8999"; only with tcp or udp */
};
VEC_TYPE(rule_vec, struct rule);

struct policy {
	id_text id; /* pol_ */
	id_text project;
	id_text network;
	char *name;
	bool enabled;
	struct rule_vec rules;
	msec created_at;
};

/* What a call may need. Roles are named sets of these bits. */
enum permission {
	PERM_FLEET_READ = 1,
	PERM_FLEET_WRITE = 2,
	PERM_CLIENT_MANAGE = 4,
	PERM_CLIENT_CONFIG = 8,
	PERM_ROUTER_SCRIPT = 16,
	PERM_ROUTER_CONFIG = 32,
	PERM_VPN_READ = 64,
	PERM_VPN_WRITE = 128,
	PERM_IAM = 256,
	PERM_AUDIT_READ = 512,
	PERM_SYSTEM = 1024, /* the server itself: projects, settings, sign-on */
};

#define ROLE_VIEWER "viewer"
#define ROLE_SYSTEM_ADMIN "system-admin"

/* A role of a project's own; the built-in ones are no objects (control/rights.h). */
struct access_role {
	id_text id; /* role_ */
	id_text project;
	char *name; /* unique in the project; never changes, for users name it */
	char *description;
	unsigned permissions; /* enum permission bits */
	msec created_at;
};

struct user {
	id_text id;      /* usr_ */
	id_text project; /* "" for a system-admin */
	char *name;      /* login, unique */
	char *role;      /* a built-in role or one of the project's */
	struct strs
		scopes; /* where the role acts: object ids, "tag:x"; empty = the whole project */
	struct strs grants; /* besides: "ROLE", "PERMISSION", either with "@SCOPE" behind it */
	bool enabled;
	bool must_change_password;
	char *password_hash;  /* never in an answer; NULL = none: signs in by an issuer only */
	bool totp;            /* a second step is asked for */
	uint64_t totp_step;   /* the last time step used: each code works once */
	struct strs recovery; /* hex SHA-256 of the codes that are left */
	char *issuer;         /* id of the sign-on issuer this user comes from, or NULL */
	char *subject;        /* what that issuer calls the user ("sub") */
	msec created_at;
	msec last_login;
};

/* Somebody else who says who people are (OpenID Connect). Its client secret is sealed. */
struct issuer {
	id_text id;      /* iss_ */
	id_text project; /* of the users it makes */
	char *name;      /* on the button; unique */
	char *url;       /* "iss" of its tokens, exactly */
	char *client_id;
	char *scope;          /* asked for besides openid: "profile email groups" */
	char *role_claim;     /* claim whose values role_map turns into roles, or NULL */
	struct strs role_map; /* "VALUE=ROLE"; the first that fits counts */
	char *default_role;   /* when none fits; NULL = refused */
	bool create_users;    /* people it names who are not known get a user */
	bool enabled;
	msec created_at;
};

enum token_kind { TOKEN_KIND_API, TOKEN_KIND_JOIN };

/* API and join tokens. Only the hash of the text is stored. */
struct token {
	id_text id; /* tok_ */
	id_text project;
	int kind; /* enum token_kind */
	char *name;
	char *hash;           /* hex SHA-256 of the text; never in an answer */
	char *role;           /* API: role it acts with */
	struct strs scopes;   /* API: as a user's */
	struct strs grants;   /* API: as a user's */
	struct strs networks; /* join: network ids or names it admits to */
	unsigned roles;       /* join: enum role bits it grants */
	char *node;           /* join: the node a machine takes the place of, or NULL */
	uint32_t uses_left;   /* join: 0 = used up */
	char *created_by;     /* the user behind it (also when a token made it), or "local" */
	msec created_at;
	msec expires_at; /* 0 = never */
	msec last_used;
};

struct session {
	id_text id; /* ses_ */
	id_text user;
	char *hash;    /* hex SHA-256 of the cookie */
	char *address; /* it was opened from */
	char *agent;   /* the browser, as it calls itself */
	msec created_at;
	msec last_used; /* within a minute */
	msec expires_at;
};

/* A single-use link: sealed under the token in the link's fragment, gone after one opening. */
struct once {
	id_text id; /* once_ */
	id_text project;
	id_text object; /* the device it was made for */
	char *hash;     /* hex SHA-256 of the token */
	char *sealed;   /* base64 */
	msec expires_at;
};

/* One line of the audit log of a project. hash = SHA-256(previous hash || the other fields). */
struct audit {
	id_text id; /* aud_ */
	id_text project;
	msec at;
	char *actor;  /* user, token or node id, or "local" */
	char *action; /* "client.create", ... */
	char *object;
	char *detail; /* never a secret */
	char *hash;
};

#endif
