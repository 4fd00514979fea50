// Who is here decides what is shown: the gate, a new password, or the panel in its frame.
import { useEffect, useErrorBoundary } from 'preact/hooks';
import { project } from './lib/api';
import { startEvents, stopEvents } from './lib/events';
import { me, restore, unreachable } from './lib/session';
import { Frame } from './parts/Frame';
import { Gate } from './parts/Gate';
import { Questions } from './parts/Dialog';
import { Toasts } from './parts/Toasts';

function Inside() {
	useEffect(() => {
		startEvents();
		return stopEvents;
	}, [me.value?.id, project.value]);
	return <Frame />;
}

export function App() {
	const [error, reset] = useErrorBoundary();
	if (error)
		return (
			<div class="gate">
				<div class="card stack">
					<h1>Something in this page broke</h1>
					<p class="dim">{String(error.message ?? error)}</p>
					<button type="button" class="button primary" onClick={() => { reset(); location.reload(); }}>Reload</button>
				</div>
			</div>
		);
	const who = me.value;
	return (
		<>
			{who === undefined
				? unreachable.value && (
					<div class="gate">
						<div class="card stack">
							<h1>No answer</h1>
							<p class="dim">{unreachable.value}</p>
							<button type="button" class="button primary" onClick={() => void restore()}>Try again</button>
						</div>
					</div>
				)
				: who === null || who.must_change_password ? <Gate /> : <Inside />}
			<Questions />
			<Toasts />
		</>
	);
}
