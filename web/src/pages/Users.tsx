// Who may do what: users, roles, tokens of programs.
import { useSignal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { all, inOrder } from '../lib/api';
import { listen } from '../lib/events';
import { useFleet } from '../lib/fleet';
import type { Role } from '../lib/model';
import { useNames } from '../lib/names';
import { Tabs } from '../parts/Tabs';
import { complain } from '../parts/Toasts';
import { Roles } from './users/Roles';
import { Tokens } from './users/Tokens';
import { UserList } from './users/UserList';

export function Users() {
	const roles = useSignal<Role[]>([]);
	useFleet();
	useNames();
	const [tell] = useState(() => inOrder<Role[]>(found => { roles.value = found; }));
	const load = () => tell(all<Role>('/roles')).catch(complain);
	useEffect(() => {
		void load();
		return listen(heard => {
			if (heard.type === 'refresh' || (heard.type === 'change' && heard.data.table === 'role'))
				void load();
		});
	}, []);
	return (
		<>
			<div class="head"><div class="grow"><h1>Users and roles</h1><p>Who may sign in, and what they and programs may do</p></div></div>
			<Tabs
				label="Users and roles"
				tabs={[
					{ id: 'users', title: 'Users', body: () => <UserList roles={roles.value} /> },
					{ id: 'roles', title: 'Roles', body: () => <Roles roles={roles.value} changed={() => void load()} /> },
					{ id: 'tokens', title: 'Tokens', body: () => <Tokens roles={roles.value} /> },
				]}
			/>
		</>
	);
}
