// How a machine becomes a node: a token that admits it, and the commands to run there, shown once.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../../lib/api';
import { listen } from '../../lib/events';
import { networks, nodes, useFirstNetwork } from '../../lib/fleet';
import type { Token } from '../../lib/model';
import { Dialog } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { CopyBox } from '../../parts/Secret';
import { State } from '../../parts/State';

const roles: [string, string, string][] = [
	['peer', 'Peer', 'a machine in the network'],
	['gateway', 'Gateway', 'clients connect to it'],
	['exit', 'Exit', 'full tunnels leave by it'],
	['controller', 'Controller', 'links all others in a hub'],
];

// The agents' port is the panel's neighbour unless it was set otherwise.
const AGENT_PORT = 8444;

function Made({ token, onClose }: { token: string; onClose: () => void }) {
	const [before] = useState(() => new Set(nodes.value.map(n => n.id)));
	const [joined, setJoined] = useState('');
	useEffect(() => listen(() => {
		const fresh = nodes.value.find(n => !before.has(n.id) && n.connected);
		if (fresh)
			setJoined(fresh.name);
	}), []);
	const fresh = nodes.value.find(n => !before.has(n.id));
	const name = joined || fresh?.name;
	const host = location.hostname.includes(':') && !location.hostname.startsWith('[') ? `[${location.hostname}]` : location.hostname;
	const near = /^(127\.|localhost$|\[::1\]$)/.test(location.hostname);
	const url = `https://${near ? 'THIS-SERVER' : host}:${AGENT_PORT}`;
	return (
		<Dialog
			title="Join it" kind="wide" keep onClose={onClose}
			footer={
				<>
					<span class="row grow" role="status">
						{name ? <span class="tag accent wide"><State state="online" /> {name} joined</span> : <span class="dim small">Waiting for it to join…</span>}
					</span>
					<button type="button" class="button primary" data-focus onClick={onClose}>Done</button>
				</>
			}
		>
			<p class="notice"><Icon name="key" /><span>The token is shown this once. It admits one machine and ends soon; the machine makes its own keys.</span></p>
			<ol class="steps">
				<li><div>Install Warren on the machine, as the package or by <code>./run</code> of the sources.</div></li>
				<li><div>Join, as root. The token goes in by a file, so that no process list shows it.
					<CopyBox label="Commands to join" text={`umask 077; cat > /root/join-token <<'END'\n${token}\nEND\nwarren agent join ${url} --token-file /root/join-token && rm /root/join-token`} />
				</div></li>
				<li><div>Run the agent, and keep it running.<CopyBox label="Command to run" text="warren agent run" /></div></li>
			</ol>
			{near && <p class="dim small">You look at this panel by a local address: put the server's own, as that machine reaches it, in place of THIS-SERVER. It needs TCP port {AGENT_PORT} of it.</p>}
			<details class="more"><summary>The token alone</summary><CopyBox label="Join token" text={token} /></details>
		</Dialog>
	);
}

// gateway: what is missing is one.
export function Join({ gateway, onClose }: { gateway?: boolean; onClose: () => void }) {
	const saving = useSaving();
	const [picked, setNetwork] = useState('');
	const first = useFirstNetwork();
	const network = picked || first;
	const [chosen, setChosen] = useState<string[]>([gateway ? 'gateway' : 'peer']);
	const [uses, setUses] = useState('1');
	const [hours, setHours] = useState('1');
	const [token, setToken] = useState('');
	if (token)
		return <Made token={token} onClose={onClose} />;
	return (
		<FormDialog
			title="Add a node" action="Make a token" saving={saving} fields={['networks', 'uses_left', 'expires_at']} disabled={chosen.length === 0 || !network} onClose={onClose}
			save={async () => {
				const made = await api.post<Token & { token: string }>('/tokens', {
					kind: 'join',
					name: `node, ${new Date().toISOString().slice(0, 16).replace('T', ' ')}`,
					networks: [network],
					roles: chosen,
					uses_left: Number(uses),
					expires_at: new Date(Date.now() + Number(hours) * 3600000).toISOString(),
				});
				setToken(made.token);
			}}
		>
			{networks.value.length === 0 && <p class="notice warn">There is no network yet: make one first.</p>}
			<Field label="Network" wrong={saving.wrong('networks')}>
				<select value={network} onChange={e => setNetwork(e.currentTarget.value)} data-focus>
					{networks.value.map(n => <option key={n.id} value={n.id}>{n.name}</option>)}
				</select>
			</Field>
			<fieldset>
				<legend>What it may be there</legend>
				<div class="choices">
					{roles.map(([role, title, about]) => (
						<label class="choice" key={role}>
							<input
								type="checkbox" checked={chosen.includes(role)}
								onChange={e => setChosen(e.currentTarget.checked ? [...chosen, role] : chosen.filter(r => r !== role))}
							/>
							<span>{title}<small>{about}</small></span>
						</label>
					))}
				</div>
			</fieldset>
			<div class="fields">
				<Field label="How many machines" wrong={saving.wrong('uses_left')}>
					<input type="number" min="1" max="10000" value={uses} onInput={e => setUses(e.currentTarget.value)} required />
				</Field>
				<Field label="Ends after, hours" wrong={saving.wrong('expires_at')}>
					<input type="number" min="1" max="8760" value={hours} onInput={e => setHours(e.currentTarget.value)} required />
				</Field>
			</div>
		</FormDialog>
	);
}
