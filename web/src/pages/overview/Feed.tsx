// What just happened: what was done comes from the audit log, who came and went from events.
import { useEffect, useRef, useState } from 'preact/hooks';
import { all, api, type Page } from '../../lib/api';
import { listen, recent, type Heard } from '../../lib/events';
import { nodeName } from '../../lib/fleet';
import { ago, moment } from '../../lib/format';
import type { AuditLine, Client, User } from '../../lib/model';
import { can, me } from '../../lib/session';
import { Icon } from '../../parts/Icon';
import { Mark } from '../../parts/State';

const verbs: Record<string, string> = {
	create: 'added', update: 'changed', enable: 'enabled', disable: 'disabled', delete: 'deleted', rotate: 'given a new key',
	config: 'configuration shown', login: 'signed in', logout: 'signed out', password: 'password changed', register: 'joined', confirm: 'came up', link: 'link made',
};

// who: the name of the one who did it, if it is known.
function describe(line: AuditLine, who: string): string {
	const [what = '', verb = ''] = line.action.split('.', 2);
	const done = verbs[verb] ?? verb.replace(/_/g, ' ');
	if (line.action === 'session.refused')
		return `A sign-in was refused${who ? `: ${who}` : ''}`;
	return what === 'session' ? `${who || 'Somebody'} ${done}` : `${what[0]?.toUpperCase()}${what.slice(1)} ${line.detail && !/^[a-z]+_[0-9a-f]{32}$/.test(line.detail) ? `“${line.detail}” ` : ''}${done}`;
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

export function Feed() {
	const [audit, setAudit] = useState<AuditLine[]>([]);
	const [users, setUsers] = useState<Record<string, string>>({});
	useEffect(() => {
		if (can('GET /audit') && can('GET /users'))
			all<User>('/users').then(list => setUsers(Object.fromEntries(list.map(u => [u.id, u.name]))), () => {});
	}, []);
	const who = (id: string) => users[id] ?? (id === me.value?.id ? me.value.name : '');
	const [names, setNames] = useState<Record<string, string>>({});
	const known = useRef<Record<string, string>>({});
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
	// Names of the newest few, once a second: thousands of clients may come at once.
	const looking = useRef<ReturnType<typeof setTimeout>>();
	useEffect(() => () => clearTimeout(looking.current), []);
	useEffect(() => {
		looking.current ??= setTimeout(() => {
			looking.current = undefined;
			for (const { heard } of recent.value.filter(r => r.heard.type === 'link').slice(0, 20)) {
				const { id } = heard.data as { id: string };
				if (id in known.current)
					continue;
				known.current[id] = '';
				api.get<Client>(`/wireguard/clients/${id}`).then(c => {
					known.current = { ...known.current, [id]: c.name };
					setNames(known.current);
				}, () => {});
			}
		}, 1000);
	}, [recent.value]);
	const lines: Line[] = [
		...recent.value.map(r => heardLine(r.at, r.heard, names)).filter(l => l !== null),
		...audit.map(a => ({ key: a.id, at: a.at, icon: icons.find(([r]) => r.test(a.action))![1], text: describe(a, who(a.actor)) })),
	].sort((a, b) => b.at.localeCompare(a.at)).slice(0, 40);
	if (lines.length === 0)
		return <p class="dim">Nothing has happened since you came.</p>;
	return (
		<ul class="feed" tabIndex={0} aria-label="Recent events">
			{lines.map(l => (
				<li key={l.key}>{l.icon ? <Icon name={l.icon} /> : <Mark state={l.mark!} />}<span dir="auto">{l.text}</span><time dateTime={l.at} title={moment(l.at)}>{ago(l.at)}</time></li>
			))}
		</ul>
	);
}
