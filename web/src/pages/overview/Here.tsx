// Who is connected now, by name.
import { useEffect, useState } from 'preact/hooks';
import { api, inOrder, type Page } from '../../lib/api';
import { listen } from '../../lib/events';
import { nodeName } from '../../lib/fleet';
import type { Client } from '../../lib/model';
import { Mark } from '../../parts/State';
import { PATH } from '../clients/actions';

const SHOWN = 12;
const SETTLE = 1500; // ms; many come at once when a gateway does

// The list, and how many there are; null while it is not known.
export function useHere(): Page<Client> | null {
	const [here, setHere] = useState<Page<Client> | null>(null);
	useEffect(() => {
		let timer: ReturnType<typeof setTimeout> | undefined;
		let over = false;
		const tell = inOrder<Page<Client>>(page => { if (!over) setHere(page); });
		const load = () => {
			timer = undefined;
			tell(api.get<Page<Client>>(PATH, { link_state: 'online', enabled: true, sort: 'name', limit: SHOWN })).catch(() => {});
		};
		load();
		const end = listen(heard => {
			if (heard.type === 'link' || heard.type === 'refresh' || (heard.type === 'change' && heard.data.table === 'device'))
				timer ??= setTimeout(load, SETTLE);
		});
		return () => {
			over = true;
			end();
			clearTimeout(timer);
		};
	}, []);
	return here;
}

export function Here({ here }: { here: Page<Client> | null }) {
	if (!here)
		return <p class="dim" role="status">One moment…</p>;
	if (here.items.length === 0)
		return <p class="dim">Nobody right now.</p>;
	return (
		<>
			<ul class="people">
				{here.items.map(c => (
					<li key={c.id}>
						<a href={`#/clients/${c.id}`}>
							<Mark state="online" /><bdi class="clip">{c.name}</bdi><span class="clip small dim">{nodeName(c.gateway)}</span>
						</a>
					</li>
				))}
			</ul>
			{here.total > here.items.length && <p><a href="#/clients?state=online">All {here.total.toLocaleString('en')} of them</a></p>}
		</>
	);
}
