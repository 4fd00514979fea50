// Keys that work anywhere but in a field: pages add theirs while they are shown.
import { useLayoutEffect } from 'preact/hooks';

export interface Shortcut {
	keys: string; // "n", "/", "g c"
	does: string;
	run: () => void;
}

const active: Shortcut[] = [];
let before = '';
let until = 0; // ms, as events count: the key before counts no longer

const TOGETHER = 1200; // ms between the keys of "g c"

function typing(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

addEventListener('keydown', event => {
	if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]'))
		return;
	const keys = before && event.timeStamp <= until ? `${before} ${event.key}` : event.key;
	before = '';
	// The last one added wins: a page may take a key from the frame.
	const found = active.findLast(s => s.keys === keys);
	if (found) {
		event.preventDefault();
		found.run();
	} else if (active.some(s => s.keys.startsWith(`${event.key} `))) {
		before = event.key;
		until = event.timeStamp + TOGETHER;
	}
});

export function shortcuts(): Shortcut[] {
	return [...active];
}

// With the page itself: an effect would come up to 100 ms later, and a key pressed by then be lost.
export function useShortcuts(list: Shortcut[]): void {
	useLayoutEffect(() => {
		active.push(...list);
		return () => {
			for (const s of list)
				active.splice(active.indexOf(s), 1);
		};
	});
}
