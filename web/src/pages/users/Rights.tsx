// A role, where it acts, and what is granted besides: of users and of tokens.
import { me } from '../../lib/session';
import type { Role } from '../../lib/model';
import { nameOf, scopes as known } from '../../lib/names';
import { Field } from '../../parts/Field';
import type { Saving } from '../../parts/Form';
import { Picker } from '../../parts/Picker';

export interface Rights {
	role: string;
	scopes: string[];
	grants: string[];
}

// "net:router:script@site_1": the scope by its name
export function grantName(grant: string): string {
	const at = grant.indexOf('@');
	return at < 0 ? grant : `${grant.slice(0, at)} in ${nameOf(grant.slice(at + 1))}`;
}

interface Props {
	value: Rights;
	roles: Role[];
	saving: Saving;
	onChange: (value: Rights) => void;
}

export function RightsFields({ value, roles, saving, onChange }: Props) {
	const mine = me.value?.permissions ?? [];
	// What one does not hold oneself cannot be given.
	const usable = roles.filter(r => r.name === value.role || r.permissions.every(p => mine.includes(p)));
	const about = roles.find(r => r.name === value.role)?.description;
	return (
		<>
			<Field label="Role" wrong={saving.wrong('role')} hint={about ?? undefined}>
				<select value={value.role} onChange={e => onChange({ ...value, role: e.currentTarget.value })}>
					{usable.map(r => <option key={r.id} value={r.name}>{r.name}</option>)}
				</select>
			</Field>
			<Picker
				label="Where it acts" values={value.scopes} options={known()} show={nameOf} wrong={saving.wrong('scopes')} placeholder="the whole project"
				hint="Networks, groups, nodes or tags. Empty: the whole project" onChange={scopes => onChange({ ...value, scopes })}
			/>
			<Picker
				label="Granted besides" values={value.grants} show={grantName} wrong={saving.wrong('grants')}
				options={[...usable.map(r => r.name), ...mine].map(g => ({ value: g, label: g }))}
				hint="Roles or permissions, with @ and a scope's id behind them if only there" onChange={grants => onChange({ ...value, grants })}
			/>
		</>
	);
}
