// One node, whole: what it is, what it is in each network, what can be done to it.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { ApiError, api, inOrder } from '../../lib/api';
import { useEdited } from '../../lib/edit';
import { listen } from '../../lib/events';
import { ago, moment, words } from '../../lib/format';
import type { FleetNode, Member } from '../../lib/model';
import { note } from '../../lib/past';
import { can } from '../../lib/session';
import { Dialog } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { nodeState } from '../../parts/FleetMap';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { Presence } from '../../parts/Presence';
import { State } from '../../parts/State';
import { say } from '../../parts/Toasts';
import { enableNode, removeNode, rotateNode, unlessLost } from './actions';

function portOf(endpoint: string): string {
	return endpoint.slice(endpoint.lastIndexOf(':') + 1);
}

// Where others reach it, and how that is known.
export function endpointOf(m: Member | undefined): [string, string] {
	if (!m)
		return ['', ''];
	if (m.endpoint)
		return [m.endpoint, 'as configured'];
	if (!m.observed_endpoint)
		return ['', ''];
	return [m.observed_endpoint, portOf(m.observed_endpoint) === String(m.listen_port) ? 'observed' : 'observed, behind NAT'];
}

export function rotation(n: FleetNode): string {
	if (n.members.some(m => m.switching))
		return 'switching keys';
	if (n.members.some(m => m.next_public_key))
		return 'new keys announced';
	return n.members.some(m => m.rotating) ? 'new keys asked for' : '';
}

function NameForm({ node, onClose, onDone }: { node: FleetNode; onClose: () => void; onDone: () => void }) {
	const saving = useSaving();
	const [name, setName] = useState(node.name);
	return (
		<FormDialog
			title={`Rename ${node.name}`} saving={saving} fields={['name']} onClose={onClose}
			save={async () => {
				await api.patch(`/nodes/${node.id}`, { name });
				say(`${name} saved`);
				onDone();
			}}
		>
			<Field label="Name" wrong={saving.wrong('name')} hint="Also its name in DNS">
				<input value={name} onInput={e => setName(e.currentTarget.value)} maxLength={128} required data-focus />
			</Field>
		</FormDialog>
	);
}

function MemberForm({ node, member, onClose, onDone }: { node: FleetNode; member: Member; onClose: () => void; onDone: () => void }) {
	const saving = useSaving();
	const [endpoint, setEndpoint] = useState(member.endpoint ?? '');
	const [region, setRegion] = useState(member.region ?? '');
	const [port, setPort] = useState(String(member.listen_port));
	const [subnets, setSubnets] = useState(member.local_subnets.join(', '));
	const [masquerade, setMasquerade] = useState(member.masquerade);
	const edit = useEdited(member, { endpoint: endpoint.trim() || null, region: region.trim() || null, listen_port: Number(port), local_subnets: words(subnets), masquerade });
	return (
		<FormDialog
			title={`${node.name} in ${member.network_name}`} saving={saving} fields={['endpoint', 'region', 'listen_port', 'local_subnets', 'masquerade']} onClose={onClose}
			save={async () => {
				if (!(await unlessLost(query => edit(`/members/${member.id}`, query), 'Save all the same')))
					return;
				say(`${node.name} saved`);
				onDone();
			}}
		>
			<div class="fields">
				<Field label="Endpoint" wide wrong={saving.wrong('endpoint')} hint={`host:port that others reach it at. Empty: as observed${member.observed_endpoint ? ` (${member.observed_endpoint})` : ''}`}>
					<input value={endpoint} onInput={e => setEndpoint(e.currentTarget.value)} spellcheck={false} autocapitalize="none" data-focus />
				</Field>
				<Field label="Port it listens on" wrong={saving.wrong('listen_port')}>
					<input type="number" min="1" max="65535" value={port} onInput={e => setPort(e.currentTarget.value)} required />
				</Field>
				<Field label="Region" wrong={saving.wrong('region')} hint="Clients go to what is near">
					<input value={region} onInput={e => setRegion(e.currentTarget.value)} maxLength={128} />
				</Field>
				<Field label="Local subnets" wide wrong={saving.wrong('local_subnets')} hint="Prefixes that lie behind it, such as 10.50.0.0/24">
					<input value={subnets} onInput={e => setSubnets(e.currentTarget.value)} spellcheck={false} />
				</Field>
			</div>
			<label class="choice">
				<input type="checkbox" checked={masquerade} onChange={e => setMasquerade(e.currentTarget.checked)} />
				<span>Masquerade<small>Machines behind it see its own address: they need no route back.</small></span>
			</label>
		</FormDialog>
	);
}

function Membership({ member, onEdit }: { member: Member; onEdit?: () => void }) {
	const [endpoint, how] = endpointOf(member);
	const facts: [string, preact.ComponentChildren][] = [
		['Roles', member.roles.map(r => <span class="tag" key={r}>{r}</span>)],
		['Address', <code>{[member.ipv4, member.ipv6].filter(Boolean).join(', ')}</code>],
		['Endpoint', endpoint ? <><code>{endpoint}</code> <span class="dim small">{how}</span></> : 'not known yet'],
		...(member.endpoint && member.observed_endpoint ? [['Seen at', <code>{member.observed_endpoint}</code>] as [string, preact.ComponentChildren]] : []),
		['Listens on', `UDP ${member.listen_port}`],
		['Region', member.region ?? '–'],
		['Local subnets', member.local_subnets.length > 0 ? <><code>{member.local_subnets.join(', ')}</code>{member.masquerade && <span class="dim small"> masqueraded</span>}</> : '–'],
		['Key', <code class="small">{member.public_key ?? 'not announced yet'}</code>],
		...(member.next_public_key ? [['Next key', <code class="small">{member.next_public_key}</code>] as [string, preact.ComponentChildren]] : []),
	];
	return (
		<section class="card stack tight" aria-label={`In ${member.network_name}`}>
			<div class="row">
				<h3 class="grow clip">In {member.network_name}</h3>
				{onEdit && <button type="button" class="button" aria-label={`Edit in ${member.network_name}`} onClick={onEdit}><Icon name="edit" />Edit</button>}
			</div>
			<dl class="facts">{facts.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={`${k}:`}>{v}</dd>])}</dl>
		</section>
	);
}

export function NodeSheet({ id, onClose }: { id: string; onClose: () => void }) {
	const [node, setNode] = useState<FleetNode | null>(null);
	const [error, setError] = useState('');
	const [renaming, setRenaming] = useState(false);
	const [editing, setEditing] = useState<Member | null>(null);
	const [tell] = useState(() => inOrder<FleetNode>(setNode));
	const load = () => tell(api.get<FleetNode>(`/nodes/${id}`)).catch((e: ApiError) => setError(e.message));
	useEffect(() => {
		void load();
		const timer = setInterval(load, 5000);
		const end = listen(heard => {
			if (heard.type === 'change' && heard.data.id === id && heard.data.action === 'deleted')
				onClose();
			else if (heard.type === 'refresh' || heard.type === 'node' || (heard.type === 'change' && /^(node|member)$/.test(heard.data.table)))
				void load();
		});
		return () => {
			end();
			clearInterval(timer);
		};
	}, [id]);
	useLayoutEffect(() => {
		if (node)
			note(node.id, nodeState(node), node.last_heartbeat);
	}, [node]);
	if (!node)
		return <Dialog kind="sheet" title={error ? 'Not here' : 'Node'} onClose={onClose}><p class="dim" role="status">{error || 'One moment…'}</p></Dialog>;
	const may = can('PATCH /nodes/{id}');
	const facts: [string, preact.ComponentChildren][] = [
		['State', <State state={nodeState(node)} />],
		['Configuration', <State state={node.deploy} />],
		['Last heard', <span title={moment(node.last_heartbeat)}>{ago(node.last_heartbeat)}</span>],
		['Version', node.version ?? '–'],
		['WireGuard', node.backend ?? '–'],
		['Joined', moment(node.created_at)],
	];
	return (
		<>
			<Dialog
				kind="sheet" title={node.name} onClose={onClose}
				footer={may && (
					<>
						{can('DELETE /nodes/{id}') && <button type="button" class="button plain danger" onClick={() => void removeNode(node).then(done => { if (done) onClose(); })}><Icon name="trash" />Remove</button>}
						<span class="grow" />
						<button type="button" class="button" onClick={() => void enableNode(node, !node.enabled).then(load)}><Icon name="power" />{node.enabled ? 'Disable' : 'Enable'}</button>
						<button type="button" class="button" data-focus onClick={() => setRenaming(true)}><Icon name="edit" />Rename</button>
					</>
				)}
			>
				{node.deploy === 'error' && <p class="notice bad" role="status"><Icon name="alert" /><span>It could not apply its configuration: {node.deploy_error ?? 'no reason given'}</span></p>}
				{node.deploy === 'pending' && node.enabled && <p class="notice"><Icon name="alert" /><span>{node.connected ? 'It is applying the newest change.' : 'It gets the newest change when it is back.'}</span></p>}
				<dl class="facts">{facts.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={`${k}:`}>{v}</dd>])}</dl>
				{node.last_heartbeat && <Presence id={node.id} sign={['heartbeat', 'heartbeats']} />}
				{can('POST /nodes/{id}/rotate') && (
					<div class="row wrap">
						<button type="button" class="button" onClick={() => void rotateNode(node).then(load)}><Icon name="key" />New keys</button>
						{rotation(node) && <span class="tag warn wide" role="status">{rotation(node)}</span>}
					</div>
				)}
				{node.members.map(m => <Membership key={m.id} member={m} onEdit={may ? () => setEditing(m) : undefined} />)}
			</Dialog>
			{renaming && <NameForm node={node} onClose={() => setRenaming(false)} onDone={() => { setRenaming(false); void load(); }} />}
			{editing && <MemberForm node={node} member={editing} onClose={() => setEditing(null)} onDone={() => { setEditing(null); void load(); }} />}
		</>
	);
}
