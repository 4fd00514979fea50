// Objects of the API as far as the panel looks at them.
import type { LinkState } from './events';

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
