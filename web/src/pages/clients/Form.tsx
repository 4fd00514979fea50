// Adding a client takes a name; the rest is there for who wants it. The same fields edit one.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, api } from '../../lib/api';
import { useEdited } from '../../lib/edit';
import { networks, nodes, useFirstNetwork } from '../../lib/fleet';
import { words } from '../../lib/format';
import type { Client, Place } from '../../lib/model';
import { Amount, BITS, BYTES, measured, total } from '../../parts/Amount';
import { Dialog } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { Places, usable } from './Places';
import { PATH, create, type Handout } from './actions';

type Route = 'network' | 'chosen' | 'everything';

const routes: [Route, string, string][] = [
	['network', 'This network', 'the rest goes its usual way'],
	['chosen', 'Chosen places', 'the prefixes you list'],
	['everything', 'All traffic', 'through an exit node'],
];

// datetime-local speaks of local time without a zone.
function local(time: string | null): string {
	if (!time)
		return '';
	const d = new Date(time);
	return new Date(d.getTime() - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

// And back. A year of five digits is no time to a browser: then the server says what is wrong with it.
function utc(text: string): string {
	const d = new Date(text);
	return Number.isNaN(d.getTime()) ? text : d.toISOString();
}

interface Props {
	client?: Client; // edit this one
	onClose: () => void;
	onDone: (handout: Handout) => void;
}

export function ClientForm({ client, onClose, onDone }: Props) {
	const [name, setName] = useState(client?.name ?? '');
	const [picked, setNetwork] = useState(client?.network ?? '');
	const first = useFirstNetwork();
	const network = picked || first;
	const [description, setDescription] = useState(client?.description ?? '');
	const [tags, setTags] = useState(client?.tags.join(', ') ?? '');
	const [route, setRoute] = useState<Route>(client?.full_tunnel ? 'everything' : client?.allowed_ips.length ? 'chosen' : 'network');
	const [prefixes, setPrefixes] = useState(client?.allowed_ips.join(', ') ?? '');
	const [exit, setExit] = useState(client?.exit ?? '');
	const [rate, setRate] = useState(measured(client?.rate_limit ?? 0, BITS, 1e6));
	const [quota, setQuota] = useState(measured(client?.quota_bytes ?? 0, BYTES, 1e9));
	const [period, setPeriod] = useState<string>(client?.quota_period ?? 'none');
	const [places, setPlaces] = useState<Place[]>(client?.endpoints ?? []);
	const [place, setPlace] = useState(client?.endpoints?.find(p => p.chosen)?.gateway ?? '');
	const [dns, setDns] = useState(client?.dns.join(', ') ?? '');
	const [mtu, setMtu] = useState(client?.mtu ? String(client.mtu) : '');
	const [keepalive, setKeepalive] = useState(client && client.keepalive >= 0 ? String(client.keepalive) : '');
	const [expires, setExpires] = useState(local(client?.expires_at ?? null));
	const [onServer, setOnServer] = useState(false);
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState<ApiError | null>(null);

	useEffect(() => {
		if (client || !network)
			return;
		let wanted = true;
		api.get<{ items: Place[] }>(`/networks/${network}/endpoints`).then(({ items }) => {
			if (!wanted)
				return;
			setPlaces(items);
			setPlace((items.find(p => p.nearest) ?? items[0])?.gateway ?? '');
		}, () => { if (wanted) setPlaces([]); }); // then the server decides
		return () => { wanted = false; };
	}, [network]);
	const several = places.filter(usable).length > 1 || (!!client && places.length > 1);
	const moved = several && place !== '' && !places.find(p => p.gateway === place)?.chosen;

	const wrong = (field: string) => (error?.field === field ? error.message : undefined);
	const known = ['name', 'network', 'description', 'tags', 'allowed_ips', 'dns', 'mtu', 'keepalive', 'expires_at', 'exit', 'rate_limit', 'quota_bytes', 'quota_period', ...(several ? ['gateway', 'region'] : [])];
	const exits = nodes.value.filter(n => n.members.some(m => m.network === network && m.roles.includes('exit')));
	const fields = {
		name,
		description: description || null,
		tags: words(tags),
		full_tunnel: route === 'everything',
		allowed_ips: route === 'chosen' ? words(prefixes) : [],
		...(exit || client?.exit ? { exit: route === 'everything' ? exit : '' } : {}),
		rate_limit: total(rate),
		quota_bytes: total(quota),
		quota_period: total(quota) ? period : 'none',
		dns: words(dns),
		mtu: Number(mtu) || 0,
		keepalive: keepalive === '' ? -1 : Number(keepalive),
		expires_at: expires ? utc(expires) : null,
	};
	const entry = moved ? { gateway: place } : {};
	const edit = useEdited(client, fields);
	const submit = async () => {
		setBusy(true);
		setError(null);
		try {
			if (client)
				onDone({ client: await edit(`${PATH}/${client.id}`, {}, entry) });
			else
				onDone(await create({ ...fields, ...entry, ...(network ? { network } : {}) }, onServer));
		} catch (e) {
			setError(e instanceof ApiError ? e : new ApiError(0, (e as Error).message));
			setBusy(false);
		}
	};
	return (
		<Dialog
			title={client ? `Edit ${client.name}` : 'Add a client'} onClose={onClose} keep onSubmit={() => void submit()}
			footer={
				<>
					<button type="button" class="button" onClick={onClose}>Cancel</button>
					<button type="submit" class="button primary" disabled={busy}>{busy ? 'One moment…' : client ? 'Save' : 'Add'}</button>
				</>
			}
		>
			<div class="fields">
				<Field label="Name" wide={!!client || networks.value.length < 2} wrong={wrong('name')} hint={client ? undefined : 'A person and a device, say: Ann’s phone'}>
					<input value={name} onInput={e => setName(e.currentTarget.value)} maxLength={128} required autocomplete="off" data-focus />
				</Field>
				{!client && networks.value.length > 1 && (
					<Field label="Network" wrong={wrong('network')}>
						<select value={network} onChange={e => setNetwork(e.currentTarget.value)}>
							{networks.value.map(n => <option key={n.id} value={n.id}>{n.name}</option>)}
						</select>
					</Field>
				)}
			</div>
			{several && !client && <Places places={places} chosen={place} wrong={wrong('gateway') ?? wrong('region')} onChange={setPlace} />}
			{error && !known.includes(error.field ?? '') && <p class="notice bad" role="alert">{error.message}</p>}
			{error && error.field === 'network' && networks.value.length < 2 && <p class="notice bad" role="alert">{error.message}</p>}
			<details class="more" open={!!client || (!!error && !['name', 'network', 'gateway', 'region'].includes(error.field ?? 'name'))}>
				<summary>{client ? 'Settings' : 'More settings'}</summary>
				<div class="stack">
					{several && client && <Places places={places} chosen={place} wrong={wrong('gateway') ?? wrong('region')} onChange={setPlace} />}
					<fieldset>
						<legend>What goes through the tunnel</legend>
						<div class="choices">
							{routes.map(([value, title, about]) => (
								<label class="choice" key={value}>
									<input type="radio" name="route" checked={route === value} onChange={() => setRoute(value)} />
									<span>{title}<small>{about}</small></span>
								</label>
							))}
						</div>
					</fieldset>
					<div class="fields">
						{route === 'chosen' && (
							<Field label="Destinations" wide wrong={wrong('allowed_ips')} hint="Prefixes, such as 10.50.0.0/24, 2001:db8::/32">
								<input value={prefixes} onInput={e => setPrefixes(e.currentTarget.value)} spellcheck={false} required />
							</Field>
						)}
						{route === 'everything' && (
							<Field label="Leaves by" wide wrong={wrong('exit')} hint="Which node its traffic goes outside at">
								<select value={exit} onChange={e => setExit(e.currentTarget.value)}>
									<option value="">its gateway, or else the nearest exit</option>
									{exits.map(n => <option key={n.id} value={n.id}>{n.name}</option>)}
									{exit && !exits.some(n => n.id === exit) && <option value={exit}>{nodes.value.find(n => n.id === exit)?.name ?? exit}</option>}
								</select>
							</Field>
						)}
						<Field label="DNS servers" wrong={wrong('dns')} hint="Empty: as the network says">
							<input value={dns} onInput={e => setDns(e.currentTarget.value)} spellcheck={false} />
						</Field>
						<Field label="Ends at" wrong={wrong('expires_at')} hint="Empty: never">
							<input type="datetime-local" value={expires} onInput={e => setExpires(e.currentTarget.value)} />
						</Field>
						<Field label="MTU" wrong={wrong('mtu')} hint="Empty: as the network says">
							<input type="number" min="576" max="65535" value={mtu} onInput={e => setMtu(e.currentTarget.value)} />
						</Field>
						<Field label="Keepalive, seconds" wrong={wrong('keepalive')} hint="Empty: as the network says; 0: off">
							<input type="number" min="0" max="65535" value={keepalive} onInput={e => setKeepalive(e.currentTarget.value)} />
						</Field>
						<Field label="Data quota" wrong={wrong('quota_bytes')} hint="Both directions together. Empty: none">
							<Amount value={quota} units={BYTES} what="data quota" onChange={setQuota} />
						</Field>
						<Field label="Begins anew" wrong={wrong('quota_period')} hint="At midnight, UTC">
							<select value={period} disabled={!quota.text} onChange={e => setPeriod(e.currentTarget.value)}>
								<option value="none">never</option>
								<option value="day">each day</option>
								<option value="month">each month</option>
							</select>
						</Field>
						<Field label="Rate, at most" wide wrong={wrong('rate_limit')} hint="For each direction. Empty: as fast as it goes">
							<Amount value={rate} units={BITS} what="rate" onChange={setRate} />
						</Field>
						<Field label="Tags" wide wrong={wrong('tags')} hint="For policies and for finding it; separated by commas">
							<input value={tags} onInput={e => setTags(e.currentTarget.value)} spellcheck={false} />
						</Field>
						<Field label="Description" wide wrong={wrong('description')}>
							<input value={description} onInput={e => setDescription(e.currentTarget.value)} maxLength={512} />
						</Field>
					</div>
					{!client && (
						<fieldset>
							<legend>Its private key is made</legend>
							<div class="choices">
								<label class="choice">
									<input type="radio" name="maker" checked={!onServer} onChange={() => setOnServer(false)} />
									<span>In this browser<small>The server never sees it. You get a QR code and a file.</small></span>
								</label>
								<label class="choice">
									<input type="radio" name="maker" checked={onServer} onChange={() => setOnServer(true)} />
									<span>On the server, to hand on<small>You get a link that opens once, within 15 minutes.</small></span>
								</label>
							</div>
						</fieldset>
					)}
				</div>
			</details>
		</Dialog>
	);
}
