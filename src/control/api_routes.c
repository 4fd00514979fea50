/*
 * DOC: every route with the permission it takes (spec 2's atoms). Reading what a project has takes
 * fleet:read, clients client:manage, the rest of a project fleet:write, users and tokens
 * iam:user:manage, projects themselves and the server's settings system:manage. openapi.json says
 * the same, and a test holds the two together.
 */
#include "control/api_handlers.h"

#include "base/mem.h"

#define N 0 /* signing in is enough */
#define V PERM_FLEET_READ
#define L PERM_CLIENT_MANAGE
#define C PERM_CLIENT_CONFIG
#define O PERM_FLEET_WRITE
#define I PERM_IAM
#define A PERM_AUDIT_READ
#define S PERM_SYSTEM
#define ROUTE(method_, path_, fn_, permission_, flags_, schema_, query_)              \
	{                                                                             \
		.method = (method_), .path = (path_), .handler = api_enter,           \
		.acts = ((flags_)&ROUTE_ACTS) != 0, .data = &(const struct api_route) \
		{                                                                     \
			(fn_), (permission_), (flags_), (schema_), (query_)           \
		}                                                                     \
	}
#define API "/api/v1"
#define CLIENTS API "/wireguard/clients"

const struct http_route api_routes[] = {
	/* open to everybody */
	ROUTE("GET", "/", api_page, N, ROUTE_OPEN | ROUTE_STATIC, NULL, ""),
	ROUTE("GET", "/assets/{name}", api_asset, N, ROUTE_OPEN | ROUTE_STATIC, NULL, ""),
	ROUTE("GET", "/healthz", api_healthz, N, ROUTE_OPEN, NULL, ""),
	ROUTE("GET", "/readyz", api_readyz, N, ROUTE_OPEN, NULL, ""),
	ROUTE("GET", "/api/docs", api_docs, N, ROUTE_OPEN, NULL, ""),
	ROUTE("GET", API "/openapi.json", api_openapi, N, ROUTE_OPEN, NULL, ""),
	ROUTE("GET", "/once/{id}", api_once_page, N, ROUTE_OPEN, NULL, ""),
	ROUTE("POST", "/once/{id}", api_once_open, N, ROUTE_OPEN, NULL, ""),
	ROUTE("POST", API "/login", api_login, N, ROUTE_OPEN, NULL, ""),
	ROUTE("GET", API "/login/issuers", api_signon_buttons, N, ROUTE_OPEN, NULL, ""),
	ROUTE("GET", API "/login/issuers/{id}", api_signon_leave, N, ROUTE_OPEN | ROUTE_ACTS, NULL,
		""),
	ROUTE("GET", API "/login/callback", api_signon_return, N, ROUTE_OPEN | ROUTE_ACTS, NULL,
		"code state iss error error_description error_uri session_state scope"),

	/* oneself */
	ROUTE("POST", API "/logout", api_logout, N, ROUTE_SELF | ROUTE_NO_BODY, NULL, ""),
	ROUTE("GET", API "/me", api_me, N, ROUTE_SELF, NULL, ""),
	ROUTE("POST", API "/me/password", api_me_password, N, ROUTE_SELF, NULL, ""),
	ROUTE("GET", API "/me/sessions", api_me_sessions, N, 0, NULL, ""),
	ROUTE("DELETE", API "/me/sessions", api_me_sessions_end, N, 0, NULL, ""),
	ROUTE("DELETE", API "/me/sessions/{id}", api_me_session_end, N, 0, NULL, ""),
	ROUTE("POST", API "/me/totp", api_me_totp, N, 0, NULL, ""),
	ROUTE("POST", API "/me/totp/confirm", api_me_totp_confirm, N, 0, NULL, ""),
	ROUTE("POST", API "/me/totp/disable", api_me_totp_off, N, 0, NULL, ""),

	ROUTE("GET", API "/projects", api_list, V, 0, &schema_project, "list"),
	ROUTE("POST", API "/projects", api_project_create, S, 0, &schema_project, ""),
	ROUTE("GET", API "/projects/{id}", api_show, V, 0, &schema_project, ""),
	ROUTE("PATCH", API "/projects/{id}", api_project_change, S, 0, &schema_project, ""),
	ROUTE("DELETE", API "/projects/{id}", api_project_delete, S, 0, &schema_project, ""),

	ROUTE("GET", API "/networks", api_list, V, 0, &schema_network, "list"),
	ROUTE("POST", API "/networks", api_network_create, O, 0, &schema_network, ""),
	ROUTE("GET", API "/networks/{id}", api_network_show, V, 0, &schema_network, ""),
	ROUTE("PATCH", API "/networks/{id}", api_network_change, O, 0, &schema_network, ""),
	ROUTE("DELETE", API "/networks/{id}", api_network_delete, O, 0, &schema_network, ""),

	ROUTE("GET", API "/networks/{id}/endpoints", api_network_endpoints, V, 0, &schema_network,
		""),
	ROUTE("POST", API "/networks/{id}/rotate", api_network_rotate, O, ROUTE_NO_BODY,
		&schema_network, "now"),

	ROUTE("GET", API "/nodes", api_node_list, V, 0, &schema_node, "list"),
	ROUTE("POST", API "/nodes/cloud-init", api_node_cloud_init, O, 0, &schema_token, ""),
	ROUTE("GET", API "/nodes/{id}", api_node_show, V, 0, &schema_node, ""),
	ROUTE("PATCH", API "/nodes/{id}", api_node_change, O, 0, &schema_node, "force"),
	ROUTE("DELETE", API "/nodes/{id}", api_node_delete, O, 0, &schema_node, "force"),
	ROUTE("POST", API "/nodes/{id}/rotate", api_node_rotate, O, ROUTE_NO_BODY, &schema_node,
		"now"),
	ROUTE("GET", API "/nodes/{id}/state", api_node_state, V, 0, &schema_node, ""),

	ROUTE("GET", API "/members", api_list, V, 0, &schema_member, "list"),
	ROUTE("POST", API "/members", api_member_create, O, 0, &schema_member, ""),
	ROUTE("GET", API "/members/{id}", api_show, V, 0, &schema_member, ""),
	ROUTE("PATCH", API "/members/{id}", api_member_change, O, 0, &schema_member, "force"),
	ROUTE("DELETE", API "/members/{id}", api_member_delete, O, 0, &schema_member, "force"),

	ROUTE("GET", API "/groups", api_list, V, 0, &schema_group, "list"),
	ROUTE("POST", API "/groups", api_group_create, O, 0, &schema_group, ""),
	ROUTE("GET", API "/groups/{id}", api_show, V, 0, &schema_group, ""),
	ROUTE("PATCH", API "/groups/{id}", api_group_change, O, 0, &schema_group, ""),
	ROUTE("DELETE", API "/groups/{id}", api_group_delete, O, 0, &schema_group, ""),
	ROUTE("POST", API "/groups/{id}/rotate", api_group_rotate, O, ROUTE_NO_BODY, &schema_group,
		""),
	ROUTE("GET", API "/groups/{id}/zone", api_group_zone, V, 0, &schema_group, "origin ttl ns"),

	ROUTE("GET", CLIENTS, api_client_list, V, 0, &schema_device, "list link_state tag"),
	ROUTE("POST", CLIENTS, api_client_create, L, 0, &schema_device, "qr link format"),
	ROUTE("GET", CLIENTS "/{id}", api_client_show, V, 0, &schema_device, ""),
	ROUTE("PATCH", CLIENTS "/{id}", api_client_change, L, 0, &schema_device, ""),
	ROUTE("DELETE", CLIENTS "/{id}", api_client_delete, L, 0, &schema_device, ""),
	ROUTE("GET", CLIENTS "/{id}/config", api_client_config, C, ROUTE_ACTS, &schema_device,
		"format gateway region"),
	ROUTE("GET", CLIENTS "/{id}/mobileconfig", api_client_gone, C, 0, &schema_device,
		"gateway region"),
	ROUTE("GET", CLIENTS "/{id}/qr", api_client_gone, C, 0, &schema_device,
		"format gateway region"),
	ROUTE("POST", CLIENTS "/{id}/rotate", api_client_rotate, L, ROUTE_NO_BODY, &schema_device,
		"qr link format gateway region"),
	ROUTE("POST", CLIENTS "/{id}/link", api_client_gone, L, ROUTE_NO_BODY, &schema_device, ""),

	ROUTE("GET", API "/policies", api_list, V, 0, &schema_policy, "list"),
	ROUTE("POST", API "/policies", api_policy_create, O, 0, &schema_policy, ""),
	ROUTE("GET", API "/policies/{id}", api_show, V, 0, &schema_policy, ""),
	ROUTE("PATCH", API "/policies/{id}", api_policy_change, O, 0, &schema_policy, ""),
	ROUTE("DELETE", API "/policies/{id}", api_delete, O, 0, &schema_policy, ""),
	ROUTE("POST", API "/policies/what-if", api_policy_whatif, V, 0, &schema_policy, ""),
	ROUTE("POST", API "/policies/test", api_policy_test, V, 0, &schema_policy, ""),

	ROUTE("GET", API "/tokens", api_list, I, 0, &schema_token, "list"),
	ROUTE("POST", API "/tokens", api_token_create, I, 0, &schema_token, ""),
	ROUTE("GET", API "/tokens/{id}", api_show, I, 0, &schema_token, ""),
	ROUTE("DELETE", API "/tokens/{id}", api_delete, I, 0, &schema_token, ""),

	ROUTE("GET", API "/users", api_list, I, 0, &schema_user, "list"),
	ROUTE("POST", API "/users", api_user_create, I, 0, &schema_user, ""),
	ROUTE("GET", API "/users/{id}", api_show, I, 0, &schema_user, ""),
	ROUTE("PATCH", API "/users/{id}", api_user_change, I, 0, &schema_user, ""),
	ROUTE("DELETE", API "/users/{id}", api_user_delete, I, 0, &schema_user, ""),
	ROUTE("POST", API "/users/{id}/password", api_user_password, I, ROUTE_NO_BODY, &schema_user,
		""),

	ROUTE("POST", API "/import", api_import, O, 0, NULL, ""),

	ROUTE("DELETE", API "/users/{id}/totp", api_user_totp_reset, I, 0, &schema_user, ""),
	ROUTE("DELETE", API "/users/{id}/sessions", api_user_sessions_end, I, 0, &schema_user, ""),

	ROUTE("GET", API "/roles", api_role_list, N, 0, &schema_role, "list"),
	ROUTE("POST", API "/roles", api_role_create, I, 0, &schema_role, ""),
	ROUTE("GET", API "/roles/{id}", api_role_show, N, 0, &schema_role, ""),
	ROUTE("PATCH", API "/roles/{id}", api_role_change, I, 0, &schema_role, ""),
	ROUTE("DELETE", API "/roles/{id}", api_role_delete, I, 0, &schema_role, ""),

	ROUTE("GET", API "/issuers", api_issuer_list, S, 0, &schema_issuer, "list"),
	ROUTE("POST", API "/issuers", api_issuer_create, S, 0, &schema_issuer, ""),
	ROUTE("GET", API "/issuers/{id}", api_issuer_show, S, 0, &schema_issuer, ""),
	ROUTE("PATCH", API "/issuers/{id}", api_issuer_change, S, 0, &schema_issuer, ""),
	ROUTE("DELETE", API "/issuers/{id}", api_issuer_delete, S, 0, &schema_issuer, ""),

	ROUTE("GET", API "/settings", api_setting_show, S, 0, NULL, ""),
	ROUTE("PATCH", API "/settings", api_setting_change, S, 0, NULL, ""),
	ROUTE("POST", API "/signing-key/rotate", api_signing_rotate, S, ROUTE_NO_BODY, NULL, ""),

	ROUTE("GET", API "/audit", api_list, A, 0, &schema_audit, "list"),
	ROUTE("GET", API "/audit/verify", api_audit_verify, A, ROUTE_WHOLE, NULL, ""),
	ROUTE("GET", API "/events", api_events, V, ROUTE_ACTS, NULL, ""),
	ROUTE("GET", "/metrics", api_metrics, V, ROUTE_WHOLE, NULL, ""),
};
const size_t n_api_routes = ARRAY_LEN(api_routes);
