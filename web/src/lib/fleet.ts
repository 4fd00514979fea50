// Names of nodes and networks, which many pages show; kept while the panel is open.
import { computed, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { all, inOrder } from './api';
import { listen } from './events';
import type { FleetNode, Network } from './model';
import { can } from './session';

export const nodes = signal<FleetNode[]>([]);
export const networks = signal<Network[]>([]);
export const fleetLoaded = signal(false);
// Nodes somebody should look after: not heard of, or unable to do what they were told.
export const troubled = computed(() => nodes.value.filter(n => n.enabled && (n.deploy === 'error' || (!n.connected && (n.liveness === 'offline' || n.liveness === 'unreachable')))));

let timer: ReturnType<typeof setTimeout> | undefined;

const tell = inOrder(([n, w]: [FleetNode[], Network[]]) => {
	nodes.value = n;
	networks.value = w;
	fleetLoaded.value = true;
});

export function reloadFleet(): Promise<void> {
	return tell(Promise.all([
		can('GET /nodes') ? all<FleetNode>('/nodes') : [],
		can('GET /networks') ? all<Network>('/networks') : [],
	]));
}

function soon() {
	timer ??= setTimeout(() => {
		timer = undefined;
		reloadFleet().catch(() => {});
	}, 400);
}

export function nodeName(id: string | null): string {
	return (id && nodes.value.find(n => n.id === id)?.name) || '–';
}

export function networkName(id: string): string {
	return networks.value.find(n => n.id === id)?.name ?? '–';
}

// The network a form begins with: the first one, as soon as it is known, and then that one.
export function useFirstNetwork(): string {
	const first = useRef('');
	first.current ||= networks.value[0]?.id ?? '';
	return first.current;
}

// Load what a page needs of it, and keep it right while the page is shown.
export function useFleet(): void {
	useEffect(() => {
		reloadFleet().catch(() => {});
		return listen(heard => {
			if (heard.type === 'refresh' || heard.type === 'node' || (heard.type === 'change' && /^(node|member|network|group)$/.test(heard.data.table)))
				soon();
		});
	}, []);
}
