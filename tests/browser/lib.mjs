// Helpers of the browser tests: TAP lines, a watched browser, commands in other machines.
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { execFile, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { writeFileSync } from 'node:fs';

export const { W, S, WARREN, CHROMIUM } = process.env;
export const HOME = 'https://127.0.0.1:8443/';
// For whoever looks for what only happens to be so on a machine as fast as theirs: THROTTLE=6 has the browser
// take six times as long, DELAY=300 has each answer of the API come up to 300 ms late.
const { THROTTLE, DELAY } = process.env;
export const PATIENCE = +(process.env.PATIENCE ?? 60000); // ms; the machine may be slow, what is waited for is not

let failed = 0;
export async function test(name, run) {
	try {
		await run();
		console.log(`ok - ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok - ${name}`);
		console.log(String(error.message ?? error).split('\n').slice(0, 12).map(line => `# ${line.slice(0, 400)}`).join('\n'));
		for (const r of [...seen.refused.splice(0).slice(-6), ...[...seen.asked].map(([r, at]) => `${r.method()} ${r.url()}: no answer for ${Date.now() - at} ms`)].slice(-16))
			console.log(`# ${r.slice(0, 300)}`);
		for (const [i, page] of (browser?.contexts() ?? []).flatMap(c => c.pages()).entries())
			await page.screenshot({ path: `${W}/failed-${failed}-${i}.png` }).catch(() => {});
		if (process.env.BAIL) // for whoever looks into it: stop where it broke
			process.exit(1);
	}
}
export const note = text => console.log(`# ${text}`);
// Not 1: that is what a script ends with that did not come so far.
export const finish = () => process.exit(failed > 0 ? 3 : 0);
export function same(got, want, what = 'value') {
	if (JSON.stringify(got) !== JSON.stringify(want))
		throw new Error(`${what}: wanted ${JSON.stringify(want)}, got ${JSON.stringify(got)}`);
}
export function truth(is, what) {
	if (!is)
		throw new Error(what);
}

// What a hand does on a page: this one, unless another is given.
export const hands = page => ({
	dialog: page.getByRole('dialog'),
	shot: (name, p = page) => p.screenshot({ path: `${W}/${name}.png` }),
	press: (name, p = page) => p.getByRole('button', { name, exact: true }).click(),
	row: (name, p = page) => p.getByRole('row').filter({ has: p.getByRole('button', { name, exact: true }) }),
	// Closing is done when nothing is open any more.
	shut: async (p = page) => {
		await p.keyboard.press('Escape');
		await p.getByRole('dialog').waitFor({ state: 'hidden' });
	},
});

// A new thing of the page at hand, by the keyboard, from its first field on.
export async function begin(page, text) {
	await page.keyboard.press('n');
	await until(
		() => page.evaluate(() => document.activeElement?.closest('[role=dialog], dialog') != null &&
			document.activeElement.tagName === 'INPUT'), 'a dialog with its first field at hand');
	await page.keyboard.type(text);
}

// To another page by its address, or by its link.
export async function visit(where, page) {
	await page.goto(`${HOME}#/${where}`);
	await page.locator(`nav a[aria-current=page][href="#/${where.split(/[/?]/)[0]}"]`).waitFor({ state: 'attached' }); // not the page before
	await settled(page);
}
export async function follow(name, page) {
	await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
	await page.locator('nav a[aria-current=page]').filter({ hasText: name }).waitFor({ state: 'attached' });
	await page.getByRole('heading', { level: 1 }).waitFor();
}
// A window of another size, once the page is drawn in it.
export async function size(page, width, height) {
	await page.setViewportSize({ width, height });
	await until(() => page.evaluate(w => innerWidth === w && new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true)))), width), `a window ${width} wide`);
}
export async function signOut(page) {
	await page.getByRole('button', { name: 'Sign out' }).click();
	await page.getByRole('heading', { name: 'Sign in' }).waitFor(); // the server knows
}
// What was held up goes its way; the page that asked may be gone.
export const goOn = route => route.continue().catch(() => {});
// A picture that can be seen: it is in the page somewhat before.
export async function picture(page, alt) {
	const image = page.getByAltText(alt);
	await image.evaluate(i => i.decode());
	return image;
}

// The page is there and loads nothing any more.
export const settled = page => until(() => page.evaluate(() =>
	document.querySelector('main h1') && !document.querySelector('[aria-busy=true]') && !document.querySelector('main').textContent.includes('One moment…')), 'the page is loaded');

// Until run returns something true.
export async function until(run, what, patience = PATIENCE) {
	const end = Date.now() + patience;
	for (;;) {
		const value = await run();
		if (value)
			return value;
		if (Date.now() > end)
			throw new Error(`never: ${what}`);
		await new Promise(done => setTimeout(done, 50));
	}
}

// --- the machines --------------------------------------------------------------------------------
export function sh(command, ...args) {
	const r = spawnSync(command, args, { encoding: 'utf8', timeout: PATIENCE });
	if (r.status !== 0)
		throw new Error(`${command} ${args.join(' ')}: ${r.stderr || r.error || r.status}`);
	return r.stdout;
}
export const on = (machine, ...args) => sh('ip', 'netns', 'exec', machine, ...args);
export const reaches = (machine, address) => new Promise(done =>
	execFile('ip', ['netns', 'exec', machine, 'ping', '-c', '1', '-W', '1', '-q', address], error => done(!error)));
// Not one of three packets is answered: one alone may have been lost.
export const silent = (machine, address) => new Promise(done =>
	execFile('ip', ['netns', 'exec', machine, 'ping', '-c', '3', '-i', '0.2', '-W', '1', '-q', address], error => done(!!error)));
export const warren = (...args) => sh(WARREN, ...args, '--state', S);

const agent = new Agent({ keepAlive: true, maxSockets: 16 });
// A call over the unix socket, as root.
export function api(method, path, body) {
	return new Promise((done, fail) => {
		const r = request({ socketPath: `${S}/warren.sock`, agent, method, path, headers: body ? { 'Content-Type': 'application/json' } : {} }, answer => {
			let text = '';
			answer.setEncoding('utf8');
			answer.on('data', part => (text += part));
			answer.on('end', () => done({ status: answer.statusCode, body: text ? JSON.parse(text) : null }));
		});
		// A connection kept alive may be closed by the other side just before it is used again.
		r.on('error', error => (r.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(error.code) ? api(method, path, body).then(done, fail) : fail(error)));
		r.end(body ? JSON.stringify(body) : undefined);
	});
}

export const items = async path => (await api('GET', `/api/v1${path}`)).body.items;

// What a scanner reads in a picture.
export function scan(png, name) {
	writeFileSync(`${W}/${name}.png`, png);
	const text = sh('zbarimg', '-q', '--raw', `${W}/${name}.png`).replace(/\n$/, '');
	writeFileSync(`${W}/${name}.txt`, text, { mode: 0o600 });
	return text;
}

// A code of an authenticator that scanned this (RFC 6238).
export function codeOf(uri, at = Date.now()) {
	const bits = [...new URL(uri).searchParams.get('secret')].map(c => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)));
	const step = Buffer.alloc(8);
	step.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
	const hash = createHmac('sha1', key).update(step).digest();
	return String((hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1000000).padStart(6, '0');
}

// --- the browser ---------------------------------------------------------------------------------
export const seen = { violations: [], foreign: [], alerts: [], errors: [], sent: [], streams: 0, refused: [], asked: new Map() };
let browser;

// A browser of its own (cookies, storage) whose every request, alert, error and breach of the
// policy is noted.
export async function person(options = {}) {
	browser ??= await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
	const context = await browser.newContext({
		viewport: { width: 1440, height: 860 }, ignoreHTTPSErrors: true, reducedMotion: 'reduce', acceptDownloads: true,
		permissions: ['clipboard-read', 'clipboard-write'], ...options,
	});
	await context.exposeBinding('noteViolation', (_, text) => seen.violations.push(text));
	await context.addInitScript(() => {
		document.addEventListener('securitypolicyviolation', e => window.noteViolation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
	});
	if (DELAY)
		await context.route('**/api/v1/**', route => setTimeout(() => goOn(route), Math.random() * DELAY));
	context.on('request', r => {
		if (!/^(data|blob):/.test(r.url()) && !r.url().startsWith(HOME))
			seen.foreign.push(r.url());
		if (!r.url().includes('/api/v1/events'))
			seen.asked.set(r, Date.now());
		seen.sent.push(`${r.method()} ${r.url()} ${r.postData() ?? ''}`);
		if (r.url().includes('/api/v1/events'))
			seen.streams++;
	});
	// What went wrong on the way is told with the test it made fail.
	context.on('requestfinished', r => seen.asked.delete(r));
	context.on('requestfailed', r => {
		seen.asked.delete(r);
		if (r.failure()?.errorText !== 'net::ERR_ABORTED')
			seen.refused.push(`${r.method()} ${r.url()}: ${r.failure()?.errorText}`);
	});
	context.on('response', r => {
		if (r.status() >= 429)
			seen.refused.push(`${r.request().method()} ${r.url()}: ${r.status()}`);
	});
	context.on('page', page => {
		page.setDefaultTimeout(PATIENCE);
		page.on('dialog', d => {
			seen.alerts.push(d.message());
			void d.dismiss();
		});
		page.on('pageerror', e => seen.errors.push(e.stack));
		page.on('console', m => {
			if (m.type() === 'error' && !/Failed to load resource/.test(m.text()))
				seen.errors.push(m.text());
		});
		if (THROTTLE)
			context.newCDPSession(page).then(s => s.send('Emulation.setCPUThrottlingRate', { rate: +THROTTLE })).catch(() => {});
	});
	return context;
}
export async function close() {
	await browser?.close();
	agent.destroy();
}
// axe finds nothing serious in what is shown.
export async function unhindered(page, where) {
	if (!(await page.evaluate(() => 'axe' in window)))
		await page.evaluate(axe.source);
	const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
	const serious = found.violations.filter(v => ['serious', 'critical'].includes(v.impact));
	same(serious.map(v => `${v.id}: ${v.nodes.slice(0, 2).map(n => `${n.html.slice(0, 120)} ${n.failureSummary?.split('\n')[1] ?? ''}`).join(' | ')}`), [], where);
}
// What is shown and less than 44 pixels high or wide: fingers miss it.
export const small = page => page.evaluate(() => [...document.querySelectorAll('.button, .chip, [role=tab], [role=menuitem], select, input:not([type=checkbox], [type=radio]), .picker, nav a')]
	.filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.picker') && (e.offsetHeight < 44 || e.offsetWidth < 44))
	.map(e => `${e.outerHTML.slice(0, 80)} ${e.offsetWidth}x${e.offsetHeight}`));
export async function signIn(page, name, password) {
	await page.goto(HOME);
	await page.getByLabel('Name', { exact: true }).fill(name);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.keyboard.press('Enter');
}
export async function choosePassword(page, password) {
	await page.getByLabel('New password', { exact: true }).fill(password);
	await page.getByLabel('New password, again').fill(password);
	await page.keyboard.press('Enter');
	await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}
