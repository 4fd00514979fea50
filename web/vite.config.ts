import { defineConfig } from 'vite';

// Nothing is inlined: the policy sent with the page allows files of this server only.
export default defineConfig({
	root: import.meta.dirname ?? '.',
	base: '/',
	esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
	build: {
		target: 'es2022',
		outDir: 'dist',
		emptyOutDir: true,
		assetsInlineLimit: 0,
		cssCodeSplit: false,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
	server: {
		// npm run dev: WARREN=https://127.0.0.1:8443, with its own certificate
		proxy: {
			'/api': { target: process.env.WARREN ?? 'https://127.0.0.1:8443', secure: false },
			'/once': { target: process.env.WARREN ?? 'https://127.0.0.1:8443', secure: false },
		},
	},
});
