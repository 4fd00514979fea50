// Calls of the REST API. Errors are the server's own words (RFC 9457), with the field they name (of
// "allowed_ips[1]", the list).
import { signal } from '@preact/signals';

export class ApiError extends Error {
	constructor(readonly status: number, detail: string, readonly field?: string, readonly code?: string) {
		super(detail);
	}
}

export interface Page<T> {
	items: T[];
	next: string | null;
	total: number;
}

const OVER = 'Your session is over.';

export type Query = Record<string, string | number | boolean | null | undefined>;

// The project looked at; '' = all that one may see. Sent with every call.
export const project = signal(sessionStorage.getItem('project') ?? '');

// The session is over while somebody works: lib/session.ts says so, parts/Gate.tsx lies over the page
// until they are back.
export const ended = signal(false);

// What happens when a call is refused because nobody is signed in; set by lib/session.ts. With wait,
// resolves once that is settled: is the same person back?
export const onSignedOut = { run: async (_wait: boolean): Promise<boolean> => false };

export function url(path: string, query: Query = {}): string {
	const q = new URLSearchParams();
	for (const [key, value] of Object.entries(query))
		if (value !== undefined && value !== null && value !== '')
			q.set(key, String(value));
	if (project.value && !path.endsWith('/me') && !path.startsWith('/login'))
		q.set('project', project.value);
	const text = q.toString();
	return `/api/v1${path}${text ? `?${text}` : ''}`;
}

async function call<T>(method: string, path: string, query?: Query, body?: unknown, signal?: AbortSignal): Promise<T> {
	// Pages beneath the gate look again when it opens.
	if (ended.value && method === 'GET' && !/^\/(login|me$)/.test(path))
		throw new ApiError(401, OVER);
	let answer: Response;
	try {
		answer = await fetch(url(path, query), {
			method,
			headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
			body: body === undefined ? undefined : JSON.stringify(body),
			cache: 'no-store',
			signal,
		});
	} catch (error) {
		if (error instanceof DOMException && error.name === 'AbortError')
			throw error;
		throw new ApiError(0, 'The server does not answer. Is it running, is this machine online?');
	}
	const type = answer.headers.get('Content-Type') ?? '';
	const said = type.includes('json') ? await answer.json() : await answer.text();
	if (answer.ok)
		return said as T;
	// What was refused for want of a session was not done: it is done when the same person is back,
	// so that nothing they wrote is lost.
	if (answer.status === 401 && !/^\/log(in|out)$/.test(path) && (await onSignedOut.run(method !== 'GET')))
		return call(method, path, query, body, signal);
	throw new ApiError(answer.status, said.detail ?? `The server answered ${answer.status}.`, said.field?.replace(/\[.*/, ''), said.code);
}

export const api = {
	get: <T>(path: string, query?: Query, signal?: AbortSignal) => call<T>('GET', path, query, undefined, signal),
	post: <T>(path: string, body: unknown = {}, query?: Query) => call<T>('POST', path, query, body),
	patch: <T>(path: string, body: unknown, query?: Query) => call<T>('PATCH', path, query, body),
	delete: (path: string, query?: Query) => call<unknown>('DELETE', path, query),
};

// Answers overtake each other: of what is asked again and again, an answer that comes after that to a
// later question is old, and tell does not hear of it.
export function inOrder<T>(tell: (answer: T) => void): (asked: Promise<T>) => Promise<void> {
	let [asked, told] = [0, 0];
	return async answer => {
		const mine = ++asked;
		const said = await answer;
		if (mine < told)
			return;
		told = mine;
		tell(said);
	};
}

// All pages of a list that is known to be short (networks, tokens), at most some thousand.
export async function all<T>(path: string, query: Query = {}): Promise<T[]> {
	const items: T[] = [];
	let after: string | null = null;
	do {
		const page: Page<T> = await api.get(path, { ...query, limit: 1000, after });
		items.push(...page.items);
		after = page.next;
	} while (after && items.length < 5000);
	return items;
}
