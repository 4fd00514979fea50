// Nodes: the machines that run the agent, what they are doing, and how another one joins.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { listen } from '../lib/events';
import { networks, useFleet } from '../lib/fleet';
import { ago, count, moment } from '../lib/format';
import { List } from '../lib/list';
import type { FleetNode } from '../lib/model';
import { go, place } from '../lib/router';
import { can } from '../lib/session';
import { useShortcuts } from '../lib/shortcuts';
import { nodeState } from '../parts/FleetMap';
import { Icon } from '../parts/Icon';
import { Menu } from '../parts/Menu';
import { Search } from '../parts/Search';
import { Mark, State, stateWord } from '../parts/State';
import { Table, type Column } from '../parts/Table';
import { enableNode, removeNode, rotateNode } from './nodes/actions';
import { Join } from './nodes/Join';
import { NodeSheet, endpointOf, rotation } from './nodes/Sheet';

function Deploy({ n }: { n: FleetNode }) {
	return (
		<>
			<State state={n.deploy} />
			{n.deploy === 'error' && <div class="clip small dim" title={n.deploy_error ?? ''}>{n.deploy_error}</div>}
		</>
	);
}

export function Nodes() {
	const list = useMemo(() => new List<FleetNode>('/nodes', { sort: 'name' }), []);
	const search = useSignal('');
	const joining = useSignal(false);
	useFleet();
	const ask = () => list.ask({ ...list.query.value, search: search.value });
	useEffect(() => {
		ask();
		// Heartbeats make no event: what is shown of them is looked at again now and then.
		const timer = setInterval(() => list.refresh(), 15000);
		const end = listen(heard => {
			if (heard.type === 'node')
				list.patch(heard.data.id, { connected: heard.data.connected });
			if (heard.type === 'node' || heard.type === 'refresh' || (heard.type === 'change' && /^(node|member)$/.test(heard.data.table)))
				list.refresh(heard.type === 'node' ? 1500 : 300);
		});
		return () => {
			end();
			clearInterval(timer);
			list.close();
		};
	}, []);
	const mayJoin = can('POST /tokens') && can('PATCH /nodes/{id}');
	const may = can('PATCH /nodes/{id}');
	useShortcuts(mayJoin ? [{ keys: 'n', does: 'add a node', run: () => { joining.value = true; } }] : []);
	const columns: Column<FleetNode>[] = [
		{
			id: 'name', title: 'Name', sort: 'name',
			cell: n => (
				<>
					<button type="button" class="link clip" tabIndex={-1} dir="auto" onClick={() => go('nodes', n.id)}>{n.name}</button>
					<div class="clip small dim">
						<span class="narrow"><State state={nodeState(n)} /></span>{' '}
						{n.roles.map(r => <span class={`tag ${r === 'gateway' || r === 'exit' ? 'accent' : ''}`} key={r}>{r}</span>)}{' '}
						{rotation(n) && <span class="tag warn">{rotation(n)}</span>}
					</div>
				</>
			),
		},
		{ id: 'state', title: 'State', width: '132px', className: 's', cell: n => <State state={nodeState(n)} /> },
		{ id: 'deploy', title: 'Configuration', width: '136px', className: 'm', cell: n => <Deploy n={n} /> },
		{ id: 'networks', title: 'Networks', width: '130px', className: 'l', cell: n => <div class="clip">{n.members.map(m => m.network_name).join(', ') || '–'}</div> },
		{
			id: 'endpoint', title: 'Endpoint', width: '196px', className: 'l',
			cell: n => {
				const [text, nat] = endpointOf(n.members[0]);
				return text ? <><code class="clip" style={{ display: 'block' }} title={text}>{text}</code><div class="clip small dim">{nat}</div></> : <span class="dim">–</span>;
			},
		},
		{ id: 'version', title: 'Version', sort: 'version', width: '120px', className: 'x', cell: n => <><div class="clip">{n.version ?? '–'}</div><div class="clip small dim">{n.backend}</div></> },
		{ id: 'seen', title: 'Last heard', sort: 'last_heartbeat', width: '146px', className: 'm', cell: n => <span title={moment(n.last_heartbeat)}>{ago(n.last_heartbeat)}</span> },
	];
	if (may)
		columns.push({
			id: 'actions', title: '(Actions)', className: 'actions',
			cell: n => (
				<div class="row end">
					<button
						type="button" class="switch s" role="switch" aria-checked={n.enabled} aria-label={`${n.name} takes part`} title={n.enabled ? 'Disable' : 'Enable'}
						onClick={() => void enableNode(n, !n.enabled).then(() => list.refresh())}
					/>
					<Menu
						label={`More for ${n.name}`}
						items={[
							{ text: 'Open', icon: 'nodes', run: () => go('nodes', n.id) },
							{ text: n.enabled ? 'Disable' : 'Enable', icon: 'power', run: () => void enableNode(n, !n.enabled).then(() => list.refresh()) },
							...(can('POST /nodes/{id}/rotate') ? [{ text: 'New keys', icon: 'key', run: () => void rotateNode(n).then(() => list.refresh()) }] : []),
							...(can('DELETE /nodes/{id}') ? [{ text: 'Remove', icon: 'trash', danger: true, run: () => void removeNode(n).then(done => { if (done) list.remove(n.id); }) }] : []),
						]}
					/>
				</div>
			),
		});
	const rows = list.rows.value;
	const up = rows.filter(n => nodeState(n) === 'online').length;
	const wrong = rows.filter(n => n.enabled && n.deploy === 'error').length;
	const add = <button type="button" class="button primary" onClick={() => { joining.value = true; }}><Icon name="plus" />Add a node</button>;
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Nodes</h1>
					<p role="status">{list.silent.value ? '–' : `${count(list.total.value, 'node')}${search.value ? ' found' : rows.length === list.total.value && rows.length > 0 ? `, ${up} online${wrong ? `, ${wrong} with an error` : ''}` : ''}`}</p>
				</div>
				{mayJoin && <button type="button" class="button primary" onClick={() => { joining.value = true; }}><Icon name="plus" />Add a node<kbd aria-hidden="true">n</kbd></button>}
			</div>
			<div class="tools">
				<Search label="Search nodes" value={search.value} onChange={t => { search.value = t; }} onAsk={ask} />
				{wrong > 0 && <span class="state"><Mark state="error" />{count(wrong, 'node')} in state {stateWord('error')}</span>}
			</div>
			<Table
				label="Nodes" list={list} columns={columns} name={n => n.name} open={n => go('nodes', n.id)}
				empty={list.answered.value?.search
					? <><h2>Nothing like that</h2><p>No node matches.</p></>
					: networks.value.length === 0
						? <><h2>No network yet</h2><p>Make a network first; nodes join networks.</p><a class="button primary" href="#/overview">Set it up</a></>
						: <><h2>No nodes yet</h2><p>Some commands on a machine make it a node: a gateway for clients, say.</p>{mayJoin && add}</>}
			/>
			{place.value.page === 'nodes' && place.value.id && <NodeSheet id={place.value.id} onClose={() => { go('nodes'); list.refresh(); }} />}
			{joining.value && <Join onClose={() => { joining.value = false; }} />}
		</>
	);
}
