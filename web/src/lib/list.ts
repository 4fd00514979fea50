// A list of the API, page by page, kept right by events.
import { batch, computed, signal } from '@preact/signals';
import { api, type Page, type Query } from './api';

const PAGE = 100;
const REFRESH = 200; // rows fetched again when much has changed
// Fields that change by themselves: rows sorted by one keep their places until the list is asked anew.
const MOVING = /^-?(last_seen|rx|tx|last_heartbeat)$/;

export class List<T extends { id: string }> {
	readonly rows = signal<T[]>([]);
	readonly total = signal(0);
	readonly loading = signal(true);
	readonly error = signal('');
	readonly query = signal<Query>({});
	readonly answered = signal<Query | null>(null); // the question that what is shown answers
	// It cannot say how many there are.
	readonly silent = computed(() => this.error.value !== '' || this.answered.value === null);
	private next: string | null = null;
	private again = false; // the same question as before
	private running: AbortController | null = null;
	private held = new Map<string, Partial<T>>(); // rows being changed, and to what
	private meanwhile = new Map<string, Partial<T>>(); // changed since the answer on its way was asked for
	private timer: ReturnType<typeof setTimeout> | undefined;

	constructor(readonly path: string, query: Query = {}) {
		this.query.value = query;
	}

	// Another question: what is shown stays until the answer is there.
	ask(query: Query): void {
		this.query.value = query;
		this.again = false;
		void this.load(null, PAGE);
	}

	more(): void {
		// After a failure only what is asked anew: what fails at once would be tried without end.
		if (this.next && !this.loading.value && !this.error.value)
			void this.load(this.next, PAGE);
	}

	// Something changed: look again soon, once for many changes.
	refresh(delay = 300): void {
		this.timer ??= setTimeout(() => {
			this.timer = undefined;
			if (this.loading.value) {
				this.refresh(500);
				return;
			}
			void this.load(null, Math.min(REFRESH, Math.max(PAGE, this.rows.value.length)));
		}, delay);
	}

	// Change a row that is shown, without asking.
	patch(id: string, change: Partial<T>): void {
		if (this.loading.value)
			this.meanwhile.set(id, { ...this.meanwhile.get(id), ...change });
		const i = this.rows.value.findIndex(r => r.id === id);
		if (i < 0)
			return;
		const rows = [...this.rows.value];
		rows[i] = { ...rows[i]!, ...change };
		this.rows.value = rows;
	}

	// Change a row at once, while the server is told to: no answer changes it back until what this
	// returns is called, when the server has.
	hold(id: string, change: Partial<T>): () => void {
		this.held.set(id, change);
		this.patch(id, change);
		return () => {
			if (this.held.get(id) !== change) // another change of it is on its way
				return;
			this.held.delete(id);
			if (this.loading.value)
				this.meanwhile.set(id, { ...this.meanwhile.get(id), ...change });
		};
	}

	remove(id: string): void {
		const rows = this.rows.value.filter(r => r.id !== id);
		if (rows.length === this.rows.value.length)
			return;
		batch(() => {
			this.rows.value = rows;
			this.total.value--;
		});
	}

	// Rows do not jump under a pointer: the ones known stay where they are.
	private settled(fresh: T[]): T[] {
		const old = this.rows.value;
		if (!MOVING.test(String(this.query.value.sort ?? '')) || old.length !== fresh.length)
			return fresh;
		const known = new Map(fresh.map(r => [r.id, r]));
		const kept = old.map(r => known.get(r.id)).filter(r => r !== undefined);
		return kept.length === fresh.length ? kept : fresh;
	}

	close(): void {
		clearTimeout(this.timer);
		this.running?.abort();
	}

	private async load(after: string | null, limit: number): Promise<void> {
		this.running?.abort();
		const mine = (this.running = new AbortController());
		const asked = this.query.value;
		this.loading.value = true;
		this.meanwhile.clear();
		try {
			const page = await api.get<Page<T>>(this.path, { ...asked, limit, after }, mine.signal);
			page.items = page.items.map(r => ({ ...r, ...this.meanwhile.get(r.id), ...this.held.get(r.id) }));
			batch(() => {
				this.answered.value = asked;
				if (after) {
					// Rows that moved since the page before are known already.
					const known = new Set(this.rows.value.map(r => r.id));
					this.rows.value = [...this.rows.value, ...page.items.filter(r => !known.has(r.id))];
				} else if (this.rows.value.length > REFRESH && page.next && limit === REFRESH) {
					// Many are loaded: the first ones are fresh, what came after them stays as it was.
					const fresh = new Set(page.items.map(r => r.id));
					const last = this.rows.value.findLastIndex(r => fresh.has(r.id));
					this.rows.value = [...page.items, ...this.rows.value.slice(last + 1)];
				} else {
					this.rows.value = this.again ? this.settled(page.items) : page.items;
				}
				this.total.value = page.total;
				this.error.value = '';
				this.again = true;
			});
			if (after || limit !== REFRESH || this.rows.value.length <= REFRESH)
				this.next = page.next;
		} catch (error) {
			if (mine.signal.aborted)
				return;
			this.error.value = (error as Error).message;
		} finally {
			if (this.running === mine) {
				this.loading.value = false;
				this.running = null;
			}
		}
	}
}
