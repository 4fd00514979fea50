// May this reach that? Asked of the rules as they are.
import { useState } from 'preact/hooks';
import { ApiError, api } from '../../lib/api';
import { networks } from '../../lib/fleet';
import { selectors, typed } from '../../lib/names';
import { Field } from '../../parts/Field';
import { Mark } from '../../parts/State';

interface Answer {
	allowed: boolean;
	services: string[];
	policies: string[];
}

export function Question() {
	const [network, setNetwork] = useState(networks.value[0]?.id ?? '');
	const [from, setFrom] = useState('');
	const [to, setTo] = useState('');
	const [answer, setAnswer] = useState<Answer | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const options = selectors(network).filter(o => /^(node_|cl_)|\//.test(o.value));
	const id = (text: string) => options.find(o => o.label === text.trim())?.value ?? text.trim();
	const ask = async (event: Event) => {
		event.preventDefault();
		setAnswer(null);
		setError(null);
		try {
			setAnswer(await api.post<Answer>('/policies/test', { network, from: id(from), to: id(to) }));
		} catch (e) {
			setError(e as ApiError);
		}
	};
	const wrong = (field: string) => (error?.field === field ? error.message : undefined);
	return (
		<section class="card stack tight" aria-label="May this reach that?">
			<h2>May this reach that?</h2>
			<form class="ask" onSubmit={event => void ask(event)}>
				{networks.value.length > 1 && (
					<Field label="In">
						<select value={network} onChange={e => { setNetwork(e.currentTarget.value); setAnswer(null); }}>
							{networks.value.map(n => <option key={n.id} value={n.id}>{n.name}</option>)}
						</select>
					</Field>
				)}
				<Field label="From" wrong={wrong('from')}>
					<input list="question-ends" value={from} spellcheck={false} autocomplete="off" required onInput={e => { setFrom(e.currentTarget.value); typed(e.currentTarget.value); setAnswer(null); }} />
				</Field>
				<Field label="To" wrong={wrong('to')}>
					<input list="question-ends" value={to} spellcheck={false} autocomplete="off" required onInput={e => { setTo(e.currentTarget.value); typed(e.currentTarget.value); setAnswer(null); }} />
				</Field>
				<button type="submit" class="button">Ask</button>
				<datalist id="question-ends">{options.slice(0, 200).map(o => <option key={o.value} value={o.label} />)}</datalist>
			</form>
			{error && !['from', 'to'].includes(error.field ?? '') && <p class="notice bad" role="alert">{error.message}</p>}
			<p role="status" class={answer ? 'row wrap' : 'dim small'}>
				{answer
					? answer.allowed
						? <><Mark state="online" /><b>Yes:</b> {answer.services.join('; ')}{answer.policies.length > 0 && <span class="dim">by {answer.policies.join(', ')}</span>}</>
						: <><Mark state="offline" /><b>No.</b> No policy allows it.</>
					: 'Nodes, clients, addresses. It asks the rules, not the wires.'}
			</p>
		</section>
	);
}
