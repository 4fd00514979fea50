// How links were while this panel is open: the API says how things stand, so what it said is kept
// here, in memory, for an hour and a few hundred clients and nodes.
import { signal } from '@preact/signals';

export interface Spell {
	at: number; // ms, when it was first said
	state: string; // '': nobody said anything
}

export interface Past {
	since: number; // ms, when it was first looked at
	spells: Spell[]; // each until the next, the last until now
	signs: number[]; // ms: handshakes of a client, heartbeats of a node
}

const HOUR = 3600000;
const LOOKED_AT = 400; // clients and nodes
const KEPT = 240; // spells, and signs, of each

const pasts = new Map<string, Past>();
export const noted = signal(0); // grows when something was

// sign: when it was last heard of, as the API writes it.
export function note(id: string, state: string, sign?: string | null): void {
	const now = Date.now();
	const p = pasts.get(id) ?? { since: now, spells: [], signs: [] };
	pasts.delete(id); // the one noted last is the last to go
	pasts.set(id, p);
	if (pasts.size > LOOKED_AT)
		pasts.delete(pasts.keys().next().value!);
	if (p.spells.at(-1)?.state !== state)
		p.spells = [...p.spells.slice(1 - KEPT), { at: now, state }];
	const at = sign ? new Date(sign).getTime() : NaN;
	if (at > (p.signs.at(-1) ?? now - HOUR))
		p.signs = [...p.signs.slice(1 - KEPT), at];
	noted.value++;
}

// Nothing is heard for a while: what comes then says how it is, and nothing how it was.
export function noteGap(): void {
	for (const p of pasts.values())
		if (p.spells.at(-1)?.state)
			p.spells = [...p.spells.slice(1 - KEPT), { at: Date.now(), state: '' }];
	noted.value++;
}

export function pastOf(id: string): Past | undefined {
	return pasts.get(id);
}
