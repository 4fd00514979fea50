// What was done or went wrong, said once, with at most one way back.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

interface Toast {
	id: number;
	text: string;
	bad: boolean;
	action?: { text: string; run: () => void };
}

const toasts = signal<Toast[]>([]);
let last = 0;

function drop(id: number) {
	toasts.value = toasts.value.filter(t => t.id !== id);
}

function add(text: string, bad: boolean, action?: Toast['action']) {
	const id = ++last;
	toasts.value = [...toasts.value.slice(-3), { id, text, bad, action }];
	setTimeout(() => drop(id), bad || action ? 10000 : 4500);
}

export function say(text: string, action?: Toast['action']): void {
	add(text, false, action);
}

export function complain(error: unknown): void {
	add(error instanceof Error ? error.message : String(error), true);
}

export function Toasts() {
	const box = useRef<HTMLDivElement>(null);
	const list = toasts.value;
	// In the top layer, above a dialog that may be open.
	useEffect(() => {
		const el = box.current!;
		if (!el.showPopover)
			return;
		if (el.matches(':popover-open'))
			el.hidePopover();
		if (list.length > 0)
			el.showPopover();
	}, [list.length]);
	return (
		<div class="toasts" popover="manual" ref={box} role="status" aria-live="polite">
			{list.map(t => (
				<div class={`toast ${t.bad ? 'bad' : ''}`} key={t.id}>
					<span class="grow">{t.text}</span>
					{t.action && <button type="button" onClick={() => { drop(t.id); t.action!.run(); }}>{t.action.text}</button>}
					<button type="button" aria-label="Close this message" onClick={() => drop(t.id)}>✕</button>
				</div>
			))}
		</div>
	);
}
