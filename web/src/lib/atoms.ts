// What may be permitted, in words. An atom the server has and this list does not is shown as it is.
export const atoms: Record<string, string> = {
	'fleet:read': 'see nodes, networks, clients and policies',
	'fleet:write': 'change nodes, networks, groups and policies',
	'client:manage': 'add, change and delete clients',
	'client:config': 'see configurations of clients',
	'net:router:script': 'fetch scripts for routers',
	'net:router:config': 'change sites and their routers',
	'vpn:read': 'see VPN services',
	'vpn:write': 'change VPN services',
	'iam:user:manage': 'manage users, roles and tokens',
	'audit:read': 'read the audit log',
	'system:manage': 'manage projects, settings and sign-on',
};
