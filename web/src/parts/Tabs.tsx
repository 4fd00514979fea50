// Tabs: arrows move, as the pattern of the ARIA authoring practices has it.
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';

interface Tab {
	id: string;
	title: string;
	body: () => ComponentChildren;
}

export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
	const [at, setAt] = useState(0);
	const id = useId();
	const move = (event: KeyboardEvent) => {
		const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		const next = (to + tabs.length) % tabs.length;
		setAt(next);
		(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
	};
	return (
		<div class="stack">
			<div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
				{tabs.map((t, i) => (
					<button
						type="button" role="tab" key={t.id} id={`${id}-${t.id}`} aria-selected={i === at} aria-controls={`${id}-panel`}
						tabIndex={i === at ? 0 : -1} onClick={() => setAt(i)}
					>
						{t.title}
					</button>
				))}
			</div>
			<div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tabs[at]!.id}`} tabIndex={0}>{tabs[at]!.body()}</div>
		</div>
	);
}
