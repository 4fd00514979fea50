// Objects of the API as far as the panel looks at them.
import type { LinkState } from './events';

// A gateway as a place where devices come in.
export interface Place {
	gateway: string;
	name: string;
	group: string;
	region: string | null;
	endpoint: string | null;
	enabled: boolean;
	online: boolean;
	nearest: boolean;
	chosen?: boolean;
}

export interface Client {
	id: string;
	project: string;
	network: string;
	group: string;
	name: string;
	description: string | null;
	dns_name: string | null;
	owner: string | null;
	tags: string[];
	enabled: boolean;
	expires_at: string | null;
	exit: string | null;
	rate_limit: number;
	quota_bytes: number;
	quota_period: 'none' | 'day' | 'month';
	quota_used: number;
	quota_ends_at: string | null;
	state: 'active' | 'disabled' | 'expired' | 'over_quota';
	endpoints?: Place[]; // of one client alone
	public_key: string | null;
	mesh_ip: string | null;
	mesh_ip6: string | null;
	allowed_ips: string[];
	full_tunnel: boolean;
	dns: string[];
	mtu: number;
	keepalive: number;
	created_at: string;
	key_at: string | null;
	last_seen: string | null;
	rx: number;
	tx: number;
	link_state: LinkState;
	gateway: string | null;
	endpoint: string | null;
	config_stale: boolean;
}

export interface ShownOnce {
	client: Client;
	config?: string;
	private_key?: string;
	link?: string;
}

export interface Network {
	id: string;
	project: string;
	name: string;
	domain: string | null;
	topology: 'mesh' | 'hub';
	ipv4: string | null;
	ipv6: string | null;
	listen_port: number;
	mtu: number;
	keepalive: number;
	psk: boolean;
	dns: string[];
	dns_serve: boolean;
	dns_upstreams: string[];
	region_ranges: string[];
}

export interface Member {
	id: string;
	network: string;
	network_name: string;
	node: string;
	group: string | null;
	roles: string[];
	ipv4: string | null;
	ipv6: string | null;
	endpoint: string | null;
	observed_endpoint: string | null;
	region: string | null;
	listen_port: number;
	local_subnets: string[];
	masquerade: boolean;
	public_key: string | null;
	rotating: boolean;
	next_public_key: string | null;
	switching: boolean;
}

export interface FleetNode {
	id: string;
	project: string;
	name: string;
	enabled: boolean;
	version: string | null;
	backend: string | null;
	last_heartbeat: string | null;
	deploy: 'pending' | 'applied' | 'error';
	deploy_error: string | null;
	liveness: 'online' | 'unreachable' | 'offline' | 'never';
	connected: boolean;
	roles: string[];
	members: Member[];
	created_at: string;
}

export interface Project {
	id: string;
	name: string;
}

export interface AuditLine {
	id: string;
	at: string;
	actor: string;
	action: string;
	object: string;
	detail: string | null;
}

export interface Group {
	id: string;
	project: string;
	network: string;
	name: string;
	mode: 'active-active' | 'active-standby';
	public_key: string | null;
	listen_port: number;
}

export interface Rule {
	from: string[];
	to: string[];
	protocol: 'any' | 'tcp' | 'udp' | 'icmp';
	ports: string[];
}

export interface Policy {
	id: string;
	project: string;
	network: string;
	name: string;
	enabled: boolean;
	rules: Rule[];
}

export interface Side {
	kind: 'node' | 'client' | 'site' | 'connection' | 'place';
	count: number;
	names: string[];
}

export interface WhatIf {
	gained: number;
	lost: number;
	complete: boolean;
	changes: { from: Side; to: Side; before: string[]; after: string[]; gains: boolean; loses: boolean }[];
}

export interface User {
	id: string;
	project: string;
	name: string;
	role: string;
	scopes: string[];
	grants: string[];
	enabled: boolean;
	must_change_password: boolean;
	totp: boolean;
	issuer: string | null;
	subject: string | null;
	created_at: string;
	last_login: string | null;
}

export interface Role {
	id: string;
	name: string;
	description: string | null;
	permissions: string[];
	builtin: boolean;
}

export interface Token {
	id: string;
	kind: 'api' | 'join';
	name: string;
	role: string | null;
	scopes: string[];
	grants: string[];
	networks: string[];
	roles: string[];
	uses_left: number;
	created_by: string | null;
	created_at: string;
	expires_at: string | null;
	last_used: string | null;
}

export interface Session {
	id: string;
	address: string | null;
	agent: string | null;
	created_at: string;
	last_used: string;
	expires_at: string;
	current: boolean;
}

export interface Issuer {
	id: string;
	name: string;
	url: string;
	client_id: string;
	scope: string | null;
	role_claim: string | null;
	role_map: string[];
	default_role: string | null;
	create_users: boolean;
	enabled: boolean;
	has_client_secret: boolean;
}

export interface ServerSettings {
	session_idle_minutes: number;
	session_hours: number;
	audit_keep_days: number;
	signon_private_addresses: boolean;
}
