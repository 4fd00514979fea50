// What selectors and scopes can name, and what they are called: nodes, networks, groups, clients,
// tags. Clients are looked up as one types, for there may be ten thousand.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Option } from '../parts/Picker';
import { all, api, inOrder, type Page } from './api';
import { networks, nodes } from './fleet';
import type { Client, Group } from './model';
import { can } from './session';

export const groups = signal<Group[]>([]);
const clients = signal<Client[]>([]);
const tags = signal<string[]>([]);
const asked = new Set<string>();

function know(list: Client[]) {
	const fresh = list.filter(c => !clients.value.some(k => k.id === c.id));
	if (fresh.length === 0)
		return;
	clients.value = [...clients.value, ...fresh].slice(-2000);
	tags.value = [...new Set([...tags.value, ...fresh.flatMap(c => c.tags)])].sort();
}

const tellGroups = inOrder<Group[]>(found => { groups.value = found; });

export async function loadGroups(): Promise<void> {
	await tellGroups(can('GET /groups') ? all<Group>('/groups') : Promise.resolve([]));
}

function find(search: string) {
	if (can('GET /wireguard/clients'))
		api.get<Page<Client>>('/wireguard/clients', { search, limit: 100 }).then(page => know(page.items), () => {});
}

let timer: ReturnType<typeof setTimeout> | undefined;

export function typed(text: string): void {
	clearTimeout(timer);
	timer = setTimeout(() => find(text), 200);
}

export function useNames(): void {
	useEffect(() => {
		loadGroups().catch(() => {});
		find('');
	}, []);
}

const words: Record<string, string> = { '*': 'everything', nodes: 'all nodes', clients: 'all clients', sites: 'all sites' };

export function nameOf(id: string): string {
	if (id in words)
		return words[id]!;
	if (id.startsWith('tag:'))
		return `tag ${id.slice(4)}`;
	const member = nodes.value.find(n => n.id === id || n.members.some(m => m.id === id));
	const other = networks.value.find(n => n.id === id) ?? groups.value.find(g => g.id === id) ?? clients.value.find(c => c.id === id);
	if (!member && !other && id.startsWith('cl_') && !asked.has(id)) {
		asked.add(id);
		api.get<Client>(`/wireguard/clients/${id}`).then(c => know([c]), () => {});
	}
	return member?.name ?? other?.name ?? id;
}

// What a rule of this network may name.
export function selectors(network: string): Option[] {
	return [
		...Object.entries(words).map(([value, label]) => ({ value, label })),
		...tags.value.map(t => ({ value: `tag:${t}`, label: `tag ${t}` })),
		...nodes.value.filter(n => n.members.some(m => m.network === network)).map(n => ({ value: n.id, label: `${n.name} (node)` })),
		...[...new Set(nodes.value.flatMap(n => n.members.filter(m => m.network === network).flatMap(m => m.local_subnets)))].map(p => ({ value: p, label: p })),
		...clients.value.filter(c => c.network === network).map(c => ({ value: c.id, label: `${c.name} (client)` })),
	];
}

// Where a role may act.
export function scopes(): Option[] {
	return [
		...networks.value.map(n => ({ value: n.id, label: `${n.name} (network)` })),
		...groups.value.map(g => ({ value: g.id, label: `${g.name} (group)` })),
		...nodes.value.map(n => ({ value: n.id, label: `${n.name} (node)` })),
		...tags.value.map(t => ({ value: `tag:${t}`, label: `tag ${t}` })),
	];
}
