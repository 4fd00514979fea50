// Networks with their gateway groups: few, so each is a card.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api } from '../lib/api';
import { listen } from '../lib/events';
import { fleetLoaded, networks, nodes, reloadFleet, useFleet } from '../lib/fleet';
import { count } from '../lib/format';
import type { Group, Network } from '../lib/model';
import { groups, loadGroups } from '../lib/names';
import { can } from '../lib/session';
import { useShortcuts } from '../lib/shortcuts';
import { ask } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Menu } from '../parts/Menu';
import { complain, say } from '../parts/Toasts';
import { GroupForm, NetworkForm } from './networks/Forms';

async function remove(path: string, name: string, text: string): Promise<void> {
	if (!(await ask(`Delete ${name}?`, text, 'Delete')))
		return;
	try {
		await api.delete(path);
		say(`${name} deleted`);
	} catch (e) {
		complain(e);
	}
	await Promise.all([reloadFleet(), loadGroups()]).catch(() => {});
}

async function rotate(n: Network) {
	if (!(await ask(`New keys for all nodes of ${n.name}?`, 'They change one after the other; nothing is interrupted.', 'Make new keys', false)))
		return;
	try {
		await api.post(`/networks/${n.id}/rotate`);
		say(`The nodes of ${n.name} were asked for new keys`);
	} catch (e) {
		complain(e);
	}
}

const modes: Record<Group['mode'], string> = { 'active-active': 'all gateways at once', 'active-standby': 'one gateway, others stand by' };

// What the server says is wrong with a network as it stands.
function useWarnings(): Record<string, string[]> {
	const found = useSignal<Record<string, string[]>>({});
	useEffect(() => {
		let wanted = true;
		void Promise.all(networks.value.map(async n => {
			const { warnings } = await api.get<{ warnings?: string[] }>(`/networks/${n.id}`);
			return [n.id, warnings ?? []] as const;
		})).then(list => { if (wanted) found.value = Object.fromEntries(list); }, () => {});
		return () => { wanted = false; };
	}, [networks.value, nodes.value]);
	return found.value;
}

export function Networks() {
	const editing = useSignal<Network | 'new' | null>(null);
	const group = useSignal<{ group?: Group; network: Network } | null>(null);
	useFleet();
	const warnings = useWarnings();
	useEffect(() => {
		loadGroups().catch(complain);
		return listen(heard => {
			if (heard.type === 'refresh' || (heard.type === 'change' && heard.data.table === 'group'))
				loadGroups().catch(() => {});
		});
	}, []);
	const mayAdd = can('POST /networks');
	const may = can('PATCH /networks/{id}');
	useShortcuts(mayAdd ? [{ keys: 'n', does: 'add a network', run: () => { editing.value = 'new'; } }] : []);
	const done = () => {
		editing.value = null;
		group.value = null;
		void Promise.all([reloadFleet(), loadGroups()]).catch(() => {});
	};
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Networks</h1>
					<p role="status">{fleetLoaded.value ? count(networks.value.length, 'network') : 'One moment…'}</p>
				</div>
				{mayAdd && <button type="button" class="button primary" onClick={() => { editing.value = 'new'; }}><Icon name="plus" />Add a network<kbd aria-hidden="true">n</kbd></button>}
			</div>
			{fleetLoaded.value && networks.value.length === 0 && <div class="card empty"><h2>No network yet</h2><p>A network is one overlay: addresses, nodes, gateways and who may reach whom.</p></div>}
			<div class="cards">
				{networks.value.map(n => {
					const members = nodes.value.flatMap(o => o.members.filter(m => m.network === n.id).map(m => ({ node: o, member: m })));
					const gateways = members.filter(m => m.member.roles.includes('gateway'));
					const own = groups.value.filter(g => g.network === n.id);
					const facts: [string, preact.ComponentChildren][] = [
						['Addresses', <code>{[n.ipv4, n.ipv6].filter(Boolean).join(', ')}</code>],
						['Shape', n.topology === 'mesh' ? 'mesh: every node to every other' : 'hub: by gateways and controllers'],
						['Nodes', `${members.length}, ${count(gateways.length, 'gateway')}`],
						['DNS', n.dns_serve ? <>its nodes answer for <code>{n.domain}</code></> : n.dns.length > 0 ? n.dns.join(', ') : 'none'],
						['Links', [`UDP ${n.listen_port}`, n.keepalive ? `keepalive ${n.keepalive} s` : 'no keepalive', n.mtu ? `MTU ${n.mtu}` : '', n.psk ? 'pre-shared keys' : ''].filter(Boolean).join(', ')],
					];
					return (
						<section class="card stack" key={n.id} aria-label={n.name}>
							<div class="row">
								<h2 class="grow clip">{n.name}</h2>
								{may && <button type="button" class="button" aria-label={`Edit ${n.name}`} onClick={() => { editing.value = n; }}><Icon name="edit" />Edit</button>}
								{may && (
									<Menu
										label={`More for ${n.name}`}
										items={[
											...(can('POST /groups') ? [{ text: 'Add a gateway group', icon: 'plus', run: () => { group.value = { network: n }; } }] : []),
											...(can('POST /networks/{id}/rotate') ? [{ text: 'New keys for its nodes', icon: 'key', run: () => void rotate(n) }] : []),
											...(can('DELETE /networks/{id}') ? [{ text: 'Delete', icon: 'trash', danger: true, run: () => void remove(`/networks/${n.id}`, n.name, 'Its policies go with it. It can only be deleted when nothing is left in it.') }] : []),
										]}
									/>
								)}
							</div>
							{warnings[n.id]?.map(w => <p class="notice warn" role="status" key={w}><Icon name="alert" /><span>{w}</span></p>)}
							<dl class="facts">{facts.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={`${k}:`}>{v}</dd>])}</dl>
							<div class="stack tight">
								<h3>Gateway groups</h3>
								{own.length === 0 && <p class="dim small">None yet. One is made when the first gateway joins.</p>}
								<ul class="lines">
									{own.map(g => (
										<li key={g.id} class="row">
											<div class="grow">
												<div class="clip">{g.name}</div>
												<div class="clip small dim">{modes[g.mode]}; UDP {g.listen_port}; {gateways.filter(m => m.member.group === g.id).map(m => m.node.name).join(', ') || 'no gateway in it'}</div>
											</div>
											{can('PATCH /groups/{id}') && <button type="button" class="button plain icon" aria-label={`Edit group ${g.name}`} onClick={() => { group.value = { group: g, network: n }; }}><Icon name="edit" /></button>}
											{can('DELETE /groups/{id}') && <button type="button" class="button plain icon danger" aria-label={`Delete group ${g.name}`} onClick={() => void remove(`/groups/${g.id}`, g.name, 'It can only be deleted when no gateway and no client is in it.')}><Icon name="trash" /></button>}
										</li>
									))}
								</ul>
							</div>
						</section>
					);
				})}
			</div>
			{editing.value && <NetworkForm network={editing.value === 'new' ? undefined : editing.value} onClose={() => { editing.value = null; }} onDone={done} />}
			{group.value && <GroupForm {...group.value} onClose={() => { group.value = null; }} onDone={done} />}
		</>
	);
}
