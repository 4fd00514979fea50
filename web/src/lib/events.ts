// The server's events, one stream for all tabs of a browser: the tab that holds the lock reads it
// and repeats what it hears to the others; when it closes, the next one takes over.
import { batch, signal } from '@preact/signals';
import { project } from './api';
import { note, noteGap } from './past';
import { me, restore } from './session';

export interface Change {
	table: string;
	id: string;
	project: string;
	network: string;
	action: 'created' | 'updated' | 'deleted';
}
export interface Link {
	id: string;
	project: string;
	link_state: LinkState;
	last_seen: string | null;
	rx: number;
	tx: number;
	gateway: string | null;
	endpoint: string | null;
}
export type LinkState = 'online' | 'idle' | 'offline' | 'never';
export interface Sums {
	project: string;
	online: number;
	idle: number;
	offline: number;
	never: number;
	disabled: number;
	rx: number;
	tx: number;
	gateways: Record<string, number>;
}
export interface NodeHere {
	id: string;
	project: string;
	connected: boolean;
}
export type Heard =
	| { type: 'change'; data: Change }
	| { type: 'node'; data: NodeHere }
	| { type: 'link'; data: Link }
	| { type: 'links'; data: Sums }
	| { type: 'refresh'; data: object };

export interface Sample {
	at: number; // seconds
	rx: number;
	tx: number;
	online: number; // clients
	idle: number;
}

export const live = signal(false); // is the stream up?
export const sums = signal<Record<string, Sums>>({}); // by project
export const samples = signal<Sample[]>([]); // bytes over time, the newest last
export const recent = signal<{ at: number; heard: Heard }[]>([]);

const listeners = new Set<(heard: Heard) => void>();

// Call fn for each event; returns what ends it.
export function listen(fn: (heard: Heard) => void): () => void {
	listeners.add(fn);
	return () => listeners.delete(fn);
}

const SAMPLES = 900;
const RECENT = 60;

function hear(heard: Heard) {
	if (heard.type === 'links') {
		sums.value = { ...sums.value, [heard.data.project]: heard.data };
		const now: Sample = { at: Date.now() / 1000, rx: 0, tx: 0, online: 0, idle: 0 };
		for (const s of Object.values(sums.value)) {
			now.rx += s.rx;
			now.tx += s.tx;
			now.online += s.online;
			now.idle += s.idle;
		}
		samples.value = [...samples.value.slice(-SAMPLES), now];
	} else if (heard.type !== 'refresh') {
		recent.value = [{ at: Date.now(), heard }, ...recent.value].slice(0, RECENT);
	}
	if (heard.type === 'link')
		note(heard.data.id, heard.data.link_state, heard.data.last_seen);
	else if (heard.type === 'node')
		note(heard.data.id, heard.data.connected ? 'online' : 'unreachable');
	for (const fn of listeners)
		fn(heard);
}

// After a gap anything may have changed. anew: the stream was opened just now, so there was one even
// if nobody saw it close: that happens when one tab takes over from another.
function turn(up: boolean, anew = false) {
	const gap = up && (anew || !live.value);
	if (!up && live.value)
		noteGap();
	live.value = up;
	if (gap)
		hear({ type: 'refresh', data: {} });
}

// Thousands may come at once, when a gateway is back: they are heard together, so that the page is
// drawn once for all of them.
const TOGETHER = 40; // ms

function collect(tell: (all: Heard[]) => void): (heard: Heard) => void {
	let heard: Heard[] = [];
	return one => {
		if (heard.push(one) > 1)
			return;
		setTimeout(() => {
			const all = heard;
			heard = [];
			tell(all);
		}, TOGETHER);
	};
}

let stop: (() => void) | null = null;

function read(channel: BroadcastChannel | null): () => void {
	let source: EventSource;
	let over = false;
	let later: ReturnType<typeof setTimeout> | undefined;
	const tell = collect(all => {
		if (over)
			return;
		channel?.postMessage({ heard: all });
		batch(() => all.forEach(hear));
	});
	const say = (up: boolean) => {
		turn(up, up);
		channel?.postMessage({ up, anew: up });
	};
	const open = () => {
		source = new EventSource(`/api/v1/events${project.value ? `?project=${project.value}` : ''}`);
		source.onopen = () => say(true);
		source.onerror = () => {
			say(false);
			// Refused, not interrupted: the session may be over. If it is not, try again.
			if (source.readyState === EventSource.CLOSED)
				void restore().then(() => {
					if (!over && me.value)
						later = setTimeout(open, 5000);
				});
		};
		for (const type of ['change', 'node', 'link', 'links', 'refresh'] as const)
			source.addEventListener(type, event => tell({ type, data: JSON.parse((event as MessageEvent).data) } as Heard));
	};
	open();
	// Somebody new wants to know how things stand.
	if (channel)
		channel.onmessage = ({ data }) => {
			if (!data.hello)
				return;
			channel.postMessage({ up: live.value });
			channel.postMessage({ heard: Object.values(sums.value).map(data => ({ type: 'links', data })) });
		};
	return () => {
		over = true;
		clearTimeout(later);
		source.close();
	};
}

export function startEvents(): void {
	stopEvents();
	if (!navigator.locks || typeof BroadcastChannel === 'undefined') {
		stop = read(null);
		return;
	}
	const name = `warren-events-${me.value?.id}-${project.value}`;
	const channel = new BroadcastChannel(name);
	const over = new AbortController();
	let close = () => {};
	channel.onmessage = ({ data }) => {
		if (data.heard)
			batch(() => (data.heard as Heard[]).forEach(hear));
		if (data.up !== undefined)
			turn(data.up, data.anew);
	};
	channel.postMessage({ hello: true });
	navigator.locks
		.request(name, { signal: over.signal }, () => new Promise<void>(done => {
			const end = read(channel);
			close = () => {
				end();
				done();
			};
		}))
		.catch(() => {});
	stop = () => {
		over.abort();
		close();
		channel.close();
	};
}

export function stopEvents(): void {
	stop?.();
	stop = null;
	live.value = false;
	sums.value = {};
	samples.value = [];
	recent.value = [];
	noteGap();
}
