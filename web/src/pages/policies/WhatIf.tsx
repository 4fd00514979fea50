// Who would reach more or less, before anything is saved: asked of the server as the form changes.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, api } from '../../lib/api';
import { count } from '../../lib/format';
import type { Side, WhatIf } from '../../lib/model';
import { FormDialog, useSaving } from '../../parts/Form';
import { Icon } from '../../parts/Icon';

export interface Asked {
	result: WhatIf | null; // of an earlier question while the newest is on its way
	error: ApiError | null;
	busy: boolean;
}

// question null: nothing to ask yet.
export function useWhatIf(question: object | null): Asked {
	const [asked, setAsked] = useState<Asked>({ result: null, error: null, busy: true });
	const text = question ? JSON.stringify(question) : '';
	const last = useRef('');
	useEffect(() => {
		last.current = text;
		if (!text) {
			setAsked({ result: null, error: null, busy: false });
			return;
		}
		setAsked(a => ({ ...a, busy: true }));
		const timer = setTimeout(() => {
			api.post<WhatIf>('/policies/what-if', JSON.parse(text)).then(
				result => { if (last.current === text) setAsked({ result, error: null, busy: false }); },
				(error: ApiError) => { if (last.current === text) setAsked({ result: null, error, busy: false }); },
			);
		}, 250);
		return () => clearTimeout(timer);
	}, [text]);
	return asked;
}

const kinds: Record<Side['kind'], [string, string]> = {
	node: ['node', 'nodes'], client: ['client', 'clients'], site: ['site', 'sites'], connection: ['connection', 'connections'], place: ['place', 'places'],
};

function Who({ side }: { side: Side }) {
	const names = side.names.slice(0, 3);
	const more = side.count - names.length;
	return (
		<span class="who">
			{side.count > 1 && <b>{count(side.count, ...kinds[side.kind])}</b>}
			<span class={side.count > 1 ? 'dim small' : ''}>{names.join(', ')}{more > 0 ? `, and ${more.toLocaleString('en')} more` : ''}</span>
		</span>
	);
}

export function Effect({ asked }: { asked: Asked }) {
	const { result, error, busy } = asked;
	if (error)
		return <p class="notice warn" role="status"><Icon name="alert" /><span>{error.message}</span></p>;
	if (!result)
		return <p class="dim" role="status">{busy ? 'Looking what would change…' : 'Say who, and whom; then it says here what would change.'}</p>;
	if (result.changes.length === 0)
		return <p class="notice" role="status">Nobody would reach more or less than now.</p>;
	return (
		<div class="stack tight" aria-busy={busy}>
			<p role="status" class="row wrap">
				{result.gained > 0 && <span class="tag accent wide">+ {count(result.gained, 'pair')} would reach more</span>}
				{result.lost > 0 && <span class="tag bad wide">− {count(result.lost, 'pair')} would reach less</span>}
			</p>
			<ul class="effects" tabIndex={0} aria-label="What would change">
				{result.changes.map((c, i) => (
					<li key={i} class={c.loses ? 'loses' : 'gains'}>
						<span class="sign" aria-hidden="true">{c.gains && c.loses ? '±' : c.gains ? '+' : '−'}</span>
						<Who side={c.from} />
						<span class="arrow"><span aria-hidden="true">→</span><span class="sr">to</span></span>
						<Who side={c.to} />
						<span class="small services">
							<s>{c.before.join(', ')}</s> {c.after.length > 0 ? c.after.join(', ') : <b>nothing</b>}
						</span>
					</li>
				))}
			</ul>
			{!result.complete && <p class="dim small">There is more than is listed here.</p>}
		</div>
	);
}

interface SureProps {
	title: string;
	action: string;
	danger?: boolean;
	question: object;
	onClose: () => void;
	run: () => Promise<void>;
}

// "Are you sure", with what it would do.
export function Sure({ title, action, danger, question, onClose, run }: SureProps) {
	const saving = useSaving();
	const asked = useWhatIf(question);
	return (
		<FormDialog title={title} action={action} danger={danger} saving={saving} fields={[]} save={run} onClose={onClose} wide>
			<Effect asked={asked} />
		</FormDialog>
	);
}
