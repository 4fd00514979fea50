// The page is in the fragment, so that the server has one page: #/clients/cl_123?state=online
import { signal } from '@preact/signals';

export interface Place {
	page: string;
	id: string;
	query: URLSearchParams;
}

// What is no id ("%", "..") is passed on as one that nothing has: it goes into paths of the API.
function read(): Place {
	const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
	const [page = '', id = ''] = path.split('/', 2);
	return { page: page || 'overview', id: id && (/^\w+$/.test(id) ? id : 'nothing'), query: new URLSearchParams(query) };
}

export const place = signal<Place>(read());
addEventListener('hashchange', () => {
	place.value = read();
});

export function go(page: string, id = ''): void {
	location.hash = `/${page}${id ? `/${encodeURIComponent(id)}` : ''}`;
}
