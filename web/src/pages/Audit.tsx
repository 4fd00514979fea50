// The audit log: who did what, and whether the log is whole.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { all, api } from '../lib/api';
import { listen } from '../lib/events';
import { useFleet } from '../lib/fleet';
import { ago, count, moment } from '../lib/format';
import { List } from '../lib/list';
import type { AuditLine, User } from '../lib/model';
import { nameOf } from '../lib/names';
import { can } from '../lib/session';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Search } from '../parts/Search';
import { Table, type Column } from '../parts/Table';
import { complain } from '../parts/Toasts';

interface Verified {
	whole: boolean;
	first: number;
	last: number;
	fault: string | null;
}

type Line = AuditLine & { hash?: string };

function Whole({ result }: { result: Verified }) {
	const lines = result.last > 0 ? result.last - result.first + 1 : 0;
	if (!result.whole)
		return <p class="notice bad" role="alert"><Icon name="alert" /><span>The log is broken: {result.fault}</span></p>;
	return <p class="notice" role="status"><Icon name="audit" /><span>The log is whole: {count(lines, 'line')} chained, each by the hash of the one before{result.first > 1 ? `; the ${count(result.first - 1, 'oldest one', 'oldest ones')} had their time` : ''}.</span></p>;
}

export function Audit() {
	const list = useMemo(() => new List<Line>('/audit', { sort: '-at' }), []);
	const search = useSignal('');
	const actor = useSignal('');
	const users = useSignal<User[]>([]);
	const verified = useSignal<Verified | null>(null);
	const verifying = useSignal(false);
	const shown = useSignal<Line | null>(null);
	useFleet();
	const find = () => list.ask({ ...list.query.value, search: search.value, actor: actor.value });
	useEffect(() => {
		find();
		if (can('GET /users'))
			all<User>('/users').then(found => { users.value = found; }, () => {});
		const end = listen(heard => {
			if (heard.type === 'change' || heard.type === 'refresh')
				list.refresh(1000);
		});
		return () => {
			end();
			list.close();
		};
	}, []);
	const who = (id: string) => (id === 'local' ? 'the server’s own console' : id.startsWith('tok_') ? 'a token' : users.value.find(u => u.id === id)?.name ?? nameOf(id));
	const verify = async () => {
		verifying.value = true;
		try {
			verified.value = await api.get<Verified>('/audit/verify');
		} catch (e) {
			complain(e);
		} finally {
			verifying.value = false;
		}
	};
	const columns: Column<Line>[] = [
		{ id: 'at', title: 'When', sort: 'at', width: '134px', cell: l => <><time dateTime={l.at} title={l.at}>{ago(l.at)}</time><div class="clip small dim s">{moment(l.at)}</div></> },
		{ id: 'who', title: 'Who', width: '200px', className: 's', cell: l => <span class="clip" title={l.actor}>{who(l.actor)}</span> },
		{ id: 'action', title: 'What', sort: 'action', width: '190px', cell: l => <><button type="button" class="link clip" tabIndex={-1} onClick={() => { shown.value = l; }}>{l.action}</button><div class="narrow clip small dim">{who(l.actor)}</div></> },
		{ id: 'detail', title: 'To what', className: 'm', cell: l => <><div class="clip">{l.detail || nameOf(l.object ?? '')}</div><div class="clip small dim mono">{l.object}</div></> },
	];
	const line = shown.value;
	const facts: [string, preact.ComponentChildren][] = line ? [
		['When', `${moment(line.at)} (${line.at})`], ['Who', who(line.actor)], ['Id', <code class="small">{line.actor}</code>], ['What', line.action],
		['Object', <code class="small">{line.object || '–'}</code>], ['Detail', line.detail || '–'], ['Hash', <code class="small">{line.hash}</code>],
	] : [];
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Audit</h1>
					<p role="status">{list.silent.value ? '–' : `${count(list.total.value, 'line')}${search.value || actor.value ? ' found' : ''}`}</p>
				</div>
				{can('GET /audit/verify') && <button type="button" class="button" disabled={verifying.value} onClick={() => void verify()}><Icon name="vpn" />{verifying.value ? 'Verifying…' : 'Verify the chain'}</button>}
			</div>
			<div class="stack">
				{verified.value && <Whole result={verified.value} />}
				<div>
					<div class="tools">
						<Search label="Search actions and details" value={search.value} onChange={t => { search.value = t; }} onAsk={find} />
						{users.value.length > 0 && (
							<select aria-label="Who" value={actor.value} onChange={e => { actor.value = e.currentTarget.value; find(); }}>
								<option value="">Everybody</option>
								<option value="local">The server’s own console</option>
								{users.value.map(u => <option key={u.id} value={u.id}>{u.name}</option>)}
							</select>
						)}
					</div>
					<Table
						label="Audit log" list={list} columns={columns} name={l => l.action} open={l => { shown.value = l; }}
						empty={<><h2>Nothing like that</h2><p>No line matches.</p></>}
					/>
				</div>
			</div>
			{line && (
				<Dialog kind="sheet" title={line.action} onClose={() => { shown.value = null; }}>
					<dl class="facts">{facts.map(([k, v]) => [<dt key={k}>{k}</dt>, <dd key={`${k}:`}>{v}</dd>])}</dl>
				</Dialog>
			)}
		</>
	);
}
