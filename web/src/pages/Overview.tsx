// Overview: is everything all right, who is here, what just happened.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, inOrder, type Page } from '../lib/api';
import { listen, samples, sums } from '../lib/events';
import { fleetLoaded, networks, nodes, troubled, useFleet } from '../lib/fleet';
import { ago, count } from '../lib/format';
import type { Client } from '../lib/model';
import { can } from '../lib/session';
import { useShortcuts } from '../lib/shortcuts';
import { FleetMap, nodeState } from '../parts/FleetMap';
import { Icon } from '../parts/Icon';
import { Connected, Traffic } from '../parts/Plot';
import { Mark, State, stateWord } from '../parts/State';
import { PATH, type Handout } from './clients/actions';
import { ClientForm } from './clients/Form';
import { Shown } from './clients/Shown';
import { Feed } from './overview/Feed';
import { Here, useHere } from './overview/Here';
import { Start, needed } from './overview/Start';

const tiles = ['online', 'idle', 'offline', 'never', 'disabled'] as const;

// How many clients there are at all; null while it is not known.
function useClients() {
	const total = useSignal<number | null>(null);
	useEffect(() => {
		if (!can('GET /wireguard/clients'))
			return;
		const tell = inOrder<Page<Client>>(page => { total.value = page.total; });
		const load = () => tell(api.get<Page<Client>>(PATH, { limit: 1 })).catch(() => {});
		void load();
		return listen(heard => {
			if (heard.type === 'change' && heard.data.table === 'device' && (heard.data.action !== 'updated') || heard.type === 'refresh')
				void load();
		});
	}, []);
	return total;
}

export function Overview() {
	useFleet();
	const clients = useClients();
	const here = useHere();
	const adding = useSignal(false);
	const handout = useSignal<Handout | null>(null);
	const add = () => { adding.value = true; };
	const mayAdd = can('POST /wireguard/clients');
	const first = needed(clients.value);
	useShortcuts(mayAdd && !first ? [{ keys: 'n', does: 'add a client', run: add }] : []);
	const sum = (s: (typeof tiles)[number]) => Object.values(sums.value).reduce((n, v) => n + v[s], 0);
	const known = Object.keys(sums.value).length > 0;
	const bad = troubled.value;
	const up = nodes.value.filter(n => nodeState(n) === 'online').length;
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Overview</h1>
					<p role="status">{fleetLoaded.value ? `${up} of ${count(nodes.value.length, 'node')} online, ${count(networks.value.length, 'network')}` : 'One moment…'}</p>
				</div>
				{mayAdd && !first && <button type="button" class="button primary" onClick={add}><Icon name="plus" />Add a client<kbd aria-hidden="true">n</kbd></button>}
			</div>
			{first && <Start clients={clients.value ?? 0} onAdd={add} />}
			{bad.length > 0 && (
				<div class="notice warn trouble" role="status">
					<Icon name="alert" />
					<ul class="stack tight">
						{bad.slice(0, 5).map(n => (
							<li key={n.id}>
								<a href={`#/nodes/${n.id}`}>{n.name}</a>{' '}
								{n.deploy === 'error' ? <>could not apply its configuration<span class="why">{n.deploy_error}</span></> : <>is {n.liveness}, last heard {ago(n.last_heartbeat)}</>}
							</li>
						))}
						{bad.length > 5 && <li>and {bad.length - 5} more</li>}
					</ul>
				</div>
			)}
			{clients.value !== 0 && (
				<div class="tiles">
					{tiles.map(t => (
						<a class="tile" key={t} href={`#/clients?state=${t}`}>
							<span class="state"><Mark state={t} />{stateWord(t)}</span>
							<b>{known ? sum(t).toLocaleString('en') : '–'}</b>
						</a>
					))}
				</div>
			)}
			<div class={`halves ${clients.value === 0 && nodes.value.length === 0 ? 'one' : ''}`}>
				<div class="stack left">
					{clients.value !== 0 && (
						<>
							<section class="card"><h2>Connected now</h2><Here here={here} /></section>
							<section class="card"><h2>Traffic of clients</h2><Traffic list={samples.value} from="from clients" to="to clients" /></section>
							<section class="card"><h2>Clients online</h2><Connected /></section>
						</>
					)}
					{nodes.value.length > 0 && (
						<section class="card">
							<h2>Fleet</h2>
							<FleetMap nodes={nodes.value} />
							<p class="legend"><State state="online" /><State state="unreachable" /><State state="offline" /></p>
						</section>
					)}
				</div>
				<section class="card"><h2>Recent events</h2><Feed /></section>
			</div>
			{adding.value && <ClientForm onClose={() => { adding.value = false; }} onDone={h => { adding.value = false; handout.value = h; }} />}
			{handout.value && <Shown handout={handout.value} onClose={() => { handout.value = null; }} />}
		</>
	);
}
