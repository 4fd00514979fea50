// Tokens: of programs that call the API, and those that machines join with.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { all, api } from '../../lib/api';
import { ago, count, moment } from '../../lib/format';
import { List } from '../../lib/list';
import type { Role, Token, User } from '../../lib/model';
import { nameOf } from '../../lib/names';
import { can } from '../../lib/session';
import { useShortcuts } from '../../lib/shortcuts';
import { ask } from '../../parts/Dialog';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { Menu } from '../../parts/Menu';
import { SecretShown } from '../../parts/Secret';
import { Table, type Column } from '../../parts/Table';
import { complain, say } from '../../parts/Toasts';
import { RightsFields, type Rights } from './Rights';

function TokenForm({ roles, onClose, onDone }: { roles: Role[]; onClose: () => void; onDone: (t: Token & { token: string }) => void }) {
	const saving = useSaving();
	const name = useSignal('');
	const days = useSignal('90');
	const rights = useSignal<Rights>({ role: 'viewer', scopes: [], grants: [] });
	return (
		<FormDialog
			title="Add an API token" action="Make a token" saving={saving} fields={['name', 'expires_at', 'role', 'scopes', 'grants']} onClose={onClose}
			save={async () => onDone(await api.post('/tokens', {
				kind: 'api', name: name.value, ...rights.value,
				...(days.value ? { expires_at: new Date(Date.now() + Number(days.value) * 86400000).toISOString() } : {}),
			}))}
		>
			<div class="fields">
				<Field label="Name" wrong={saving.wrong('name')} hint="The program it is for">
					<input value={name.value} onInput={e => { name.value = e.currentTarget.value; }} maxLength={128} required autocomplete="off" data-focus />
				</Field>
				<Field label="Ends after, days" wrong={saving.wrong('expires_at')} hint="Empty: never">
					<input type="number" min="1" max="3650" value={days.value} onInput={e => { days.value = e.currentTarget.value; }} />
				</Field>
			</div>
			<RightsFields value={rights.value} roles={roles} saving={saving} onChange={v => { rights.value = v; }} />
			<p class="dim small">It acts for you: never with more than you hold, and not while you are disabled.</p>
		</FormDialog>
	);
}

function over(t: Token): string {
	if (t.kind === 'join' && t.uses_left === 0)
		return 'used up';
	return t.expires_at && new Date(t.expires_at).getTime() <= Date.now() ? 'ended' : '';
}

export function Tokens({ roles }: { roles: Role[] }) {
	const list = useMemo(() => new List<Token>('/tokens', { sort: '-created_at' }), []);
	const kind = useSignal('');
	const adding = useSignal(false);
	const made = useSignal<(Token & { token: string }) | null>(null);
	const users = useSignal<User[]>([]);
	const find = () => list.ask({ ...list.query.value, kind: kind.value });
	useEffect(() => {
		find();
		if (can('GET /users'))
			all<User>('/users').then(found => { users.value = found; }, () => {});
		return () => list.close();
	}, []);
	useShortcuts(can('POST /tokens') ? [{ keys: 'n', does: 'add an API token', run: () => { adding.value = true; } }] : []);
	const remove = async (t: Token) => {
		if (!(await ask(`Delete the token ${t.name}?`, t.kind === 'api' ? 'The program that has it is refused from now on.' : 'No machine can join with it any more; those that did stay.', 'Delete')))
			return;
		try {
			await api.delete(`/tokens/${t.id}`);
			list.remove(t.id);
			say(`${t.name} deleted`);
		} catch (e) {
			complain(e);
		}
	};
	const columns: Column<Token>[] = [
		{
			id: 'name', title: 'Name', sort: 'name',
			cell: t => <><div class="name clip">{t.name}</div><div class="clip small dim"><span class={`tag ${t.kind === 'api' ? 'accent' : ''}`}>{t.kind === 'api' ? 'API' : 'join'}</span> {over(t) && <span class="tag warn">{over(t)}</span>}</div></>,
		},
		{ id: 'may', title: 'May', width: '230px', className: 's', cell: t => <div class="clip">{t.kind === 'api' ? <>{t.role}<div class="clip small dim">{t.scopes.map(nameOf).join(', ') || 'the whole project'}</div></> : <>{t.roles.join(', ')}<div class="clip small dim">joins {t.networks.map(nameOf).join(', ')}, {t.uses_left} left</div></>}</div> },
		{ id: 'by', title: 'Of', width: '140px', className: 'l', cell: t => <span class="clip">{users.value.find(u => u.id === t.created_by)?.name ?? t.created_by ?? '–'}</span> },
		{ id: 'ends', title: 'Ends', sort: 'expires_at', width: '146px', className: 'm', cell: t => <span title={moment(t.expires_at)}>{t.expires_at ? ago(t.expires_at) : 'never'}</span> },
		{ id: 'used', title: 'Last used', sort: 'last_used', width: '146px', className: 'm', cell: t => <span title={moment(t.last_used)}>{ago(t.last_used)}</span> },
	];
	if (can('DELETE /tokens/{id}'))
		columns.push({ id: 'actions', title: '(Actions)', className: 'actions', cell: t => <div class="row end"><Menu label={`More for ${t.name}`} items={[{ text: 'Delete', icon: 'trash', danger: true, run: () => void remove(t) }]} /></div> });
	return (
		<>
			<div class="tools">
				<div class="row wrap chips" role="group" aria-label="Filter by kind">
					{[['api', 'API'], ['join', 'Join']].map(([k, title]) => (
						<button type="button" class="chip" key={k} aria-pressed={kind.value === k} onClick={() => { kind.value = kind.value === k ? '' : k!; find(); }}>{title}</button>
					))}
				</div>
				<p role="status" class="dim grow">{list.silent.value ? '–' : count(list.total.value, 'token')}</p>
				{can('POST /tokens') && <button type="button" class="button primary" onClick={() => { adding.value = true; }}><Icon name="plus" />Add an API token<kbd aria-hidden="true">n</kbd></button>}
			</div>
			<Table label="Tokens" list={list} columns={columns} name={t => t.name} empty={<><h2>No tokens</h2><p>Programs call the API with tokens; machines join with them.</p></>} />
			{adding.value && <TokenForm roles={roles} onClose={() => { adding.value = false; }} onDone={t => { adding.value = false; made.value = t; list.refresh(); }} />}
			{made.value && (
				<SecretShown
					title={`Token ${made.value.name}`} label="API token" text={made.value.token}
					about="It is shown this once; the server keeps only its hash." onClose={() => { made.value = null; }}
				>
					<p class="dim small">Programs send it as <code>Authorization: Bearer …</code>; the command line takes it from <code>WARREN_TOKEN</code>.</p>
				</SecretShown>
			)}
		</>
	);
}
