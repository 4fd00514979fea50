// Every page: its place in the navigation, the call without which it is hidden, its component.
import type { ComponentType } from 'preact';
import { Clients } from './Clients';
import { Overview } from './Overview';

export interface PageEntry {
	page: string; // the fragment: #/clients
	title: string;
	icon: string; // parts/Icon.tsx
	key: string; // g and this key lead there
	needs?: string; // "GET /sites": hidden unless the server has it and the user may call it
	component: ComponentType;
}

export const pages: PageEntry[] = [
	{ page: 'overview', title: 'Overview', icon: 'overview', key: 'o', component: Overview },
	{ page: 'clients', title: 'Clients', icon: 'clients', key: 'c', needs: 'GET /wireguard/clients', component: Clients },
];
