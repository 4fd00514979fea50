// A state as a word with a mark whose shape tells it too, for those who do not see the colour.
const shapes: Record<string, preact.JSX.Element> = {
	full: <circle cx="6" cy="6" r="5" fill="currentColor" />,
	half: <><circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" stroke-width="1.6" /><path d="M6 1.8a4.2 4.2 0 0 1 0 8.4z" fill="currentColor" /></>,
	cross: <path d="M2 2l8 8M10 2l-8 8" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />,
	ring: <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2 1.7" />,
	bar: <path d="M1.5 6h9" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" />,
	triangle: <path d="M6 1.2 11.2 10.6H.8z" fill="currentColor" />,
};
const states: Record<string, [shape: string, word: string]> = {
	online: ['full', 'Online'],
	idle: ['half', 'Idle'],
	offline: ['cross', 'Offline'],
	never: ['ring', 'Never seen'],
	disabled: ['bar', 'Disabled'],
	unreachable: ['triangle', 'Unreachable'],
	applied: ['full', 'Applied'],
	pending: ['half', 'Pending'],
	error: ['triangle', 'Error'],
	expired: ['bar', 'Expired'],
	over_quota: ['bar', 'Quota used up'],
};

export function Mark({ state }: { state: string }) {
	return (
		<svg class={`mark ${state}`} viewBox="0 0 12 12" aria-hidden="true" focusable="false">
			{shapes[states[state]?.[0] ?? 'ring']}
		</svg>
	);
}

export function stateWord(state: string): string {
	return states[state]?.[1] ?? state;
}

export function State({ state }: { state: string }) {
	return <span class="state"><Mark state={state} />{stateWord(state)}</span>;
}
