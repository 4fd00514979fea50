// The first day: what is still to be done before a phone is connected, one clear step at a time.
import { useState } from 'preact/hooks';
import { fleetLoaded, networks, nodes, reloadFleet } from '../../lib/fleet';
import { can } from '../../lib/session';
import { Icon } from '../../parts/Icon';
import { NetworkForm } from '../networks/Forms';
import { Join } from '../nodes/Join';

interface Step {
	title: string;
	about: string;
	done: boolean;
	action: string;
	run?: () => void; // absent: somebody else has to
}

// clients: how many there are; null: not known yet.
export function needed(clients: number | null): boolean {
	return fleetLoaded.value && clients !== null && (networks.value.length === 0 || !hasGateway() || clients === 0);
}

function hasGateway(): boolean {
	return nodes.value.some(n => n.roles.includes('gateway'));
}

export function Start({ clients, onAdd }: { clients: number; onAdd: () => void }) {
	const [doing, setDoing] = useState<'network' | 'node' | null>(null);
	const close = () => setDoing(null);
	const steps: Step[] = [
		{
			title: 'Make a network', about: 'Its addresses and names. Everything joins a network.', done: networks.value.length > 0,
			action: 'Make a network', run: can('POST /networks') ? () => setDoing('network') : undefined,
		},
		{
			title: 'Join a gateway', about: 'A machine that phones and laptops can reach from outside.', done: hasGateway(),
			action: 'Add a gateway', run: can('POST /tokens') && can('PATCH /nodes/{id}') ? () => setDoing('node') : undefined,
		},
		{
			title: 'Add your first client', about: 'A phone takes ten seconds: give it a name, scan the code.', done: clients > 0,
			action: 'Add a client', run: can('POST /wireguard/clients') ? onAdd : undefined,
		},
	];
	const next = steps.findIndex(s => !s.done);
	return (
		<section class="card start" aria-label="First steps">
			<h2>Three steps to the first connection</h2>
			<ol>
				{steps.map((s, i) => (
					<li key={s.title} class={s.done ? 'done' : i === next ? 'next' : ''} aria-current={i === next ? 'step' : undefined}>
						<span class="sign" aria-hidden="true">{s.done ? <Icon name="done" /> : i + 1}</span>
						<div class="grow">
							<b>{s.title}</b>{s.done && <span class="sr">, done</span>}
							<div class="dim small">{s.about}</div>
						</div>
						{i === next && (s.run
							? <button type="button" class="button primary" onClick={s.run}><Icon name="plus" />{s.action}</button>
							: <span class="dim small">An administrator does this.</span>)}
					</li>
				))}
			</ol>
			{doing === 'network' && <NetworkForm onClose={close} onDone={() => { close(); reloadFleet().catch(() => {}); }} />}
			{doing === 'node' && <Join gateway onClose={() => { close(); reloadFleet().catch(() => {}); }} />}
		</section>
	);
}
