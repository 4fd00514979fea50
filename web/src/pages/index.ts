// Every page: its place in the navigation, the call without which it is hidden, its component.
import type { ComponentType } from 'preact';
import { Audit } from './Audit';
import { Clients } from './Clients';
import { Networks } from './Networks';
import { Nodes } from './Nodes';
import { Overview } from './Overview';
import { Policies } from './Policies';
import { Settings } from './Settings';
import { Users } from './Users';

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
	{ page: 'nodes', title: 'Nodes', icon: 'nodes', key: 'n', needs: 'GET /nodes', component: Nodes },
	{ page: 'clients', title: 'Clients', icon: 'clients', key: 'c', needs: 'GET /wireguard/clients', component: Clients },
	{ page: 'networks', title: 'Networks', icon: 'networks', key: 'w', needs: 'GET /networks', component: Networks },
	{ page: 'policies', title: 'Policies', icon: 'policies', key: 'p', needs: 'GET /policies', component: Policies },
	{ page: 'users', title: 'Users', icon: 'users', key: 'u', needs: 'GET /users', component: Users },
	{ page: 'audit', title: 'Audit', icon: 'audit', key: 'a', needs: 'GET /audit', component: Audit },
	{ page: 'settings', title: 'Settings', icon: 'settings', key: 's', component: Settings },
];
