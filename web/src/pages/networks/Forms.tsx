// Making and changing networks and gateway groups. What cannot be changed later is only asked once.
import { useState } from 'preact/hooks';
import { api } from '../../lib/api';
import { useEdited } from '../../lib/edit';
import { words } from '../../lib/format';
import type { Group, Network } from '../../lib/model';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { say } from '../../parts/Toasts';

interface Done {
	onClose: () => void;
	onDone: () => void;
}

function Choice({ name, checked, title, about, onPick }: { name: string; checked: boolean; title: string; about: string; onPick: () => void }) {
	return (
		<label class="choice">
			<input type="radio" name={name} checked={checked} onChange={onPick} />
			<span>{title}<small>{about}</small></span>
		</label>
	);
}

export function NetworkForm({ network, onClose, onDone }: { network?: Network } & Done) {
	const saving = useSaving();
	const [name, setName] = useState(network?.name ?? '');
	const [topology, setTopology] = useState(network?.topology ?? 'mesh');
	const [ipv4, setIpv4] = useState('');
	const [ipv6, setIpv6] = useState('');
	const [domain, setDomain] = useState(network?.domain ?? '');
	const [port, setPort] = useState(network ? String(network.listen_port) : '');
	const [mtu, setMtu] = useState(network?.mtu ? String(network.mtu) : '');
	const [keepalive, setKeepalive] = useState(network ? String(network.keepalive) : '');
	const [psk, setPsk] = useState(network?.psk ?? false);
	const [serve, setServe] = useState(network?.dns_serve ?? true);
	const [upstreams, setUpstreams] = useState(network?.dns_upstreams.join(', ') ?? '');
	const [ranges, setRanges] = useState(network?.region_ranges.join('\n') ?? '');
	const [dns, setDns] = useState(network?.dns.join(', ') ?? '');
	const fields = {
		name, topology, psk, dns_serve: serve, dns: words(dns), dns_upstreams: words(upstreams), region_ranges: ranges.split(/[\n,]+/).map(r => r.trim()).filter(Boolean), mtu: Number(mtu) || 0,
		...(domain ? { domain } : {}),
		...(port ? { listen_port: Number(port) } : {}),
		...(keepalive !== '' ? { keepalive: Number(keepalive) } : {}),
	};
	const edit = useEdited(network, fields);
	const shown = ['name', 'ipv4', 'ipv6', 'domain', 'listen_port', 'mtu', 'keepalive', 'dns', 'dns_upstreams', 'region_ranges'];
	return (
		<FormDialog
			title={network ? `Edit ${network.name}` : 'Add a network'} action={network ? 'Save' : 'Add'} saving={saving} fields={shown} onClose={onClose}
			save={async () => {
				await (network ? edit(`/networks/${network.id}`) : api.post('/networks', { ...fields, ...(ipv4 ? { ipv4 } : {}), ...(ipv6 ? { ipv6 } : {}) }));
				say(`${name} ${network ? 'saved' : 'made'}`);
				onDone();
			}}
		>
			<Field label="Name" wrong={saving.wrong('name')}>
				<input value={name} onInput={e => setName(e.currentTarget.value)} maxLength={128} required data-focus />
			</Field>
			<fieldset>
				<legend>Shape</legend>
				<div class="choices">
					<Choice name="topology" checked={topology === 'mesh'} title="Mesh" about="every node to every other" onPick={() => setTopology('mesh')} />
					<Choice name="topology" checked={topology === 'hub'} title="Hub" about="by gateways and controllers" onPick={() => setTopology('hub')} />
				</div>
			</fieldset>
			<details class="more" open={!!network || ['ipv4', 'ipv6', 'domain', 'listen_port', 'mtu', 'keepalive', 'dns', 'dns_upstreams', 'region_ranges'].includes(saving.error?.field ?? '')}>
				<summary>{network ? 'Settings' : 'More settings'}</summary>
				<div class="stack">
					<div class="fields">
						{!network && (
							<>
								<Field label="IPv4 pool" wrong={saving.wrong('ipv4')} hint="Empty: one that is free. It stays for good.">
									<input value={ipv4} onInput={e => setIpv4(e.currentTarget.value)} spellcheck={false} placeholder="172.30.0.0/16" />
								</Field>
								<Field label="IPv6 pool" wrong={saving.wrong('ipv6')} hint="A ULA /64. Empty: a random one">
									<input value={ipv6} onInput={e => setIpv6(e.currentTarget.value)} spellcheck={false} placeholder="fd…::/64" />
								</Field>
							</>
						)}
						<Field label="DNS domain" wrong={saving.wrong('domain')} hint="Empty: from its name">
							<input value={domain} onInput={e => setDomain(e.currentTarget.value)} spellcheck={false} autocapitalize="none" />
						</Field>
						<Field label="Port" wrong={saving.wrong('listen_port')} hint="UDP, for new nodes">
							<input type="number" min="1" max="65535" value={port} placeholder="51820" onInput={e => setPort(e.currentTarget.value)} />
						</Field>
						<Field label="MTU" wrong={saving.wrong('mtu')} hint="Empty: the system's">
							<input type="number" min="576" max="65535" value={mtu} onInput={e => setMtu(e.currentTarget.value)} />
						</Field>
						<Field label="Keepalive, seconds" wrong={saving.wrong('keepalive')} hint="0: off">
							<input type="number" min="0" max="65535" value={keepalive} placeholder="25" onInput={e => setKeepalive(e.currentTarget.value)} />
						</Field>
						<Field label="Its resolvers ask at" wrong={saving.wrong('dns_upstreams')} hint="For other names. Empty: as the gateway's host does">
							<input value={upstreams} onInput={e => setUpstreams(e.currentTarget.value)} spellcheck={false} />
						</Field>
						<Field label="Other DNS servers for clients" wrong={saving.wrong('dns')} hint="In place of the gateway">
							<input value={dns} onInput={e => setDns(e.currentTarget.value)} spellcheck={false} />
						</Field>
						<Field label="Who is near which region" wide wrong={saving.wrong('region_ranges')} hint="A line each, such as 203.0.113.0/24=north: whoever adds a client from there is offered that region first">
							<textarea rows={2} value={ranges} onInput={e => setRanges(e.currentTarget.value)} spellcheck={false} />
						</Field>
					</div>
					<label class="choice">
						<input type="checkbox" checked={serve} onChange={e => setServe(e.currentTarget.checked)} />
						<span>Nodes answer for its domain<small>Machines and clients have names in it.</small></span>
					</label>
					<label class="choice">
						<input type="checkbox" checked={psk} onChange={e => setPsk(e.currentTarget.checked)} />
						<span>Pre-shared keys<small>One more secret on every link. Clients need new configurations.</small></span>
					</label>
				</div>
			</details>
		</FormDialog>
	);
}

export function GroupForm({ group, network, onClose, onDone }: { group?: Group; network: Network } & Done) {
	const saving = useSaving();
	const [name, setName] = useState(group?.name ?? '');
	const [mode, setMode] = useState<Group['mode']>(group?.mode ?? 'active-active');
	const [port, setPort] = useState(group ? String(group.listen_port) : '');
	const fields = { name, mode, ...(port ? { listen_port: Number(port) } : {}) };
	const edit = useEdited(group, fields);
	return (
		<FormDialog
			title={group ? `Edit ${group.name}` : `Add a gateway group to ${network.name}`} action={group ? 'Save' : 'Add'} saving={saving} fields={['name', 'listen_port']} onClose={onClose}
			save={async () => {
				await (group ? edit(`/groups/${group.id}`) : api.post('/groups', { ...fields, network: network.id }));
				say(`${name} ${group ? 'saved' : 'made'}`);
				onDone();
			}}
		>
			<p class="dim">Gateways of a group share one identity: a client is valid at each of them.</p>
			<Field label="Name" wrong={saving.wrong('name')}>
				<input value={name} onInput={e => setName(e.currentTarget.value)} maxLength={128} required data-focus />
			</Field>
			<fieldset>
				<legend>Gateways</legend>
				<div class="choices">
					<Choice name="mode" checked={mode === 'active-active'} title="All at once" about="clients spread over them" onPick={() => setMode('active-active')} />
					<Choice name="mode" checked={mode === 'active-standby'} title="One, others stand by" about="the next takes over" onPick={() => setMode('active-standby')} />
				</div>
			</fieldset>
			<Field label="Port for clients" wrong={saving.wrong('listen_port')} hint="UDP. Empty: one that is free. Configurations name it.">
				<input type="number" min="1" max="65535" value={port} onInput={e => setPort(e.currentTarget.value)} />
			</Field>
		</FormDialog>
	);
}
