// Policies: who may reach whom. Without one, nobody reaches anybody.
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { all, api, inOrder } from '../lib/api';
import { listen } from '../lib/events';
import { networkName, networks, useFleet } from '../lib/fleet';
import { count } from '../lib/format';
import type { Policy, Rule } from '../lib/model';
import { nameOf, useNames } from '../lib/names';
import { can } from '../lib/session';
import { useShortcuts } from '../lib/shortcuts';
import { Icon } from '../parts/Icon';
import { complain, say } from '../parts/Toasts';
import { PolicyForm } from './policies/Form';
import { Question } from './policies/Question';
import { Sure } from './policies/WhatIf';

function service(r: Rule): string {
	return r.protocol === 'any' ? 'anything' : `${r.protocol}${r.ports.length > 0 ? ` ${r.ports.join(', ')}` : ''}`;
}

function Words({ list }: { list: string[] }) {
	return <>{list.map(s => <span class="tag name" key={s} title={s}>{nameOf(s)}</span>)}</>;
}

type Doing = { policy?: Policy; what: 'edit' | 'delete' | 'switch' };

export function Policies() {
	const list = useSignal<Policy[] | null>(null);
	const doing = useSignal<Doing | null>(null);
	useFleet();
	useNames();
	const [tell] = useState(() => inOrder<Policy[]>(found => { list.value = found; }));
	const load = () => tell(all<Policy>('/policies', { sort: 'name' })).catch(complain);
	useEffect(() => {
		void load();
		return listen(heard => {
			if (heard.type === 'refresh' || (heard.type === 'change' && heard.data.table === 'policy'))
				void load();
		});
	}, []);
	const mayAdd = can('POST /policies');
	const may = can('PATCH /policies/{id}');
	useShortcuts(mayAdd ? [{ keys: 'n', does: 'add a policy', run: () => { doing.value = { what: 'edit' }; } }] : []);
	const close = () => { doing.value = null; };
	const done = (text: string) => {
		close();
		say(text);
		void load();
	};
	const d = doing.value;
	const p = d?.policy;
	return (
		<>
			<div class="head">
				<div class="grow">
					<h1>Policies</h1>
					<p role="status">{list.value ? `${count(list.value.length, 'policy', 'policies')}; what none allows is denied` : 'One moment…'}</p>
				</div>
				{mayAdd && <button type="button" class="button primary" onClick={() => { doing.value = { what: 'edit' }; }}><Icon name="plus" />Add a policy<kbd aria-hidden="true">n</kbd></button>}
			</div>
			<div class="stack">
				{list.value?.length === 0 && <div class="card empty"><h2>Nobody reaches anybody</h2><p>A policy opens what its rules name.</p></div>}
				{list.value?.map(policy => (
					<section class={`card policy ${policy.enabled ? '' : 'off'}`} key={policy.id} aria-label={policy.name}>
						<div class="row">
							<h2 class="grow clip">{policy.name}{networks.value.length > 1 && <span class="dim small"> in {networkName(policy.network)}</span>}</h2>
							{!policy.enabled && <span class="tag">off</span>}
							{may && (
								<>
									<button type="button" class="switch" role="switch" aria-checked={policy.enabled} aria-label={`${policy.name} counts`} title={policy.enabled ? 'Switch off' : 'Switch on'} onClick={() => { doing.value = { policy, what: 'switch' }; }} />
									<button type="button" class="button" aria-label={`Edit ${policy.name}`} onClick={() => { doing.value = { policy, what: 'edit' }; }}><Icon name="edit" /><span class="s-hide">Edit</span></button>
									{can('DELETE /policies/{id}') && <button type="button" class="button plain icon danger" aria-label={`Delete ${policy.name}`} onClick={() => { doing.value = { policy, what: 'delete' }; }}><Icon name="trash" /></button>}
								</>
							)}
						</div>
						{policy.rules.length === 0 && <p class="dim small">No rules: it allows nothing.</p>}
						<ul class="rules">
							{policy.rules.map((r, i) => (
								<li key={i}>
									<span class="who"><Words list={r.from} /></span>
									<span class="arrow"><span aria-hidden="true">→</span><span class="sr">may reach</span></span>
									<span class="who"><Words list={r.to} /></span>
									<span class="dim">{service(r)}</span>
								</li>
							))}
						</ul>
					</section>
				))}
				{can('POST /policies/test') && networks.value.length > 0 && <Question />}
			</div>
			{d?.what === 'edit' && <PolicyForm policy={p} onClose={close} onDone={done} />}
			{d?.what === 'delete' && p && (
				<Sure
					title={`Delete ${p.name}?`} action="Delete" danger question={{ policy: p.id, remove: true }} onClose={close}
					run={async () => { await api.delete(`/policies/${p.id}`); done(`${p.name} deleted`); }}
				/>
			)}
			{d?.what === 'switch' && p && (
				<Sure
					title={`Switch ${p.name} ${p.enabled ? 'off' : 'on'}?`} action={p.enabled ? 'Switch off' : 'Switch on'} danger={p.enabled} question={{ policy: p.id, enabled: !p.enabled }} onClose={close}
					run={async () => { await api.patch(`/policies/${p.id}`, { enabled: !p.enabled }); done(`${p.name} is ${p.enabled ? 'off' : 'on'}`); }}
				/>
			)}
		</>
	);
}
