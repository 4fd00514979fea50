// Clients: who may connect, who is connected, and everything one does to them.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { listen, sums } from '../lib/events';
import { fleetLoaded, networks, nodeName, useFleet } from '../lib/fleet';
import { age, ago, bytes, count, daysSince, moment } from '../lib/format';
import { List } from '../lib/list';
import type { Client } from '../lib/model';
import { go, place } from '../lib/router';
import { can } from '../lib/session';
import { useShortcuts } from '../lib/shortcuts';
import { Icon } from '../parts/Icon';
import { Menu } from '../parts/Menu';
import { Search } from '../parts/Search';
import { Mark, State } from '../parts/State';
import { Table, type Column } from '../parts/Table';
import { complain } from '../parts/Toasts';
import { PATH, enable, remove, type Handout } from './clients/actions';
import { ClientForm } from './clients/Form';
import { ClientSheet, newKey } from './clients/Sheet';
import { Shown } from './clients/Shown';
import { KEY_DAYS, status, unusedSince } from './clients/status';

const states = ['online', 'idle', 'offline', 'never', 'disabled'] as const;

function total(state: (typeof states)[number]): number {
	return Object.values(sums.value).reduce((n, s) => n + s[state], 0);
}

function Name({ c, onTag }: { c: Client; onTag: (tag: string) => void }) {
	const unused = unusedSince(c);
	return (
		<>
			<button type="button" class="link clip" tabIndex={-1} dir="auto" onClick={() => go('clients', c.id)}>{c.name}</button>
			<div class="clip small dim">
				<span class="narrow"><State state={status(c)} />{c.last_seen && status(c) !== 'online' ? `, ${ago(c.last_seen)}` : ''}</span>
				<span class="mono s">{c.dns_name}</span>{' '}
				{c.config_stale && <span class="tag warn" title="The network changed since its configuration was handed out">stale</span>}{' '}
				{c.expires_at && daysSince(c.expires_at) > -30 && daysSince(c.expires_at) < 0 && <span class="tag warn" title={moment(c.expires_at)}>ends {ago(c.expires_at)}</span>}{' '}
				{unused && <span class="tag" title={`Unused since ${moment(unused)}`}>unused {age(unused)}</span>}{' '}
				{c.tags.slice(0, 3).map(t => <button type="button" class="tag clip" tabIndex={-1} key={t} title={`Only those tagged ${t}`} onClick={() => onTag(t)}>{t}</button>)}
			</div>
		</>
	);
}

export function Clients() {
	const list = useMemo(() => new List<Client>(PATH, { sort: 'name' }), []);
	const state = useSignal(place.value.query.get('state') ?? '');
	const search = useSignal('');
	const network = useSignal('');
	const tag = useSignal('');
	const selected = useSignal(new Set<string>());
	const adding = useSignal(false);
	const handout = useSignal<Handout | null>(null);
	useFleet();

	const ask = () => {
		selected.value = new Set();
		list.ask({
			...list.query.value,
			search: search.value,
			network: network.value,
			tag: tag.value,
			enabled: state.value === '' ? '' : state.value !== 'disabled',
			link_state: state.value === 'disabled' ? '' : state.value,
		});
	};
	useEffect(() => {
		ask();
		const end = listen(heard => {
			if (heard.type === 'link') {
				const { id, project: _, ...seen } = heard.data;
				list.patch(id, seen);
				if (state.value)
					list.refresh(1000);
			} else if (heard.type === 'refresh') {
				list.refresh();
			} else if (heard.type === 'links') {
				list.refresh(2000);
			} else if (heard.type === 'change' && heard.data.table === 'device') {
				if (heard.data.action === 'deleted')
					list.remove(heard.data.id);
				list.refresh();
			}
		});
		return () => {
			end();
			list.close();
		};
	}, []);
	const mayAdd = can('POST /wireguard/clients');
	const mayChange = can('PATCH /wireguard/clients/{id}');
	const mayDelete = can('DELETE /wireguard/clients/{id}');
	useShortcuts(mayAdd ? [{ keys: 'n', does: 'add a client', run: () => { adding.value = true; } }] : []);
	const rotate = async (c: Client) => {
		try {
			handout.value = (await newKey(c, false)) ?? handout.value;
		} catch (e) {
			complain(e);
		}
	};
	const columns: Column<Client>[] = [
		{ id: 'name', title: 'Name', sort: 'name', cell: c => <Name c={c} onTag={t => { tag.value = t; ask(); }} /> },
		{ id: 'state', title: 'State', width: '132px', className: 's', cell: c => <State state={status(c)} /> },
		{ id: 'address', title: 'Address', sort: 'ipv4', width: '148px', className: 'm', cell: c => <code class="clip">{c.mesh_ip ?? c.mesh_ip6}</code> },
		{
			id: 'gateway', title: 'Gateway', width: '170px', className: 'x',
			cell: c => c.gateway ? <><div class="clip">{nodeName(c.gateway)}</div><div class="clip small dim mono" title={c.endpoint ?? ''}>{c.endpoint}</div></> : <span class="dim">–</span>,
		},
		{ id: 'seen', title: 'Last seen', sort: 'last_seen', width: '146px', className: 'm', cell: c => <span title={moment(c.last_seen)}>{ago(c.last_seen)}</span> },
		{
			id: 'traffic', title: 'Traffic', sort: 'rx', width: '118px', className: 'l',
			cell: c => <div class="num small"><div title="Received from it">↓ {bytes(c.rx)}</div><div class="dim" title="Sent to it">↑ {bytes(c.tx)}</div></div>,
		},
		{
			id: 'key', title: 'Key age', sort: 'key_at', width: '98px', className: 'x',
			cell: c => <span class={daysSince(c.key_at) > KEY_DAYS ? 'tag warn' : ''} title={`Since ${moment(c.key_at)}`}>{age(c.key_at)}</span>,
		},
	];
	if (mayChange)
		columns.push({
			id: 'actions', title: '(Actions)', className: 'actions',
			cell: c => (
				<div class="row end">
					<button
						type="button" class="switch s" role="switch" aria-checked={c.enabled} aria-label={`${c.name} may connect`} title={c.enabled ? 'Disable' : 'Enable'}
						onClick={() => void enable(list, [c], !c.enabled)}
					/>
					<Menu
						label={`More for ${c.name}`}
						items={[
							{ text: 'Open', icon: 'clients', run: () => go('clients', c.id) },
							{ text: c.enabled ? 'Disable' : 'Enable', icon: 'power', run: () => void enable(list, [c], !c.enabled) },
							{ text: 'New key', icon: 'key', run: () => void rotate(c) },
							...(mayDelete ? [{ text: 'Delete', icon: 'trash', danger: true, run: () => void remove(list, [c]) }] : []),
						]}
					/>
				</div>
			),
		});
	const chosen = list.rows.value.filter(c => selected.value.has(c.id));
	const shown = list.answered.value ?? {}; // what is asked for may be on its way still
	const filtered = ['search', 'network', 'tag', 'link_state', 'enabled'].some(k => (shown[k] ?? '') !== '');
	const known = Object.keys(sums.value).length > 0;
	const noNetwork = fleetLoaded.value && networks.value.length === 0;
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Clients</h1>
					<p role="status">{list.silent.value ? '–' : `${count(list.total.value, 'client')}${filtered ? ' found' : ''}`}</p>
				</div>
				{mayAdd && <button type="button" class="button primary" onClick={() => { adding.value = true; }}><Icon name="plus" />Add a client<kbd aria-hidden="true">n</kbd></button>}
			</div>
			<div class="tools">
				<Search label="Search clients" placeholder="Name or address" value={search.value} onChange={t => { search.value = t; }} onAsk={ask} />
				<div class="row wrap chips" role="group" aria-label="Filter by state">
					{states.map(s => (
						<button
							type="button" class="chip" key={s} aria-pressed={state.value === s}
							onClick={() => { state.value = state.value === s ? '' : s; ask(); }}
						>
							<Mark state={s} />{s === 'never' ? 'Never seen' : s[0]!.toUpperCase() + s.slice(1)} {known && <span class="num">{total(s).toLocaleString('en')}</span>}
						</button>
					))}
				</div>
				{networks.value.length > 1 && (
					<select aria-label="Network" value={network.value} onChange={e => { network.value = e.currentTarget.value; ask(); }}>
						<option value="">All networks</option>
						{networks.value.map(n => <option key={n.id} value={n.id}>{n.name}</option>)}
					</select>
				)}
				{tag.value && <button type="button" class="chip" aria-pressed="true" onClick={() => { tag.value = ''; ask(); }} aria-label={`No longer only those tagged ${tag.value}`}>{tag.value} ✕</button>}
			</div>
			<Table
				label="Clients" list={list} columns={columns} name={c => c.name} open={c => go('clients', c.id)}
				selected={mayChange ? selected.value : undefined} onSelect={s => { selected.value = s; }}
				empty={filtered
					? <><h2>Nothing like that</h2><p>No client matches. Try fewer filters.</p></>
					: noNetwork
						? <><h2>No network yet</h2><p>Clients connect to a gateway of a network. The overview leads you there.</p><a class="button primary" href="#/overview">Set it up</a></>
						: <><h2>No clients yet</h2><p>A phone takes ten seconds: give it a name, scan the code.</p>{mayAdd && <button type="button" class="button primary" onClick={() => { adding.value = true; }}><Icon name="plus" />Add a client</button>}</>}
			/>
			{chosen.length > 0 && (
				<div class="bulk" role="region" aria-label="For those selected">
					<span>{count(chosen.length, 'client')} selected</span>
					<button type="button" class="button" onClick={() => void enable(list, chosen, true)}>Enable</button>
					<button type="button" class="button" onClick={() => void enable(list, chosen, false)}>Disable</button>
					{mayDelete && <button type="button" class="button danger" onClick={() => void remove(list, chosen).then(done => { if (done) selected.value = new Set(); })}>Delete</button>}
					<button type="button" class="button plain icon" aria-label="Select none" onClick={() => { selected.value = new Set(); }}><Icon name="close" /></button>
				</div>
			)}
			{place.value.page === 'clients' && place.value.id && !handout.value && (
				<ClientSheet id={place.value.id} onClose={() => go('clients')} onHandout={h => { handout.value = h; go('clients'); }} />
			)}
			{adding.value && <ClientForm onClose={() => { adding.value = false; }} onDone={h => { adding.value = false; handout.value = h; list.refresh(); }} />}
			{handout.value && <Shown handout={handout.value} onClose={() => { handout.value = null; }} />}
		</>
	);
}
