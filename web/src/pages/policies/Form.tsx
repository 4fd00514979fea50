// A policy and its rules; what saving it would change is said while one writes.
import { useState } from 'preact/hooks';
import { api } from '../../lib/api';
import { useEdited } from '../../lib/edit';
import { networks, useFirstNetwork } from '../../lib/fleet';
import { words } from '../../lib/format';
import type { Policy, Rule } from '../../lib/model';
import { nameOf, selectors, typed } from '../../lib/names';
import { Field } from '../../parts/Field';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';
import { Picker } from '../../parts/Picker';
import { Effect, useWhatIf } from './WhatIf';

interface Draft {
	key: number;
	from: string[];
	to: string[];
	protocol: Rule['protocol'];
	ports: string;
}

let last = 0;

function draft(r?: Rule): Draft {
	return { key: ++last, from: r?.from ?? [], to: r?.to ?? [], protocol: r?.protocol ?? 'any', ports: r?.ports.join(', ') ?? '' };
}

function hasPorts(protocol: Rule['protocol']): boolean {
	return protocol === 'tcp' || protocol === 'udp';
}

function rule(d: Draft): Rule {
	return { from: d.from, to: d.to, protocol: d.protocol, ports: hasPorts(d.protocol) ? words(d.ports) : [] };
}

interface EditorProps {
	at: number;
	value: Draft;
	network: string;
	onChange: (value: Draft) => void;
	onRemove?: () => void;
}

function RuleEditor({ at, value, network, onChange, onRemove }: EditorProps) {
	const options = selectors(network);
	return (
		<fieldset class="rule">
			<legend class="sr">Rule {at}</legend>
			<Picker label="From" values={value.from} options={options} show={nameOf} onType={typed} placeholder="who" onChange={from => onChange({ ...value, from })} />
			<Picker label="To" values={value.to} options={options} show={nameOf} onType={typed} placeholder="whom, or a prefix" onChange={to => onChange({ ...value, to })} />
			<Field label="By">
				<select value={value.protocol} onChange={e => onChange({ ...value, protocol: e.currentTarget.value as Rule['protocol'] })}>
					<option value="any">anything</option>
					<option value="tcp">TCP</option>
					<option value="udp">UDP</option>
					<option value="icmp">ICMP</option>
				</select>
			</Field>
			{hasPorts(value.protocol) && (
				<Field label="Ports">
					<input value={value.ports} placeholder="all" spellcheck={false} onInput={e => onChange({ ...value, ports: e.currentTarget.value })} />
				</Field>
			)}
			{onRemove && <button type="button" class="button plain icon danger" aria-label={`Remove rule ${at}`} onClick={onRemove}><Icon name="trash" /></button>}
		</fieldset>
	);
}

export function PolicyForm({ policy, onClose, onDone }: { policy?: Policy; onClose: () => void; onDone: (text: string) => void }) {
	const saving = useSaving();
	const [name, setName] = useState(policy?.name ?? '');
	const [picked, setNetwork] = useState(policy?.network ?? '');
	const first = useFirstNetwork();
	const network = picked || first;
	const [rules, setRules] = useState<Draft[]>(() => (policy ? policy.rules.map(draft) : [draft()]));
	const full = rules.map(rule).filter(r => r.from.length > 0 && r.to.length > 0);
	const half = rules.some(r => (r.from.length === 0) !== (r.to.length === 0));
	const asked = useWhatIf(full.length === 0 && !policy ? null : policy ? { policy: policy.id, rules: full } : { network, rules: full });
	const edit = useEdited(policy, { name, rules: full });
	const change = (i: number, value: Draft) => setRules(rules.map((r, k) => (k === i ? value : r)));
	return (
		<FormDialog
			title={policy ? `Edit ${policy.name}` : 'Add a policy'} action={policy ? 'Save' : 'Add'} wide saving={saving} fields={['name', 'network']} disabled={half || (full.length === 0 && !policy)} onClose={onClose}
			save={async () => {
				await (policy ? edit(`/policies/${policy.id}`) : api.post('/policies', { name, network, rules: full }));
				onDone(`${name} ${policy ? 'saved' : 'made'}`);
			}}
		>
			<div class="fields">
				<Field label="Name" wide={!!policy || networks.value.length < 2} wrong={saving.wrong('name')}>
					<input value={name} onInput={e => setName(e.currentTarget.value)} maxLength={128} required data-focus />
				</Field>
				{!policy && networks.value.length > 1 && (
					<Field label="Network" wrong={saving.wrong('network')}>
						<select value={network} onChange={e => setNetwork(e.currentTarget.value)}>
							{networks.value.map(n => <option key={n.id} value={n.id}>{n.name}</option>)}
						</select>
					</Field>
				)}
			</div>
			<div class="stack tight">
				{rules.map((r, i) => (
					<RuleEditor
						key={r.key} at={i + 1} value={r} network={network} onChange={value => change(i, value)}
						onRemove={rules.length > 1 || policy ? () => setRules(rules.filter((_, k) => k !== i)) : undefined}
					/>
				))}
				<div class="row"><button type="button" class="button" onClick={() => setRules([...rules, draft()])}><Icon name="plus" />Add a rule</button></div>
				<p class="dim small">Everything that is not allowed is denied. Names, tags such as <code>tag:admin</code>, and prefixes such as <code>10.50.0.0/24</code> all do.</p>
			</div>
			<section class="stack tight" aria-label="What saving would change">
				<h3>What saving would change{policy && !policy.enabled ? ', if it were on' : ''}</h3>
				<Effect asked={asked} />
			</section>
		</FormDialog>
	);
}
