// Overview: is everything all right, who is here, what just happened.
import { useEffect, useState } from 'preact/hooks';
import { api, type Page } from '../lib/api';
import { listen, recent, sums, type Heard } from '../lib/events';
import { fleetLoaded, networks, nodeName, nodes, useFleet } from '../lib/fleet';
import { ago, moment } from '../lib/format';
import type { AuditLine, Client } from '../lib/model';
import { can } from '../lib/session';
import { FleetMap, nodeState } from '../parts/FleetMap';
import { Icon } from '../parts/Icon';
import { Plot } from '../parts/Plot';
import { Mark, State } from '../parts/State';

const tiles = ['online', 'idle', 'offline', 'never', 'disabled'] as const;

const verbs: Record<string, string> = {
	create: 'added', update: 'changed', enable: 'enabled', disable: 'disabled', delete: 'deleted', rotate: 'given a new key',
	config: 'configuration shown', login: 'signed in', logout: 'signed out', password: 'password changed', register: 'joined', confirm: 'came up', link: 'link made',
};

function describe(line: AuditLine): string {
	const [what = '', verb = ''] = line.action.split('.', 2);
	const done = verbs[verb] ?? verb.replace(/_/g, ' ');
	return what === 'session' ? `Somebody ${done}` : `${what[0]?.toUpperCase()}${what.slice(1)} ${line.detail && !/^[a-z]+_[0-9a-f]{32}$/.test(line.detail) ? `“${line.detail}” ` : ''}${done}`;
}

const icons: [RegExp, string][] = [
	[/\.delete$/, 'trash'], [/\.(enable|disable)$/, 'power'], [/\.(create|register|join)$/, 'plus'],
	[/\.(rotate|password|config)$/, 'key'], [/^session/, 'users'], [/./, 'edit'],
];

interface Line {
	key: string;
	at: string;
	mark?: string;
	icon?: string;
	text: string;
}

function heardLine(at: number, heard: Heard, names: Record<string, string>): Line | null {
	const time = new Date(at).toISOString();
	if (heard.type === 'node')
		return { key: `${at}${heard.data.id}`, at: time, mark: heard.data.connected ? 'online' : 'unreachable', text: `Node ${nodeName(heard.data.id)} ${heard.data.connected ? 'connected' : 'is gone'}` };
	if (heard.type === 'link' && names[heard.data.id])
		return { key: `${at}${heard.data.id}`, at: time, mark: heard.data.link_state, text: `${names[heard.data.id]} is ${heard.data.link_state}` };
	return null;
}

// What was done comes from the audit log, who came and went from events; the newest first.
function Feed() {
	const [audit, setAudit] = useState<AuditLine[]>([]);
	const [names, setNames] = useState<Record<string, string>>({});
	useEffect(() => {
		if (!can('GET /audit'))
			return;
		let timer: ReturnType<typeof setTimeout> | undefined;
		const load = () => {
			timer = undefined;
			api.get<Page<AuditLine>>('/audit', { sort: '-at', limit: 30 }).then(p => setAudit(p.items), () => {});
		};
		load();
		const end = listen(heard => {
			if (heard.type === 'change' || heard.type === 'refresh')
				timer ??= setTimeout(load, 800);
		});
		return () => {
			end();
			clearTimeout(timer);
		};
	}, []);
	const links = recent.value.filter(r => r.heard.type === 'link').slice(0, 20);
	useEffect(() => {
		for (const r of links) {
			const id = (r.heard.data as { id: string }).id;
			if (!(id in names)) {
				names[id] = '';
				api.get<Client>(`/wireguard/clients/${id}`).then(c => setNames(n => ({ ...n, [id]: c.name })), () => {});
			}
		}
	}, [recent.value]);
	const lines: Line[] = [
		...recent.value.map(r => heardLine(r.at, r.heard, names)).filter(l => l !== null),
		...audit.map(a => ({ key: a.id, at: a.at, icon: icons.find(([r]) => r.test(a.action))![1], text: describe(a) })),
	].sort((a, b) => b.at.localeCompare(a.at)).slice(0, 40);
	if (lines.length === 0)
		return <p class="dim">Nothing has happened since you are here.</p>;
	return (
		<ul class="feed" tabIndex={0} aria-label="Recent events">
			{lines.map(l => (
				<li key={l.key}>{l.icon ? <Icon name={l.icon} /> : <Mark state={l.mark!} />}<span>{l.text}</span><time dateTime={l.at} title={moment(l.at)}>{ago(l.at)}</time></li>
			))}
		</ul>
	);
}

export function Overview() {
	useFleet();
	const sum = (s: (typeof tiles)[number]) => Object.values(sums.value).reduce((n, v) => n + v[s], 0);
	const bad = nodes.value.filter(n => n.enabled && (n.deploy === 'error' || n.liveness === 'offline' || n.liveness === 'unreachable'));
	const here = nodes.value.filter(n => nodeState(n) === 'online').length;
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Overview</h1>
					<p role="status">{fleetLoaded.value ? `${here} of ${nodes.value.length} nodes online, ${networks.value.length} ${networks.value.length === 1 ? 'network' : 'networks'}` : 'One moment…'}</p>
				</div>
			</div>
			<div class="tiles">
				{tiles.map(t => (
					<a class="tile" key={t} href={`#/clients?state=${t}`}>
						<span class="state"><Mark state={t} />{t === 'never' ? 'Never seen' : t[0]!.toUpperCase() + t.slice(1)}</span>
						<b>{sum(t).toLocaleString('en')}</b>
					</a>
				))}
			</div>
			{bad.length > 0 && (
				<div class="notice warn" role="status">
					<Icon name="alert" />
					<ul class="stack tight">
						{bad.slice(0, 5).map(n => <li key={n.id}><b>{n.name}</b>: {n.deploy === 'error' ? n.deploy_error : <>{n.liveness}, last heard {ago(n.last_heartbeat)}</>}</li>)}
						{bad.length > 5 && <li>and {bad.length - 5} more</li>}
					</ul>
				</div>
			)}
			<div class="halves">
				<div class="stack">
					<section class="card"><h2>Traffic of clients</h2><Plot /></section>
					<section class="card">
						<h2>Fleet</h2>
						{nodes.value.length > 0
							? <FleetMap nodes={nodes.value} />
							: <p class="dim">{fleetLoaded.value ? 'No node has joined yet.' : 'One moment…'}</p>}
						<p class="legend"><State state="online" /><State state="unreachable" /><State state="offline" /></p>
					</section>
				</div>
				<section class="card"><h2>Recent events</h2><Feed /></section>
			</div>
		</>
	);
}
