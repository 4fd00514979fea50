// Changing an object that is being looked at: only what was changed here is sent, so that a form that
// was opened a while ago takes nothing back that others changed since.
import { useState } from 'preact/hooks';
import { ApiError, api, type Query } from './api';

const differ = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);

// object: as it was read; fields: of the form, by their names in the API. Both are kept as they are at
// the first call. What came of it sends what was changed since, to the object at path; also: besides,
// as it is. What others changed too is refused and named, and nothing is stored.
export function useEdited<T extends object>(object: T | undefined, fields: Record<string, unknown>) {
	const [was] = useState({ object, fields });
	return async (path: string, query?: Query, also: Record<string, unknown> = {}): Promise<T> => {
		const changed = Object.fromEntries(Object.entries(fields).filter(([name, value]) => differ(value, was.fields[name])));
		const now = await api.get<T>(path);
		const before = (was.object ?? {}) as Record<string, unknown>;
		for (const name of Object.keys(changed))
			if (name in before && differ(before[name], (now as Record<string, unknown>)[name]))
				throw new ApiError(409, 'Somebody else changed this meanwhile. Close this and open it again to see what it is now.', name);
		const all = { ...changed, ...also };
		return Object.keys(all).length > 0 ? api.patch<T>(path, all, query) : now;
	};
}
