/* DOC: the functions behind the routes, one file each noun, and what these files share. */
#ifndef WARREN_CONTROL_API_HANDLERS_H
#define WARREN_CONTROL_API_HANDLERS_H

#include "control/api.h"

/* api_session.c */
void api_login(struct call *c);
void api_logout(struct call *c);

/* api_me.c */
void api_me(struct call *c);
void api_me_password(struct call *c);
void api_me_sessions(struct call *c);
void api_me_session_end(struct call *c);
void api_me_sessions_end(struct call *c); /* all others */
void api_me_totp(struct call *c);
void api_me_totp_confirm(struct call *c);
void api_me_totp_off(struct call *c);

/* api_user.c */
void api_user_create(struct call *c);
void api_user_change(struct call *c);
void api_user_delete(struct call *c);
void api_user_password(struct call *c); /* a new one-time password, shown once */
void api_user_totp_reset(struct call *c);
void api_user_sessions_end(struct call *c);
/* End a user's sessions, all but `except` (may be ""). */
int drop_sessions(struct tx *tx, const char *user, const char *except, struct err *e);
/* Delete some that have expired. */
int sweep_sessions(struct tx *tx, struct err *e);

/* api_project.c */
void api_project_create(struct call *c);
void api_project_change(struct call *c);
void api_project_delete(struct call *c);

/* api_network.c */
void api_network_show(struct call *c);
void api_network_create(struct call *c);
void api_network_change(struct call *c);
void api_network_delete(struct call *c);
/* Check and store a new network with its PSK root and starting policy; project is set. */
void network_random_ula(struct prefix *ret); /* a fresh /64 of fd00::/8 */
int network_store(struct tx *tx, struct call *c, struct network *n, struct err *e);

/* api_import.c */
void api_import(struct call *c);

/* api_node.c */
void api_node_list(struct call *c);
void api_node_show(struct call *c);
void api_node_change(struct call *c);
void api_node_delete(struct call *c);
void api_node_rotate(struct call *c);
void api_network_rotate(struct call *c);
void api_signing_rotate(struct call *c);
void api_node_state(struct call *c);

/* api_member.c */
void api_member_create(struct call *c);
void api_member_change(struct call *c);
void api_member_delete(struct call *c);
/* Of an edit of a node or a member (after NULL = it goes): others may find each other by nothing
 * but this, which is refused (reachable_check) unless the call says ?force=1. */
int api_keep_reach(struct tx *tx, struct call *c, const char *project, const struct schema *s,
	const void *before, const void *after, struct err *e);

/* api_group.c */
void api_group_create(struct call *c);
void api_group_change(struct call *c);
void api_group_rotate(struct call *c);
void api_group_delete(struct call *c);

/* api_client.c */
void api_client_list(struct call *c);
void api_client_show(struct call *c);
void api_client_create(struct call *c);
void api_client_change(struct call *c);
void api_client_delete(struct call *c);
void api_client_config(struct call *c);
void api_network_endpoints(struct call *c);
void api_group_zone(struct call *c);
void api_client_gone(struct call *c); /* pictures and links of a key that is gone */
void api_client_rotate(struct call *c);

/* api_policy.c */
void api_policy_create(struct call *c);
void api_policy_change(struct call *c);

/* api_token.c */
void api_token_create(struct call *c);
void api_node_cloud_init(struct call *c);

/* api_role.c */
void api_role_list(struct call *c);
void api_role_show(struct call *c);
void api_role_create(struct call *c);
void api_role_change(struct call *c);
void api_role_delete(struct call *c);

/* api_issuer.c */
void api_issuer_list(struct call *c);
void api_issuer_show(struct call *c);
void api_issuer_create(struct call *c);
void api_issuer_change(struct call *c);
void api_issuer_delete(struct call *c);

/* api_signon.c */
void api_signon_buttons(struct call *c);
void api_signon_leave(struct call *c);
void api_signon_return(struct call *c);

/* api_whatif.c */
void api_policy_whatif(struct call *c);
void api_policy_test(struct call *c);

/* api_audit.c */
void api_audit_verify(struct call *c);

/* api_setting.c */
void api_setting_show(struct call *c);
void api_setting_change(struct call *c);

/* once.c */
void api_once_page(struct call *c);
void api_once_open(struct call *c);

/* api_static.c */
void api_page(struct call *c);
void api_asset(struct call *c);
void api_docs(struct call *c);
void api_openapi(struct call *c);
void api_healthz(struct call *c);
void api_readyz(struct call *c);
void api_metrics(struct call *c);
void api_events(struct call *c);

#endif
