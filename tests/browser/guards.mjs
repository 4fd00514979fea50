// What the panel asks before, refuses, and keeps; see the script "guards", which sets the machines up.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { api, begin, choosePassword, close, codeOf, finish, goOn, hands, items, on, person, picture, reaches, same, scan, seen, signIn, signOut, small, test, truth, unhindered, until, visit as goTo, warren, HOME, W, WARREN } from './lib.mjs';

const { PASSWORD, VIEWER, SYSTEM } = process.env;
const OWN = 'a quiet warren at dusk';
const HOSTILE = '<b onclick=alert(1)>&"\'';
const CLIENTS = '/api/v1/wireguard/clients';
const context = await person();
const page = await context.newPage();
const { dialog, press, row, shot, shut } = hands(page);
const visit = (where, p = page) => goTo(where, p);
const idOf = async (path, name) => (await items(`${path}?name=${encodeURIComponent(name)}`))[0].id;
const fetched = (p, method, path) => p.evaluate(([m, u]) => fetch(u, { method: m, ...(m !== 'GET' && { headers: { 'Content-Type': 'application/json' }, body: '{}' }) }).then(r => r.status), [method, path]);

// --- the first sign-in -----------------------------------------------------------------------------
await test('with a one-time password nothing but a new one can be had', async () => {
	await signIn(page, 'ann', PASSWORD);
	await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
	same([await fetched(page, 'GET', '/api/v1/nodes'), await fetched(page, 'GET', CLIENTS), await fetched(page, 'POST', CLIENTS)], [403, 403, 403], 'other calls');
	await page.reload(); // the page no longer knows the password that was typed
	await page.getByLabel('The password you were given').waitFor();
	same(await page.evaluate(() => document.activeElement.autocomplete), 'current-password', 'what has the focus at once');
	await page.getByLabel('The password you were given').fill(PASSWORD);
	await page.getByLabel('New password', { exact: true }).fill(OWN);
	await page.getByLabel('New password, again').fill(`${OWN}?`);
	await page.getByText('The two are not the same.').waitFor();
	same(await page.getByRole('button', { name: 'Save and go on' }).isDisabled(), true, 'the button');
	await unhindered(page, 'choosing a password');
	await page.getByLabel('The password you were given').fill('quite another one');
	await page.getByLabel('New password, again').fill(OWN);
	await page.keyboard.press('Enter');
	await page.getByRole('alert').waitFor();
	same(await page.getByLabel('The password you were given').getAttribute('aria-invalid'), 'true', 'the field');
	await page.getByLabel('The password you were given').fill(PASSWORD);
	await page.keyboard.press('Enter');
	await page.getByRole('navigation', { name: 'Pages' }).waitFor();
});

// --- nodes that would lose each other --------------------------------------------------------------
const agents = [];
await test('a network whose nodes cannot find each other says so', async () => {
	// That they are behind NATs comes with their heartbeats, one each half minute.
	const warnings = async () => (await api('GET', `/api/v1/networks/${await idOf('/networks', 'default')}`)).body.warnings ?? [];
	await until(async () => (await warnings()).some(w => /n1 and n2 are behind NAT/.test(w)), 'the server knows', 180000);
	await visit('networks');
	const warned = page.getByRole('status').filter({ hasText: /n1 and n2 are behind NAT/ });
	await warned.waitFor();
	await unhindered(page, 'a warning');
	await shot('network-warning');
	on('mid', WARREN, 'agent', 'join', 'https://192.0.2.1:8444', '--name', 'mid', '--token-file', `${W}/controllers`, '--state', `${W}/mid`);
	agents.push(spawn('ip', ['netns', 'exec', 'mid', 'unshare', '-m', 'sh', '-c', 'mount -t tmpfs tmpfs /run/wireguard && exec "$@"', 'sh', WARREN, 'agent', 'run', '--state', `${W}/mid`], { stdio: 'ignore' }));
	warren('node', 'set', 'mid', '--endpoint', '192.0.2.12:51820');
	await warned.waitFor({ state: 'detached' }); // by itself, for the page hears of it
	same(await warnings(), [], 'warnings');
});
const mid = async () => (await items('/nodes?name=mid'))[0];
const parted = page.getByRole('dialog', { name: 'Nodes would lose each other' });
await test('disabling what they find each other by is asked about once more, and can be left', async () => {
	await visit('nodes');
	await row('mid').getByText('Online').filter({ visible: true }).waitFor();
	await row('mid').getByRole('switch').click();
	await dialog.getByRole('button', { name: 'Disable' }).click();
	await parted.getByText(/n1 and n2 would lose each other/).waitFor();
	truth(await page.evaluate(() => document.activeElement?.textContent === 'Cancel'), 'Cancel has the focus');
	await unhindered(page, 'the question');
	await shot('parted');
	await shut();
	same((await mid()).enabled, true, 'enabled');
	same(seen.sent.filter(s => s.includes('force=')), [], 'forced calls');
});
await test('nor is it removed unasked', async () => {
	await row('mid').getByRole('button', { name: 'More for mid' }).click();
	await page.getByRole('menuitem', { name: 'Remove' }).click();
	await dialog.getByRole('button', { name: 'Remove' }).click();
	await parted.getByText(/n1 and n2/).waitFor();
	await press('Cancel');
	await dialog.waitFor({ state: 'hidden' });
	same((await mid()).name, 'mid', 'it is there');
});
await test('all the same: it is done, and the network says what it means', async () => {
	await row('mid').getByRole('switch').click();
	await dialog.getByRole('button', { name: 'Disable' }).click();
	await press('Disable all the same');
	await page.getByText('mid is disabled').waitFor();
	same((await mid()).enabled, false, 'enabled');
	await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Networks' }).click();
	await page.getByRole('status').filter({ hasText: /n1 and n2 are behind NAT/ }).waitFor();
	await visit('nodes');
	await row('mid').getByRole('switch').click();
	await page.getByText('mid takes part again').waitFor();
});
await test('an endpoint that is taken away: Cancel leaves the form as it was written', async () => {
	// Which endpoints matter is the server's to judge and tested there; here, what the panel does with the answer.
	let asked = 0;
	await page.route('**/api/v1/members/*', route => (route.request().method() === 'PATCH' && !route.request().url().includes('force=') && ++asked
		? route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ status: 409, field: 'force', detail: 'n1 and n2 would lose each other in network default' }) })
		: goOn(route)));
	await press('mid');
	await press('Edit in default');
	const form = page.getByRole('dialog', { name: 'mid in default' });
	await form.getByLabel('Endpoint').fill('');
	await form.getByLabel('Region').fill('middle');
	await form.getByRole('button', { name: 'Save' }).click();
	await parted.getByText(/would lose each other in network default/).waitFor();
	await parted.getByRole('button', { name: 'Cancel' }).click();
	await parted.waitFor({ state: 'hidden' });
	same([await form.getByLabel('Endpoint').inputValue(), await form.getByLabel('Region').inputValue()], ['', 'middle'], 'the form');
	same((await mid()).members[0].endpoint, '192.0.2.12:51820', 'stored');
	await form.getByRole('button', { name: 'Save' }).click();
	await press('Save all the same');
	await form.waitFor({ state: 'hidden' });
	same([asked, (await mid()).members[0].endpoint, (await mid()).members[0].region], [2, null, 'middle'], 'stored');
	await page.unroute('**/api/v1/members/*');
	await shut();
});

// --- how a link was --------------------------------------------------------------------------------
const late = page.getByRole('region', { name: 'Of late' });
await test('a client shows its handshakes and states of late, in words too', async () => {
	const made = (await api('POST', CLIENTS, { name: HOSTILE })).body;
	writeFileSync(`${W}/late.conf`, made.config, { mode: 0o600 });
	on('phone', 'wg-quick', 'up', `${W}/late.conf`);
	await until(() => reaches('phone', '172.30.100.1'), 'the gateway answers');
	await visit('clients');
	await press(HOSTILE);
	await dialog.getByText('Speaks from').waitFor();
	await late.getByText(/^Newest handshake .*(now|second|minute)/).waitFor();
	await press('Disable');
	await page.getByText(`${HOSTILE} is cut off`).waitFor();
	await dialog.getByRole('status').filter({ hasText: 'Disabled' }).waitFor();
	await press('Enable');
	await until(() => reaches('phone', '172.30.100.1'), 'it connects anew'); // who says nothing does so after two minutes
	await dialog.getByRole('status').filter({ hasText: 'Online' }).waitFor();
	await late.getByText('As a table').click();
	const rows = await late.getByRole('row').allTextContents();
	for (const what of ['Handshake', 'Online', 'Disabled'])
		truth(rows.some(r => r.includes(what)), `no ${what} in ${rows}`);
	same([await late.locator('rect.online').count() >= 2, await late.locator('line.sign').count() >= 1], [true, true], 'the picture has two times online, and a handshake');
	await unhindered(page, 'of late');
	await shot('late');
	await shut();
});
await test('a node shows when it was heard of', async () => {
	await visit('nodes');
	await press('gw-one');
	await late.getByText(/^Newest heartbeat/).waitFor();
	await late.locator('rect.online').waitFor({ state: 'attached' });
	await shut();
});

// --- a session ends in the middle of work ----------------------------------------------------------
const gate = page.getByRole('dialog', { name: 'Sign in again' });
const comeBack = async (name = 'ann', password = OWN) => {
	await gate.getByLabel('Name', { exact: true }).fill(name);
	await gate.getByLabel('Password', { exact: true }).fill(password);
	await page.keyboard.press('Enter');
};
const form = page.getByRole('dialog', { name: 'Add a client' });
const endSessions = async () => same((await api('DELETE', `/api/v1/users/${await idOf('/users', 'ann')}/sessions`)).status, 200, 'the end of the sessions');
// Her sessions end while the next client is on its way: after the key was pressed, before the server has it.
const endUnderway = () => page.route('**/api/v1/wireguard/clients', async route => {
	await endSessions();
	await goOn(route);
}, { times: 1 });
await test('a session that ends leaves what is being written where it is', async () => {
	await visit('clients');
	await begin(page, 'half written');
	await page.getByText('More settings').click();
	await form.getByLabel('Tags').fill('kept, dear');
	await endSessions();
	await gate.getByText('Your session is over').waitFor();
	same(await gate.getByLabel('Name', { exact: true }).inputValue(), 'ann', 'who was here');
	await until(() => page.evaluate(() => document.activeElement?.getAttribute('type') === 'password'), 'the focus is at the password');
	for (let i = 0; i < 12; i++) {
		await page.keyboard.press(i % 3 ? 'Tab' : 'Escape');
		truth(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest('dialog.over')), 'the focus left the gate');
	}
	truth(await page.evaluate(() => { const [x, y] = [innerWidth / 2, innerHeight / 2]; return [[x, y], [3, 3], [x, 3], [3, y]].every(at => document.elementFromPoint(...at)?.closest('dialog.over')); }), 'the gate covers all');
	await unhindered(page, 'the gate over a page');
	await shot('gate-over');
	const end = Date.now() + 6000; // for longer than a hiccup of the stream takes
	await until(() => Date.now() > end, 'some time');
	same(await page.title(), 'Sign in · Warren', 'title');
	await comeBack('ann', 'not this one');
	await gate.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
	await comeBack();
	await gate.waitFor({ state: 'detached' });
	same([await form.getByLabel('Name', { exact: true }).inputValue(), await form.getByLabel('Tags').inputValue()], ['half written', 'kept, dear'], 'the form');
	await until(() => page.evaluate(() => !!document.activeElement?.closest('dialog')), 'the focus is in the form again');
	await page.getByText('Live', { exact: true }).waitFor();
	same(await page.title(), 'Clients · Warren', 'title');
});
await test('what was saved when it was over already is saved once one is back, and once', async () => {
	await endUnderway();
	await form.getByRole('button', { name: 'Add', exact: true }).click();
	await gate.getByText('Your session is over').waitFor();
	await comeBack();
	await page.getByAltText('QR code of this configuration').waitFor();
	const made = await items(`/wireguard/clients?name=${encodeURIComponent('half written')}`);
	same(made.map(c => c.tags), [['kept', 'dear']], 'stored');
	await press('Done');
	await row('half written').waitFor();
});
await test('signed in again in another tab, this one goes on too', async () => {
	const second = await context.newPage();
	await second.goto(`${HOME}#/nodes`);
	await row('gw-one', second).waitFor();
	await page.bringToFront();
	await begin(page, 'two tabs');
	await endUnderway();
	await page.keyboard.press('Enter');
	await gate.waitFor();
	await second.getByRole('dialog', { name: 'Sign in again' }).waitFor(); // without being asked anything
	await signIn(second, 'ann', OWN);
	await second.getByRole('navigation', { name: 'Pages' }).waitFor();
	await page.bringToFront();
	await page.evaluate(() => dispatchEvent(new Event('focus'))); // a browser without windows has none
	await page.getByAltText('QR code of this configuration').waitFor();
	await press('Done');
	await second.close();
});
await test('whoever signs in instead finds nothing of it', async () => {
	await begin(page, 'not for vera');
	await endUnderway();
	await page.keyboard.press('Enter');
	await gate.waitFor();
	await comeBack('vera', VIEWER);
	await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
	await page.getByLabel('The password you were given').fill(VIEWER);
	await choosePassword(page, 'only looking, thank you');
	same(await dialog.count(), 0, 'dialogs');
	truth(!(await page.content()).includes('not for vera'), 'what was written is gone');
	same((await items(`/wireguard/clients?name=${encodeURIComponent('not for vera')}`)).length, 0, 'clients made');
	await signOut(page);
	await signIn(page, 'ann', OWN);
	await page.getByRole('navigation', { name: 'Pages' }).waitFor();
});

// --- who may only look -----------------------------------------------------------------------------
await test('a viewer is offered nothing to change, and the server refuses all of it', async () => {
	const vera = await (await person()).newPage();
	await signIn(vera, 'vera', 'only looking, thank you');
	await vera.getByRole('navigation', { name: 'Pages' }).waitFor();
	const names = await vera.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
	same(names, ['Overview', 'Nodes', 'Clients', 'Networks', 'Policies', 'Settings'], 'pages');
	for (const where of ['nodes', 'clients', 'networks', 'policies']) {
		await visit(where, vera);
		same(await vera.getByRole('main').getByRole('button', { name: /^(Add |Edit|Delete|Remove|More for|Make |New |Disable$|Enable$|Verify)/ }).allTextContents(), [], `buttons on ${where}`);
		same(await vera.getByRole('main').getByRole('switch').count() + await vera.getByRole('main').getByRole('checkbox').count(), 0, `switches on ${where}`);
		await vera.keyboard.press('n');
		same(await vera.getByRole('dialog').count(), 0, `dialogs after n on ${where}`);
	}
	for (const [where, text] of [[`nodes/${await idOf('/nodes', 'gw-one')}`, 'as configured'], [`clients/${await idOf('/wireguard/clients', HOSTILE)}`, 'Speaks from']]) {
		await visit(where, vera);
		await vera.getByRole('dialog').getByText(text).first().waitFor();
		same(await vera.getByRole('dialog').getByRole('button').evaluateAll(list => list.map(b => b.getAttribute('aria-label') ?? b.textContent)), ['Close'], `buttons of ${where}`);
		await shut(vera);
	}
	for (const where of ['users', 'audit']) { // by address, too
		await visit('nodes', vera);
		await vera.goto(`${HOME}#/${where}`);
		await vera.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
	}
	const { can } = await vera.evaluate(() => fetch('/api/v1/me').then(r => r.json()));
	const { paths } = await vera.evaluate(() => fetch('/api/v1/openapi.json').then(r => r.json()));
	const calls = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).filter(m => /^(get|post|patch|put|delete)$/.test(m)).map(m => [m.toUpperCase(), path]))
		.filter(([m, path]) => path.startsWith('/api/v1/') && !/\/(login|logout|me|openapi.json)(\/|$)/.test(path) && !can.includes(`${m} ${path}`));
	truth(calls.length > 30, `only ${calls.length} calls to try`);
	truth(calls.some(c => c.join(' ') === `DELETE ${CLIENTS}/{id}`) && calls.some(c => c.join(' ') === 'GET /api/v1/users'), 'what matters is among them');
	const node = await idOf('/nodes', 'gw-one');
	const answers = [];
	for (const [m, path] of calls) {
		const status = await fetched(vera, m, path.replace('{id}', node).replace(/\{\w+\}/g, 'x'));
		if (status !== 403)
			answers.push(`${m} ${path}: ${status}`);
	}
	same(answers, [], 'calls that were not refused');
	await vera.context().close();
});

// --- the second step goes off ----------------------------------------------------------------------
await test('taking the second step off takes a code; what is wrong is said at its field', async () => {
	const sam = await (await person()).newPage();
	await signIn(sam, 'sam', SYSTEM);
	await choosePassword(sam, 'who watches the watchers here');
	const mine = sam.getByRole('dialog');
	// Codes of this step of time and the next: both are good whenever the next begins meanwhile.
	const setUp = async () => {
		await visit('settings', sam);
		await press('Set up a second step', sam);
		await mine.getByLabel('Your password').fill('who watches the watchers here');
		await press('Go on', sam);
		await picture(sam, 'QR code for your authenticator');
		const uri = scan(await sam.screenshot(), 'second');
		await mine.getByLabel('Code', { exact: true }).fill(codeOf(uri));
		await press('Switch on', sam);
		const codes = (await sam.locator('pre[aria-label="Recovery codes"]').textContent()).trim().split('\n');
		await press('Done', sam);
		await press('Take the second step off', sam);
		return { uri, codes };
	};
	const { uri, codes } = await setUp();
	await unhindered(sam, 'taking it off');
	const off = async (password, code) => {
		await mine.getByLabel('Your password').fill(password);
		await mine.getByLabel('Code').fill(code);
		await press('Take it off', sam);
	};
	await off('not this one', codes[0]);
	await mine.getByRole('alert').waitFor();
	same(await mine.getByLabel('Your password').getAttribute('aria-invalid'), 'true', 'the password');
	await off('who watches the watchers here', '000000');
	await mine.getByRole('alert').waitFor();
	await until(async () => await mine.getByLabel('Code').getAttribute('aria-invalid') === 'true', 'said at the code');
	same((await items('/users?name=sam'))[0].totp, true, 'the second step');
	await shot('second-off', sam);
	await off('who watches the watchers here', codeOf(uri, Date.now() + 30000));
	await sam.getByText('The second step is off').waitFor();
	same((await items('/users?name=sam'))[0].totp, false, 'the second step');
	const again = await setUp();
	await off('who watches the watchers here', again.codes[3]); // a recovery code does, too
	await sam.getByText('The second step is off').last().waitFor();
	await until(async () => !(await items('/users?name=sam'))[0].totp, 'it is off');
	await sam.context().close();
});

// --- the keyboard alone ----------------------------------------------------------------------------
const at = p => p.evaluate(() => {
	const el = document.activeElement;
	const box = el.getBoundingClientRect();
	const ring = getComputedStyle(el.closest('.picker') ?? el);
	return {
		name: el.getAttribute('aria-label') ?? el.labels?.[0]?.textContent ?? el.textContent.trim(),
		// The calendar in a field for times has the focus itself, and a ring of the browser's.
		ring: !el.matches(':focus') || ring.outlineStyle !== 'none' && parseFloat(ring.outlineWidth) >= 1,
		seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
	};
});
// Tab until what has the focus is called so; each stop on the way can be seen.
const tabTo = async (p, name) => {
	for (let i = 0; i < 60; i++) {
		await p.keyboard.press('Tab');
		const here = await at(p);
		if (here.name === '' && await p.evaluate(() => document.activeElement === document.body))
			continue; // round the window
		truth(here.ring && here.seen, `the focus cannot be seen at ${JSON.stringify(here)}`);
		if (here.name.startsWith(name))
			return;
	}
	throw new Error(`Tab never leads to ${name}`);
};
await test('from the sign-in to a scanned client by the keyboard alone', async () => {
	const theirs = await person();
	const p = await theirs.newPage();
	await p.goto(HOME);
	await until(() => p.evaluate(() => document.activeElement?.getAttribute('autocomplete') === 'username'), 'the focus is at the name');
	await p.keyboard.type('ann');
	await p.keyboard.press('Tab');
	await p.keyboard.type(OWN);
	await p.keyboard.press('Enter');
	await p.getByRole('navigation', { name: 'Pages' }).waitFor();
	await tabTo(p, 'Skip to the content');
	await tabTo(p, 'Clients');
	await p.keyboard.press('Enter');
	await p.getByRole('heading', { level: 1, name: 'Clients' }).waitFor();
	await tabTo(p, 'Add a client');
	await p.keyboard.press('Enter');
	await until(async () => (await at(p)).name === 'Name', 'the focus is at the name');
	await p.keyboard.type('by keys');
	await tabTo(p, 'More settings');
	await p.keyboard.press('Enter');
	await tabTo(p, 'This network');
	await p.keyboard.press('ArrowDown');
	await tabTo(p, 'Destinations');
	await p.keyboard.type('10.50.0.0/24');
	await tabTo(p, 'Tags');
	await p.keyboard.type('keys');
	await p.keyboard.press('Enter');
	await p.getByAltText('QR code of this configuration').waitFor();
	same((await at(p)).name, 'Done', 'what has the focus');
	await p.keyboard.press('Shift+Tab');
	await tabTo(p, 'Download');
	const [download] = await Promise.all([p.waitForEvent('download'), p.keyboard.press('Enter')]);
	truth(/^AllowedIPs = 10\.50\.0\.0\/24$/m.test(readFileSync(await download.path(), 'utf8')), 'the file');
	await tabTo(p, 'iPhone');
	await p.keyboard.press('ArrowRight');
	await p.getByText('Scan from QR code').waitFor();
	await tabTo(p, 'Show the text');
	await p.keyboard.press('Space');
	await p.getByLabel('Configuration', { exact: true }).waitFor();
	await tabTo(p, 'Done');
	await p.keyboard.press('Enter');
	await p.getByRole('dialog').waitFor({ state: 'hidden' });
	same((await at(p)).name.replace(/n$/, ''), 'Add a client', 'the focus comes back');
	const made = (await items('/wireguard/clients?name=by%20keys'))[0];
	same([made.allowed_ips, made.tags], [['10.50.0.0/24'], ['keys']], 'stored');
	await theirs.close();
});

// --- every page and dialog, in both colours, and on a small phone ----------------------------------
await api('POST', '/api/v1/policies', { network: await idOf('/networks', 'default'), name: 'web', rules: [{ from: ['clients'], to: ['nodes'], protocol: 'tcp', ports: ['443'] }] });
for (const [name, tags] of [['😀'.repeat(64), []], ['a name as long as people write them when nobody stops them, 64', []], ['tagged', Array.from({ length: 12 }, (_, i) => `a-rather-long-tag-${i}`)]])
	same((await api('POST', CLIENTS, { name, tags })).status, 201, 'created');
same((await api('PATCH', `/api/v1/nodes/${await idOf('/nodes', 'n2')}`, { name: 'a node with a name as long as people write them when asked, 64' })).status, 200, 'renamed');
const more = (name, item) => async p => {
	await p.getByRole('button', { name: `More for ${name}` }).first().click();
	await p.getByRole('menuitem', { name: item }).click();
};
const click = (...names) => async p => {
	for (const name of names)
		await p.getByRole('button', { name }).first().click();
};
const tab = (name, then = async () => {}) => async p => {
	await p.getByRole('tab', { name }).click();
	await then(p);
};
// page | what is opened there | how | what it says when it is all there
const opened = [
	['clients', 'a form for a client', async p => { await click('Add a client')(p); await p.getByText('More settings').click(); }, 'Description'],
	['clients', 'a client', click(HOSTILE), 'Speaks from'],
	['clients', 'a client with many tags', click('tagged'), 'a-rather-long-tag-11'],
	['clients', 'a question', more('tagged', 'Delete'), 'There is no way back'],
	['clients', 'a menu', async p => { await p.getByRole('button', { name: 'More for tagged' }).click(); }, 'New key'],
	['clients', 'the keys', async p => { await p.keyboard.press('?'); }, 'close what is open'],
	['nodes', 'a node', click(/^gw-one/), 'Listens on'],
	['nodes', 'a new name', click(/^gw-one/, 'Rename'), 'Also its name in DNS'],
	['nodes', 'a membership', click(/^gw-one/, /^Edit in/), 'Masquerade'],
	['nodes', 'a way to join', click('Add a node'), 'How many machines'],
	['nodes', 'a token to join with', click('Add a node', 'Make a token'), 'Run the agent'],
	['networks', 'a form for a network', async p => { await click('Add a network')(p); await p.getByText('More settings').click(); }, 'Pre-shared keys'],
	['networks', 'a network', click('Edit default'), 'Pre-shared keys'],
	['networks', 'a form for a group', more('default', 'Add a gateway group'), 'Port for clients'],
	['policies', 'a form for a policy', click('Edit web'), 'Nobody would reach more or less'],
	['policies', 'what deleting would do', click('Delete web'), /Nobody would reach|would reach less/],
	['users', 'a form for a user', click('Add a user'), 'Granted besides'],
	['users', 'the roles', tab('Roles'), 'org-admin'],
	['users', 'a form for a role', tab('Roles', click(/^Add a role/)), 'What it may'],
	['users', 'the tokens', tab('Tokens'), /tokens?$/],
	['users', 'a form for a token', tab('Tokens', click('Add an API token')), 'It acts for you'],
	['audit', 'a line', async p => { await p.locator('tbody .link').first().click(); }, 'Hash'],
	['settings', 'a change of the password', click('Change the password'), 'New password, again'],
	['settings', 'a second step', click('Set up a second step'), 'Any authenticator app does'],
];
const pages = ['overview', 'nodes', 'clients', 'networks', 'policies', 'users', 'audit', 'settings'];
const looks = [['light', 1440], ['dark', 1440], ['light', 360], ['light', 768]];
for (const [colorScheme, width] of looks) {
	const theirs = await person({ colorScheme, viewport: { width, height: width < 400 ? 740 : 900 }, hasTouch: width < 400 });
	const p = await theirs.newPage();
	const look = async what => {
		const wide = await p.evaluate(() => [document.scrollingElement, ...document.querySelectorAll('.table, dialog[open] .body, .card')]
			.filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).map(e => `${e.className || e.tagName} by ${e.scrollWidth - e.clientWidth}`));
		same(wide, [], `${what} at ${width}: too wide`);
		if (width < 400)
			same(await small(p), [], `${what} at ${width}: too small for a finger`);
		if (width !== 768)
			await unhindered(p, `${what}, ${colorScheme}, ${width}`);
		if (process.env.PANEL_SHOTS)
			await shot(`${what.replace(/\W+/g, '-')}-${width}-${colorScheme}`, p);
	};
	await test(`every page, ${colorScheme}, ${width} pixels wide: nothing hinders, nothing sticks out`, async () => {
		await p.goto(HOME);
		await p.getByLabel('Password', { exact: true }).waitFor();
		await look('sign-in');
		await signIn(p, 'ann', OWN);
		await p.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
		for (const where of pages) {
			await visit(where, p);
			await look(where);
		}
	});
	await test(`every dialog, ${colorScheme}, ${width} pixels wide`, async () => {
		for (const [where, what, open, says] of opened) {
			await visit(where, p);
			await open(p);
			await p.getByText(says).filter({ visible: true }).first().waitFor();
			await look(what);
			await until(async () => {
				const open = await p.locator('dialog[open], .menu:popover-open').count();
				if (open > 0)
					await p.keyboard.press('Escape');
				return open === 0;
			}, `${what} closes by Esc`);
		}
	});
	await theirs.close();
}
await test('on a small phone a row says who it is and how they are', async () => {
	const theirs = await person({ viewport: { width: 360, height: 740 }, hasTouch: true });
	const p = await theirs.newPage();
	await signIn(p, 'ann', OWN);
	await p.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
	for (const [where, name, texts] of [['clients', HOSTILE, ['Online']], ['clients', 'tagged', ['Never seen']], ['nodes', 'gw-one', ['Online', 'gateway']], ['users', 'ann', ['org-admin', 'you']]]) {
		await visit(where, p);
		for (const text of texts)
			await row(name, p).getByText(text, { exact: true }).filter({ visible: true }).first().waitFor();
		const boxes = await row(name, p).evaluate(r => [...r.querySelectorAll('.link, .menu-button, .button')].filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect()).map(b => [b.left >= 0, b.right <= innerWidth]));
		truth(boxes.length >= 2 && boxes.flat().every(Boolean), `something of ${name} is beside the screen`);
	}
	await theirs.close();
});

// --- what must never have happened -----------------------------------------------------------------
await test('no request went to another host', async () => same(seen.foreign.filter(u => u !== 'about:blank'), [], 'requests'));
await test('the content security policy was never broken', async () => same(seen.violations, [], 'violations'));
await test('no script of a name ran', async () => same(seen.alerts, [], 'alerts'));
await test('the pages reported no error', async () => same(seen.errors, [], 'errors'));
for (const a of agents)
	a.kill();
await close();
finish();
