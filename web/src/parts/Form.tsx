// A dialog that is a form: saves, says what is wrong at the field it is about, closes when done.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from '../lib/api';
import { Dialog } from './Dialog';

export interface Saving {
	busy: boolean;
	error: ApiError | null;
	wrong: (field: string) => string | undefined; // what the server said about it
	run: (save: () => Promise<void>) => Promise<void>;
}

export function useSaving(): Saving {
	const [busy, setBusy] = useState(false);
	const [error, setError] = useState<ApiError | null>(null);
	return {
		busy,
		error,
		wrong: field => (error?.field === field ? error.message : undefined),
		run: async save => {
			setBusy(true);
			setError(null);
			try {
				await save();
			} catch (e) {
				setError(e instanceof ApiError ? e : new ApiError(0, (e as Error).message));
			} finally {
				setBusy(false);
			}
		},
	};
}

interface Props {
	title: string;
	saving: Saving;
	fields: string[]; // those that show what is wrong with them; the rest is said on top
	save: () => Promise<void>;
	action?: string;
	danger?: boolean;
	wide?: boolean;
	disabled?: boolean;
	onClose: () => void;
	children: ComponentChildren;
}

export function FormDialog({ title, saving, fields, save, action = 'Save', danger, wide, disabled, onClose, children }: Props) {
	const { busy, error } = saving;
	return (
		<Dialog
			title={title} kind={wide ? 'wide' : undefined} onClose={onClose} keep onSubmit={() => void saving.run(save)}
			footer={
				<>
					<button type="button" class="button" onClick={onClose}>Cancel</button>
					<button type="submit" class={`button primary ${danger ? 'danger' : ''}`} disabled={busy || disabled}>{busy ? 'One moment…' : action}</button>
				</>
			}
		>
			{error && !fields.includes(error.field ?? '') && <p class="notice bad" role="alert">{error.message}</p>}
			{children}
		</Dialog>
	);
}
