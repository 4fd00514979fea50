// The panel used as nobody meant it; see the script "edges", which sets the machines up.
import { api, begin, choosePassword, close, finish, goOn, hands, items, note, person, same, seen, settled, signIn, test, truth, until, visit as goTo, HOME } from './lib.mjs';

const OWN = 'a quiet warren at dusk';
const CLIENTS = '/api/v1/wireguard/clients';
const context = await person();
const page = await context.newPage();
const { dialog, press, row, shut } = hands(page);
const visit = (where, p = page) => goTo(where, p);
const make = async fields => (await api('POST', CLIENTS, fields)).body.client.id;
const stored = async id => (await api('GET', `${CLIENTS}/${id}`)).body;
// A promise and what keeps it.
const later = () => {
	let keep;
	return [new Promise(done => { keep = done; }), keep];
};

await signIn(page, 'ann', process.env.PASSWORD);
await choosePassword(page, OWN);

// --- addresses -----------------------------------------------------------------------------------
await test('an address that is cut off, mistyped or of something that is gone shows its page and says so', async () => {
	for (const [where, title] of [['clients/%', 'Clients'], ['clients/%E0%A4%A', 'Clients'], ['nodes/..', 'Nodes'], ['nodes/..%2Fusers', 'Nodes'], ['clients/..%2F..%2Fnodes', 'Clients'], ['clients/cl_01932f00000000000000000000000000', 'Clients']]) {
		const p = await context.newPage(); // loaded with it, not led to it
		await p.goto(`${HOME}#/${where}`);
		await p.getByRole('heading', { level: 1, name: title }).waitFor();
		await p.getByRole('dialog', { name: 'Not here' }).waitFor();
		await p.close();
	}
	same(seen.sent.filter(s => /GET [^ ]*\/api\/v1\/(users|nodes)\?? ?$/.test(s)), [], 'calls beside the path');
});

// --- clicks --------------------------------------------------------------------------------------
const alpha = await make({ name: 'alpha' });
await test('a double click on a row opens it, and it stays open', async () => {
	await visit('clients');
	const at = await row('alpha').getByText('172.30.100.').boundingBox();
	const [x, y] = [at.x + 4, at.y + 4];
	await page.mouse.click(x, y);
	await dialog.getByText('Speaks from').waitFor();
	await page.mouse.down({ clickCount: 2 });
	await page.mouse.up({ clickCount: 2 });
	same(await page.evaluate(() => location.hash), `#/clients/${alpha}`, 'the address'); // it changes before the dialog goes
	await page.mouse.click(x, y); // and one beside it, later, closes it
	await dialog.waitFor({ state: 'hidden' });
});
await test('a message over a dialog can be pressed, and is not on its buttons', async () => {
	await press('alpha');
	await dialog.getByRole('button', { name: 'Disable' }).click();
	await page.getByText('alpha is cut off').waitFor();
	await dialog.getByRole('button', { name: 'Enable' }).click({ trial: true });
	await page.getByRole('button', { name: 'Undo' }).click();
	await until(async () => (await stored(alpha)).enabled, 'it is enabled again');
	await dialog.getByRole('button', { name: 'Disable' }).waitFor();
	await shut();
	await page.getByText('alpha may connect again').waitFor(); // outlives the dialog
});
await test('a double click on what makes something makes one', async () => {
	for (const [where, open, fill, submit, path] of [['clients', /^Add a client/, 'Name', 'Add', '/wireguard/clients'], ['users', /^Add a user/, 'Name', 'Add', '/users'], ['nodes', /^Add a node/, '', 'Make a token', '/tokens']]) {
		const before = seen.sent.length;
		await visit(where);
		await page.getByRole('button', { name: open }).first().click();
		if (fill)
			await dialog.getByLabel(fill, { exact: true }).fill('twice');
		await dialog.getByRole('button', { name: submit, exact: true }).dblclick();
		await dialog.getByRole('button', { name: 'Done' }).click();
		await dialog.waitFor({ state: 'hidden' });
		same(seen.sent.slice(before).filter(s => s.startsWith('POST') && s.includes(path)).length, 1, `calls on ${where}`);
	}
});

// --- two at one thing ----------------------------------------------------------------------------
await test('a form leaves alone what it did not change, to the second and the byte', async () => {
	const odd = { allowed_ips: ['10.77.0.0/24'], expires_at: '2040-01-01T10:20:33Z', quota_bytes: 9007199254740991, quota_period: 'month', tags: ['two words'] };
	const id = await make({ name: 'odd', ...odd });
	await visit(`clients/${id}`);
	await press('Edit');
	await page.getByLabel('Description').fill('changed');
	await press('Save');
	await dialog.getByText('changed').waitFor();
	const now = await stored(id);
	same([now.description, ...Object.keys(odd).map(k => now[k])], ['changed', ...Object.values(odd)], 'stored');
	await shut();
});
await test('what others changed while one wrote stays; what both changed is said and not stored', async () => {
	const id = await make({ name: 'shared' });
	await visit(`clients/${id}`);
	await press('Edit');
	const form = page.getByRole('dialog', { name: 'Edit shared' });
	await api('PATCH', `${CLIENTS}/${id}`, { allowed_ips: ['10.78.0.0/24'], tags: ['theirs'] });
	await form.getByLabel('Description').fill('mine');
	await form.getByLabel('Tags').fill('mine');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.getByRole('alert').filter({ hasText: 'Somebody else changed this' }).waitFor();
	same(await form.getByLabel('Tags').getAttribute('aria-invalid'), 'true', 'the field');
	same((await stored(id)).description, null, 'stored');
	await form.getByLabel('Tags').fill('');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.waitFor({ state: 'hidden' });
	const now = await stored(id);
	same([now.allowed_ips, now.tags, now.description], [['10.78.0.0/24'], ['theirs'], 'mine'], 'stored');
	await shut();
});
await test('a form that was opened before does not let in again who was shut out meanwhile', async () => {
	const bob = (await api('POST', '/api/v1/users', { name: 'bob', role: 'viewer' })).body.id;
	await visit('users');
	await page.getByRole('button', { name: 'bob', exact: true }).click();
	await dialog.getByLabel('Role').waitFor();
	await api('PATCH', `/api/v1/users/${bob}`, { enabled: false });
	await dialog.getByLabel('Role').selectOption('org-admin');
	await press('Save');
	await dialog.waitFor({ state: 'hidden' });
	const now = (await api('GET', `/api/v1/users/${bob}`)).body;
	same([now.enabled, now.role === 'viewer'], [false, false], 'may sign in, is a viewer still');
});
await test('a year of five digits is refused at its field, and the form goes on', async () => {
	await visit('clients');
	await begin(page, 'far away');
	await page.getByText('More settings').click();
	await dialog.getByLabel('Ends at').evaluate(i => {
		i.value = '20266-01-01T00:00';
		i.dispatchEvent(new Event('input', { bubbles: true }));
	});
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	await dialog.getByRole('alert').waitFor();
	same(await dialog.getByLabel('Ends at').getAttribute('aria-invalid'), 'true', 'the field');
	await dialog.getByLabel('Ends at').fill('');
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	await page.getByAltText('QR code of this configuration').waitFor();
	await press('Done');
});
await test('a name may have 64 characters, also of those that count twice', async () => {
	const name = '😀'.repeat(64);
	for (const [where, open] of [['networks', /^Add a network/], ['policies', /^Add a policy/], ['users', /^Add a user/]]) {
		await visit(where);
		await page.getByRole('button', { name: open }).first().click();
		await dialog.getByLabel('Name', { exact: true }).focus();
		await page.keyboard.insertText(name);
		same(await dialog.getByLabel('Name', { exact: true }).inputValue(), name, where);
		await shut();
	}
});
await test('a description without a blank is not wider than what shows it', async () => {
	await visit(`clients/${await make({ name: 'wordy', description: 'D'.repeat(250), tags: ['t'.repeat(60)] })}`);
	await dialog.getByText('DDDD').waitFor();
	const wide = await dialog.locator('.body').evaluate(b => b.scrollWidth - b.clientWidth);
	truth(wide <= 0, `${wide} pixels too wide`);
	await shut();
});
await test('amounts are rounded up into their unit', async () => {
	await visit(`clients/${await make({ name: 'metered', quota_bytes: 999999 })}`);
	await dialog.getByText('0 B of 1 MB used, 1 MB left').waitFor();
	await shut();
});
await test('who may not see configurations is not offered them', async () => {
	same((await api('POST', '/api/v1/roles', { name: 'hand', permissions: ['fleet:read', 'client:manage'] })).status, 201, 'the role');
	const { password } = (await api('POST', '/api/v1/users', { name: 'carl', role: 'hand' })).body;
	const carl = await (await person()).newPage();
	await signIn(carl, 'carl', password);
	await choosePassword(carl, 'a hand of the quiet warren');
	await visit(`clients/${alpha}`, carl);
	await carl.getByRole('dialog').getByRole('button', { name: 'New key' }).waitFor();
	same(await carl.getByRole('dialog').getByRole('button', { name: 'Configuration' }).count(), 0, 'button');
	await carl.context().close();
});

// --- answers that take their time ----------------------------------------------------------------
await test('a form opened before the networks are known takes the first one', async () => {
	const p = await context.newPage();
	const [known, tell] = later();
	await p.route('**/api/v1/networks?*', route => known.then(() => goOn(route)));
	await p.goto(`${HOME}#/nodes`);
	await p.getByRole('button', { name: /^Add a node/ }).first().click();
	await p.getByRole('dialog').getByText('There is no network yet').waitFor();
	tell();
	await p.getByRole('button', { name: 'Make a token' }).click();
	await p.getByLabel('Commands to join', { exact: true }).waitFor();
	await p.close();
});
await test('an answer that is overtaken by a later one is not shown any more', async () => {
	await visit(`clients/${alpha}`);
	await dialog.getByText('Speaks from').waitFor();
	const [overtaken, go] = later();
	let old;
	await page.route(`**${CLIENTS}/${alpha}`, async route => {
		if (old)
			return goOn(route);
		old = route.request();
		const response = await route.fetch();
		await overtaken;
		return route.fulfill({ response });
	});
	await api('PATCH', `${CLIENTS}/${alpha}`, { description: 'as it was' });
	await until(() => old, 'a question');
	await api('PATCH', `${CLIENTS}/${alpha}`, { description: 'as it is' });
	await dialog.getByText('as it is', { exact: true }).waitFor();
	go();
	await (await old.response()).finished();
	await page.evaluate(() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))));
	same(await dialog.getByText('as it is', { exact: true }).count(), 1, 'what is shown');
	await page.unroute(`**${CLIENTS}/${alpha}`);
	await shut();
});
await test('a switch stays where it was put, whatever is heard before the server did it', async () => {
	await visit('clients');
	const [done, go] = later();
	await page.route(`**${CLIENTS}/${alpha}`, route => done.then(() => goOn(route)));
	const now = () => row('alpha').getByRole('switch').getAttribute('aria-checked');
	await row('alpha').getByRole('switch').click();
	same(await now(), 'false', 'the switch');
	await make({ name: 'beside' });
	await row('beside').waitFor(); // the list was asked again
	same([await now(), (await stored(alpha)).enabled], ['false', true], 'the switch, and what is stored');
	go();
	await until(async () => !(await stored(alpha)).enabled, 'the server did it');
	await page.getByText('alpha is cut off').waitFor();
	same(await now(), 'false', 'the switch');
	await page.unroute(`**${CLIENTS}/${alpha}`);
});
await test('what happens while one tab takes the stream of events over from another is not missed', async () => {
	const theirs = await person();
	const first = await theirs.newPage();
	await signIn(first, 'ann', OWN);
	await first.getByText('Live').waitFor();
	const second = await theirs.newPage();
	const [free, go] = later();
	let asked = false;
	await second.route('**/api/v1/events*', route => {
		asked = true;
		return free.then(() => goOn(route));
	});
	await visit('policies', second);
	await second.getByText('Live').waitFor();
	same(asked, false, 'a stream of its own');
	await first.close();
	await until(() => asked, 'it opens a stream');
	const [network] = await items('/networks');
	same((await api('POST', '/api/v1/policies', { network: network.id, name: 'meanwhile', rules: [{ from: ['clients'], to: ['nodes'], protocol: 'tcp', ports: ['443'] }] })).status, 201, 'made');
	go();
	await second.getByRole('region', { name: 'meanwhile' }).waitFor();
	await theirs.close();
});
await test('keys that lead somewhere count together with the one before them, and no other', async () => {
	await visit('networks');
	await page.evaluate(async () => {
		const press = key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
		const pass = ms => new Promise(done => setTimeout(done, ms));
		press('g');
		press('o');
		await pass(1100); // somewhat before the first one would count no longer
		press('g');
		await pass(150);
		press('c');
	});
	await page.getByRole('heading', { level: 1, name: 'Clients' }).waitFor();
});

// --- many ----------------------------------------------------------------------------------------
const MANY = 700;
for (let i = 0; i < MANY; i += 20)
	await Promise.all(Array.from({ length: 20 }, (_, k) => make({ name: `m${String(i + k).padStart(4, '0')}` })));
const table = page.locator('.table');
const toEnd = () => table.evaluate(e => { e.scrollTop = e.scrollHeight; });
const rowsLoaded = () => table.evaluate(e => Math.round((e.querySelector('table').offsetHeight - e.querySelector('thead').offsetHeight) / 58));
await test('clients made elsewhere before those in sight push none of them out', async () => {
	await visit('clients');
	await until(async () => {
		await toEnd();
		return await rowsLoaded() > 400;
	}, 'more than four hundred rows');
	// From the top on nothing more is loaded; what is on its way comes.
	await table.evaluate(e => { e.scrollTop = 0; });
	await table.locator('tr[aria-rowindex="2"]').waitFor();
	await settled(page);
	const before = await rowsLoaded();
	for (let i = 0; i < 3; i++)
		await make({ name: `a new one ${i}` });
	await until(async () => await rowsLoaded() === before + 3, 'three rows more');
	await table.evaluate(e => { e.scrollTop = 190 * 58; });
	await until(() => table.evaluate(e => {
		const names = [...e.querySelectorAll('tr[aria-rowindex] .link')].map(l => l.textContent).filter(n => /^m\d+$/.test(n)).map(n => +n.slice(1));
		return names.length > 20 && names[0] > 150 && names.every((n, i) => i === 0 || n === names[i - 1] + 1);
	}), 'no gap');
});
await test('a server that is gone while one scrolls is not asked without end', async () => {
	await page.route('**/api/v1/events*', route => route.abort()); // nor does it look again by itself, for it hears of nothing
	await page.reload();
	await visit('clients');
	let calls = 0;
	await page.route('**/api/v1/wireguard/clients*', route => (route.request().url().includes('after=') ? (calls++, route.abort('connectionrefused')) : goOn(route)));
	await toEnd();
	await page.getByText('That did not work').waitFor();
	const end = Date.now() + 1500;
	await until(() => Date.now() > end, 'some time');
	truth(calls < 5, `${calls} calls`);
	await page.unroute('**/api/v1/wireguard/clients*');
	await press('Try again');
	await page.getByText('That did not work').waitFor({ state: 'hidden' });
	await until(async () => {
		await toEnd();
		return await rowsLoaded() >= 200;
	}, 'it goes on');
	await page.unroute('**/api/v1/events*');
});
await test('twenty thousand events at once do not stop the page, nor are they asked about one by one', async () => {
	const some = await items('/wireguard/clients?limit=1000');
	const one = i => ({ id: some[i % some.length].id, project: some[0].project, link_state: i % 2 ? 'online' : 'offline', last_seen: new Date().toISOString(), rx: i, tx: i, gateway: null, endpoint: null });
	const sums = { project: some[0].project, online: 12345, idle: 0, offline: 0, never: 0, disabled: 0, rx: 0, tx: 0, gateways: {} }; // the last of all
	const body = `retry: 3600000\n\n${Array.from({ length: 20000 }, (_, i) => `event: link\ndata: ${JSON.stringify(one(i))}\n\n`).join('')}event: links\ndata: ${JSON.stringify(sums)}\n\n`;
	for (const where of ['overview', 'clients']) {
		const theirs = await person();
		const p = await theirs.newPage();
		const [begun, tell] = later();
		await theirs.route('**/api/v1/events*', route => begun.then(() => route.fulfill({ status: 200, contentType: 'text/event-stream', body })));
		await theirs.addInitScript(() => {
			window.waits = [];
			const look = last => requestAnimationFrame(now => { window.waits.push(now - last); look(now); });
			look(performance.now());
		});
		await signIn(p, 'ann', OWN);
		await p.getByRole('navigation', { name: 'Pages' }).waitFor();
		await visit(where, p);
		const from = seen.sent.length;
		await p.evaluate(() => { window.waits = []; });
		tell();
		await p.getByText('12,345').first().waitFor();
		const worst = Math.round(await p.evaluate(() => Math.max(...window.waits)));
		note(`${where}: the longest without a picture ${worst} ms, ${seen.sent.length - from} calls`);
		truth(worst < 5000, `no picture for ${worst} ms`);
		truth(seen.sent.length - from < 150, `${seen.sent.length - from} calls`);
		await theirs.close();
	}
});

// --- what must never have happened ---------------------------------------------------------------
await test('no request went to another host', async () => same(seen.foreign.filter(u => u !== 'about:blank'), [], 'requests'));
await test('the content security policy was never broken', async () => same(seen.violations, [], 'violations'));
await test('the pages reported no error', async () => same(seen.errors, [], 'errors'));
await close();
finish();
