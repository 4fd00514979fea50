// One client, whole: what it is, how it is connected, and what can be done to it.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { api, ApiError, inOrder } from '../../lib/api';
import { listen } from '../../lib/events';
import { networkName, networks, nodeName } from '../../lib/fleet';
import { age, ago, bits, bytes, moment, volume } from '../../lib/format';
import type { Client } from '../../lib/model';
import { note } from '../../lib/past';
import { can, me } from '../../lib/session';
import { Dialog, ask } from '../../parts/Dialog';
import { Icon } from '../../parts/Icon';
import { Traffic, type Counted } from '../../parts/Plot';
import { Presence } from '../../parts/Presence';
import { State } from '../../parts/State';
import { complain, say } from '../../parts/Toasts';
import { PATH, enable, remove, rotate, type Handout } from './actions';
import { ClientForm } from './Form';
import { placeName } from './Places';
import { status, unusedSince } from './status';

function route(c: Client): string {
	if (c.full_tunnel)
		return c.exit ? `all traffic, by ${nodeName(c.exit)}` : 'all traffic';
	return c.allowed_ips.length > 0 ? c.allowed_ips.join(', ') : 'this network only';
}

function Quota({ client: c }: { client: Client }) {
	if (!c.quota_bytes)
		return <>none</>;
	const left = Math.max(0, c.quota_bytes - c.quota_used);
	return (
		<div class="quota">
			<meter min={0} max={c.quota_bytes} high={c.quota_bytes * 0.9} optimum={0} value={Math.min(c.quota_used, c.quota_bytes)} aria-label="Quota used" />
			<span class="num">{volume(c.quota_used)} of {volume(c.quota_bytes)} used, {volume(left)} left</span>
			{c.quota_ends_at && <span class="dim small">begins anew {moment(c.quota_ends_at)}</span>}
		</div>
	);
}

function Entries({ client: c }: { client: Client }) {
	const places = c.endpoints ?? [];
	if (places.length === 0)
		return <>–</>;
	return (
		<ul class="entries">
			{places.map(p => (
				<li key={p.gateway}>
					<span class="row wrap">
						<span>{placeName(p)}</span><State state={!p.enabled ? 'disabled' : p.online ? 'online' : 'offline'} />
						{p.chosen && places.length > 1 && <span class="tag accent">in its file</span>}
					</span>
					<code class="small">{p.endpoint ?? 'no known endpoint'}</code>
				</li>
			))}
		</ul>
	);
}

export async function newKey(client: Client, onServer: boolean): Promise<Handout | null> {
	const sure = await ask(
		`A new key for ${client.name}?`,
		'The configuration in use stops working at once; the device needs the new one.',
		'Make a new key',
		false,
	);
	return sure ? rotate(client, onServer) : null;
}

type Fact = [string, preact.ComponentChildren];

function Facts({ title, list }: { title: string; list: Fact[] }) {
	return (
		<section class="stack tight" aria-label={title}>
			<h3>{title}</h3>
			<dl class="facts">{list.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={`${k}:`}>{v}</dd>])}</dl>
		</section>
	);
}

interface Props {
	id: string;
	onClose: () => void;
	onHandout: (handout: Handout) => void;
}

export function ClientSheet({ id, onClose, onHandout }: Props) {
	const [client, setClient] = useState<Client | null>(null);
	const [error, setError] = useState('');
	const [editing, setEditing] = useState(false);
	const [config, setConfig] = useState('');
	const [owner, setOwner] = useState('');
	const [seen, setSeen] = useState<Counted[]>([]);
	// Its states and traffic while one looks, with what is shown of it.
	useLayoutEffect(() => {
		if (!client)
			return;
		note(client.id, status(client), client.last_seen);
		setSeen(list => [...list.slice(-300), { at: Date.now() / 1000, rx: client.rx, tx: client.tx }]);
	}, [client]);
	useEffect(() => {
		const by = client?.owner;
		if (by === 'local')
			setOwner('the server’s own console');
		else if (by === me.value?.id)
			setOwner(me.value?.name ?? '');
		else if (by?.startsWith('usr_') && can('GET /users/{id}'))
			api.get<{ name: string }>(`/users/${by}`).then(u => setOwner(u.name), () => {});
	}, [client?.owner]);
	const [tell] = useState(() => inOrder<Client>(setClient));
	const load = () => tell(api.get<Client>(`${PATH}/${id}`)).catch((e: ApiError) => setError(e.message));
	useEffect(() => {
		void load();
		return listen(heard => {
			if (heard.type === 'link' && heard.data.id === id)
				setClient(c => c && { ...c, ...heard.data });
			else if (heard.type === 'refresh' || heard.type === 'links' || (heard.type === 'change' && heard.data.id === id && heard.data.action === 'updated'))
				void load();
			else if (heard.type === 'change' && heard.data.id === id && heard.data.action === 'deleted')
				onClose();
		});
	}, [id]);

	if (!client)
		return <Dialog kind="sheet" title={error ? 'Not here' : 'Client'} onClose={onClose}><p class="dim" role="status">{error || 'One moment…'}</p></Dialog>;
	const may = can('PATCH /wireguard/clients/{id}');
	const unused = unusedSince(client);
	const hand = (onServer: boolean) => async () => {
		try {
			const handout = await newKey(client, onServer);
			if (handout)
				onHandout(handout);
		} catch (e) {
			complain(e);
		}
	};
	const show = async () => {
		try {
			setConfig(await api.get<string>(`${PATH}/${id}/config`));
		} catch (e) {
			complain(e);
		}
	};
	const connection: Fact[] = [
		['Last seen', <span title={moment(client.last_seen)}>{ago(client.last_seen)}</span>],
		['At gateway', nodeName(client.gateway)],
		['Speaks from', client.endpoint ? <code>{client.endpoint}</code> : '–'],
		['Address', <code>{[client.mesh_ip, client.mesh_ip6].filter(Boolean).join(', ')}</code>],
		['DNS name', <code>{client.dns_name}</code>],
		['Traffic', <span class="num">{bytes(client.rx)} from it, {bytes(client.tx)} to it</span>],
	];
	const settings: Fact[] = [
		['Through the tunnel', route(client)],
		['Comes in at', <Entries client={client} />],
		['Rate', client.rate_limit ? `${bits(client.rate_limit)} at most` : 'no limit'],
		['Quota', <Quota client={client} />],
		['DNS servers', client.dns.join(', ') || 'as the network says'],
		['MTU', client.mtu ? String(client.mtu) : 'as the network says'],
		['Keepalive', client.keepalive < 0 ? 'as the network says' : client.keepalive === 0 ? 'off' : `${client.keepalive} s`],
	];
	const about: Fact[] = [
		['Network', networks.value.length > 0 ? networkName(client.network) : '–'],
		['Tags', client.tags.length > 0 ? client.tags.map(t => <span class="tag" key={t}>{t}</span>) : '–'],
		['Owner', owner || client.owner || '–'],
		['Ends', client.expires_at ? moment(client.expires_at) : 'never'],
		['Made', moment(client.created_at)],
		['Key', <><code class="small">{client.public_key}</code><br /><span class="dim small">since {moment(client.key_at)} ({age(client.key_at)})</span></>],
	];
	return (
		<>
			<Dialog
				kind="sheet" title={client.name} onClose={onClose}
				footer={may && (
					<>
						<button type="button" class="button plain danger" onClick={() => void remove(null, [client]).then(done => { if (done) onClose(); })}><Icon name="trash" />Delete</button>
						<span class="grow" />
						<button type="button" class="button" onClick={() => void enable(null, [client], !client.enabled).then(load)}><Icon name="power" />{client.enabled ? 'Disable' : 'Enable'}</button>
						<button type="button" class="button primary" data-focus onClick={() => setEditing(true)}><Icon name="edit" />Edit</button>
					</>
				)}
			>
				{client.description && <p>{client.description}</p>}
				{client.config_stale && (
					<p class="notice warn"><Icon name="alert" /><span>Its configuration is stale: the network changed since it was handed out. It goes on working as it is; a new one has the change.</span></p>
				)}
				{client.state === 'over_quota' && (
					<p class="notice warn"><Icon name="alert" /><span>Its quota is used up: no gateway lets it in {client.quota_ends_at ? `until ${moment(client.quota_ends_at)}` : 'until it gets more'}.</span></p>
				)}
				{unused && <p class="notice warn"><Icon name="alert" /><span>Unused since {moment(unused)}. If nobody misses it, disable it.</span></p>}
				<p class="presence" role="status">
					<State state={status(client)} />
					{client.last_seen && status(client) !== 'online' && <span class="dim" title={moment(client.last_seen)}>last seen {ago(client.last_seen)}</span>}
				</p>
				<Facts title="Connection" list={connection} />
				{client.last_seen && <Presence id={client.id} sign={['handshake', 'handshakes']} />}
				{client.last_seen && <Traffic list={seen} low from="from it" to="to it" />}
				<Facts title="Settings" list={settings} />
				<Facts title="About it" list={about} />
				{may && (
					<div class="row wrap">
						<button type="button" class="button" onClick={() => void hand(false)()}><Icon name="key" />New key</button>
						<button type="button" class="button" onClick={() => void hand(true)()}><Icon name="link" />One-time link</button>
						{can('GET /wireguard/clients/{id}/config') && <button type="button" class="button" onClick={() => void show()}><Icon name="file" />Configuration</button>}
					</div>
				)}
				{config && (
					<div class="stack tight">
						<p class="dim small">Without the private key, which only the device has.</p>
						<pre class="config" tabIndex={0} aria-label="Configuration without its key">{config}</pre>
					</div>
				)}
			</Dialog>
			{editing && (
				<ClientForm
					client={client} onClose={() => setEditing(false)}
					onDone={handout => { setEditing(false); void tell(Promise.resolve(handout.client)); say(`${handout.client.name} saved`); }}
				/>
			)}
		</>
	);
}
