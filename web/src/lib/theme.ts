// Dark or light: the system's choice unless one was made here.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
export const theme = signal<Theme>((localStorage.getItem('theme') as Theme | null) ?? 'system');
const system = matchMedia('(prefers-color-scheme: dark)');
export const dark = signal(false);

function apply() {
	dark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches);
	document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
}
system.addEventListener('change', apply);
effect(() => {
	localStorage.setItem('theme', theme.value);
	apply();
});
