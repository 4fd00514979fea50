// One's own account; for system-admins also the server's settings and who else says who people are.
import { can } from '../lib/session';
import { Tabs } from '../parts/Tabs';
import { Account } from './settings/Account';
import { Issuers } from './settings/Issuers';
import { Server } from './settings/Server';

export function Settings() {
	const tabs = [
		{ id: 'account', title: 'Your account', body: () => <Account /> },
		...(can('GET /settings') ? [{ id: 'server', title: 'Server', body: () => <Server /> }] : []),
		...(can('GET /issuers') ? [{ id: 'signon', title: 'Sign-on', body: () => <Issuers /> }] : []),
	];
	return (
		<>
			<div class="head"><div class="grow"><h1>Settings</h1></div></div>
			{tabs.length > 1 ? <Tabs label="Settings" tabs={tabs} /> : <Account />}
		</>
	);
}
