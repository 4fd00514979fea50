// What people do on the pages beside clients; see the script "pages", which sets the machines up.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { api, begin, choosePassword, close, codeOf, finish, follow, goOn, hands, items, on, person, picture, same, scan, seen, settled, sh, signIn, signOut, size, small, test, truth, unhindered, until, visit as at, warren, HOME, S, W, WARREN } from './lib.mjs';

const { PASSWORD, VIEWER, SYSTEM } = process.env;
const OWN = 'a quiet warren at dusk';
const HOSTILE = '"><img src=x onerror=alert(1)>';
const context = await person();
const page = await context.newPage();
const { dialog, press, row, shot, shut } = hands(page);
const visit = (name, p = page) => follow(name, p);

await test('an administrator signs in and finds every page', async () => {
	await signIn(page, 'ann', PASSWORD);
	await choosePassword(page, OWN);
	const names = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
	for (const name of ['Overview', 'Nodes', 'Clients', 'Networks', 'Policies', 'Users', 'Audit', 'Settings'])
		truth(names.includes(name), `${name} is not in the navigation: ${names}`);
});

// --- nodes ---------------------------------------------------------------------------------------
await test('a node shows what it is and what it does', async () => {
	await visit('Nodes');
	await row('gw-one').getByText('Online').filter({ visible: true }).waitFor();
	await row('gw-one').getByText('Applied').waitFor();
	await row('gw-one').getByText('192.0.2.1:51820').waitFor();
	await row('gw-one').getByText('gateway').waitFor();
	await press('gw-one');
	await dialog.getByText('as configured').waitFor();
	await dialog.getByText(/172\.30\.0\.\d+/).first().waitFor();
});
await test('its endpoint, region and port are set; what is wrong is said at its field', async () => {
	await press('Edit in default');
	const form = page.getByRole('dialog', { name: 'gw-one in default' });
	await form.getByLabel('Endpoint').fill('not an endpoint');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.getByRole('alert').waitFor();
	same(await form.getByLabel('Endpoint').getAttribute('aria-invalid'), 'true', 'the field');
	await form.getByLabel('Endpoint').fill('gw.example.net:51820');
	await form.getByLabel('Region').fill('north');
	await form.getByRole('button', { name: 'Save' }).click();
	await dialog.getByText('gw.example.net:51820').waitFor();
	await dialog.getByText('north').waitFor();
});
await test('subnets that were not granted are refused in words; granted ones are set', async () => {
	await press('Edit in default');
	const form = page.getByRole('dialog', { name: 'gw-one in default' });
	await form.getByLabel('Endpoint').fill('192.0.2.1:51820');
	await form.getByLabel('Local subnets').fill('10.50.0.0/24');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.getByRole('alert').waitFor();
	const [project] = await items('/projects');
	same((await api('PATCH', `/api/v1/projects/${project.id}`, { granted_ranges: ['10.50.0.0/16'] })).status, 200, 'granting');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.waitFor({ state: 'hidden' });
	await dialog.getByText('10.50.0.0/24').waitFor();
});
await test('new keys are asked for after a question', async () => {
	const before = (await items('/members'))[0].public_key;
	await dialog.getByRole('button', { name: 'New keys' }).click();
	await page.getByRole('button', { name: 'Make new keys' }).click();
	await page.getByText('gw-one was asked for new keys').waitFor();
	await until(async () => {
		const [m] = await items('/members');
		return m.rotating || m.next_public_key || m.public_key !== before;
	}, 'the rotation began');
	await shot('node-sheet');
	await shut();
});
await test('a node is disabled after a question, and enabled again', async () => {
	await row('gw-one').getByRole('switch').click();
	await page.getByRole('heading', { name: 'Disable gw-one?' }).waitFor();
	await dialog.getByRole('button', { name: 'Disable' }).click();
	await row('gw-one').getByText('Disabled').filter({ visible: true }).waitFor();
	same((await items('/nodes'))[0].enabled, false, 'stored');
	await row('gw-one').getByRole('switch').click();
	await row('gw-one').getByText('Online').filter({ visible: true }).waitFor();
});
let agent;
await test('a machine joins by the commands of the page, and the page says so', async () => {
	await page.keyboard.press('n');
	await dialog.getByLabel('Exit').check();
	await press('Make a token');
	const text = await page.getByLabel('Commands to join', { exact: true }).textContent();
	const token = /<<'END'\n(.+)\nEND\n/.exec(text)[1];
	truth(text.includes('https://THIS-SERVER:8444') && text.includes('--token-file'), 'the command');
	truth(!/warren[^\n]*wj/.test(text), 'the token is an argument');
	await shot('join');
	await unhindered(page, 'joining');
	// As written, with the server's address in its place and a folder of its own.
	const script = text.replace('THIS-SERVER', '192.0.2.1').replaceAll('/root/join-token', `${W}/join-token`).replace('warren agent join', `${WARREN} agent join --name "${'fresh one'}" --state ${S}/fresh`);
	on('phone', 'sh', '-c', script);
	// WireGuard's sockets are files: the gateway's are not to be in the way.
	agent = spawn('ip', ['netns', 'exec', 'phone', 'unshare', '-m', 'sh', '-c', 'mount -t tmpfs tmpfs /run/wireguard && exec "$@"', 'sh', WARREN, 'agent', 'run', '--state', `${S}/fresh`], { stdio: 'ignore' });
	await dialog.getByText('fresh one joined').waitFor();
	await press('Done');
	await row('fresh one').getByText('Online').filter({ visible: true }).waitFor();
	same((await page.content()).includes(token), false, 'the token in the page');
	const made = (await items('/tokens?kind=join')).find(t => t.name.startsWith('node,'));
	same([made.uses_left, made.roles], [0, ['peer', 'exit']], 'the token');
});
await test('a node with a hostile name is shown as it is', async () => {
	await press('fresh one');
	await dialog.getByRole('button', { name: 'Rename' }).click();
	await page.getByRole('dialog', { name: 'Rename fresh one' }).getByLabel('Name').fill(HOSTILE);
	await press('Save');
	await page.getByRole('heading', { name: HOSTILE }).waitFor();
	await shut();
	await row(HOSTILE).waitFor();
});
await test('a client takes its exit and its rate', async () => {
	await visit('Clients');
	await begin(page, 'Ann’s phone');
	await page.getByText('More settings').click();
	await dialog.getByText('All traffic').click();
	await dialog.getByLabel('Leaves by').selectOption({ label: HOSTILE });
	await dialog.getByLabel('Rate, at most').fill('2.5');
	await dialog.getByLabel('Tags').fill('admin');
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	await page.getByAltText('QR code of this configuration').waitFor();
	await press('Done');
	const [client] = await items('/wireguard/clients');
	const exit = (await items('/nodes')).find(n => n.name === HOSTILE);
	same([client.rate_limit, client.exit, client.full_tunnel], [2500000, exit.id, true], 'stored');
	await press('Ann’s phone');
	await dialog.getByText('2.5 Mbit/s').waitFor();
	await dialog.getByText(`all traffic, by ${HOSTILE}`).waitFor();
	await shut();
});

const narrow = () => page.evaluate(() => { const b = document.querySelector('dialog .body'); return b.scrollWidth - b.clientWidth; });
const phone = async (name, what) => {
	await size(page, 390, 780);
	const wide = await narrow();
	truth(wide <= 0, `${what} is ${wide} pixels too wide`);
	await shot(name);
	await size(page, 1440, 860);
};
await test('a client takes a quota and a rate in units; what is wrong is said at its field', async () => {
	await begin(page, 'metered');
	await page.getByText('More settings').click();
	await dialog.getByLabel('Data quota', { exact: true }).fill('1.5');
	await dialog.getByLabel('Unit of data quota').selectOption('GB');
	await dialog.getByLabel('Begins anew').selectOption('each month');
	await dialog.getByLabel('Rate, at most').fill('8');
	await dialog.getByLabel('Unit of rate').selectOption('kbit/s');
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	await dialog.getByText(/rate_limit 8000 is not between/).waitFor();
	same(await dialog.getByLabel('Rate, at most').getAttribute('aria-invalid'), 'true', 'the field');
	await unhindered(page, 'a client to be added');
	await dialog.getByLabel('Rate, at most').scrollIntoViewIfNeeded();
	await shot('client-quota');
	await phone('phone-client-quota', 'the form');
	await dialog.getByLabel('Rate, at most').fill('640');
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	await page.getByAltText('QR code of this configuration').waitFor();
	await press('Done');
	const client = (await items('/wireguard/clients')).find(c => c.name === 'metered');
	same([client.quota_bytes, client.quota_period, client.rate_limit], [1500000000, 'month', 640000], 'stored');
	await press('metered');
	await dialog.getByText('0 B of 1.5 GB used, 1.5 GB left').waitFor();
	await dialog.getByText(/begins anew/).waitFor();
	await dialog.getByText('640 kbit/s at most').waitFor();
	await press('Edit');
	const form = page.getByRole('dialog', { name: 'Edit metered' });
	same([await form.getByLabel('Data quota', { exact: true }).inputValue(), await form.getByLabel('Unit of data quota').inputValue()], ['1.5', '1000000000'], 'what is edited');
	await form.getByLabel('Data quota', { exact: true }).fill('');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.waitFor({ state: 'hidden' });
	const after = (await items('/wireguard/clients')).find(c => c.name === 'metered');
	same([after.quota_bytes, after.quota_period], [0, 'none'], 'without');
	await shut();
});
await test('with gateways in two regions a client is offered the nearest, and gets the one it is given', async () => {
	writeFileSync(`${W}/second-token`, warren('token', 'add', '--kind', 'join', '--network', 'default', '--roles', 'gateway'), { mode: 0o600 });
	// It has joined and never spoke: it is offered, and not as the nearest.
	on('phone', WARREN, 'agent', 'join', 'https://192.0.2.1:8444', '--name', 'gw-two', '--token-file', `${W}/second-token`, '--state', `${S}/second`);
	warren('node', 'set', 'gw-two', '--region', 'south', '--endpoint', 'south.example.net:51820');
	await begin(page, 'traveller');
	const places = dialog.getByRole('group', { name: 'Comes in at' });
	await places.getByText('south.example.net:51820').waitFor();
	truth(await places.getByRole('radio', { name: /north.*nearest.*Online/s }).isChecked(), 'the nearest is chosen');
	truth(!(await places.getByRole('radio', { name: /south.*Not there now/s }).isChecked()), 'the other is not');
	await unhindered(page, 'the places');
	await shot('client-places');
	await phone('phone-client-places', 'the form');
	await places.getByRole('radio', { name: /^south/ }).check();
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	const shown = await picture(page, 'QR code of this configuration');
	truth(/^Endpoint = south\.example\.net:51820$/m.test(scan(await shown.screenshot(), 'traveller')), 'the endpoint in the picture');
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Download/ }).click()]);
	truth(/^Endpoint = south\.example\.net:51820$/m.test(readFileSync(await download.path(), 'utf8')), 'the endpoint in the file');
	await press('Done');
	await press('traveller');
	await dialog.getByText('south (gw-two)').waitFor();
	same(await dialog.getByRole('listitem').filter({ hasText: 'gw-two' }).getByText('in its file').count(), 1, 'marks');
	await shot('client-entries');
	await phone('phone-client-entries', 'the client');
	await press('Edit');
	const form = page.getByRole('dialog', { name: 'Edit traveller' });
	await form.getByRole('group', { name: 'Comes in at' }).getByRole('radio', { name: /^north/ }).check();
	await form.getByRole('button', { name: 'Save' }).click();
	await dialog.getByText('Its configuration is stale').waitFor();
	await press('Configuration');
	await dialog.getByText('Endpoint = 192.0.2.1:51820').waitFor();
	await shut();
	for (const name of ['traveller', 'metered'])
		warren('client', 'rm', name);
	warren('node', 'rm', 'gw-two');
	await row('traveller').waitFor({ state: 'detached' });
});

// --- networks and groups -------------------------------------------------------------------------
await test('a network is made, changed, and deleted', async () => {
	await visit('Networks');
	await page.getByRole('region', { name: 'default' }).getByText('172.30.0.0/16').waitFor();
	await begin(page, 'default');
	await press('Add');
	await dialog.getByRole('alert').waitFor();
	await dialog.getByLabel('Name', { exact: true }).fill('lab');
	await dialog.getByText('Hub').click();
	await page.getByText('More settings').click();
	await dialog.getByLabel('IPv4 pool').fill('10.9.0.0/16');
	await press('Add');
	const lab = page.getByRole('region', { name: 'lab' });
	await lab.getByText('10.9.0.0/16').waitFor();
	await lab.getByText('hub: by gateways').waitFor();
	await press('Edit lab');
	await dialog.getByLabel('MTU').fill('1380');
	await press('Save');
	await lab.getByText(/MTU 1380/).waitFor();
	await lab.getByRole('button', { name: 'More for lab' }).click();
	await page.getByRole('menuitem', { name: 'Add a gateway group' }).click();
	await dialog.getByLabel('Name').fill(HOSTILE);
	await dialog.getByText('One, others stand by').click();
	await press('Add');
	await lab.getByText(HOSTILE).waitFor();
	await lab.getByText('one gateway, others stand by').waitFor();
	await shot('networks');
	await press(`Delete group ${HOSTILE}`);
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await lab.getByText('None yet').waitFor();
	await lab.getByRole('button', { name: 'More for lab' }).click();
	await page.getByRole('menuitem', { name: 'Delete' }).click();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await lab.waitFor({ state: 'detached' });
});

// --- policies and what-if ------------------------------------------------------------------------
const effects = page.getByRole('list', { name: 'What would change' });
await test('a policy is written, and says before it is saved who would gain', async () => {
	await api('POST', '/api/v1/wireguard/clients', { name: 'Bob’s laptop' });
	await visit('Policies');
	for (const policy of await items('/policies'))
		await api('PATCH', `/api/v1/policies/${policy.id}`, { enabled: false });
	await begin(page, 'web');
	await dialog.getByLabel('From', { exact: true }).fill('all clients');
	await page.keyboard.press('Enter');
	await dialog.getByLabel('To', { exact: true }).fill('10.50.0.0/24');
	await page.keyboard.press('Tab');
	await effects.getByText('2 clients').waitFor();
	await effects.getByText('any', { exact: true }).waitFor();
	await dialog.getByLabel('By').selectOption('TCP');
	await dialog.getByLabel('Ports').fill('443');
	await effects.getByText('tcp 443').waitFor();
	await dialog.getByText('2 pairs would reach more').waitFor();
	same((await items('/policies?name=web')).length, 0, 'stored before it was saved');
	await unhindered(page, 'writing a policy');
	await shot('policy-form');
	await press('Add');
	const web = page.getByRole('region', { name: 'web' });
	await web.getByText('all clients').waitFor();
	await web.getByText('tcp 443').waitFor();
	same((await items('/policies?name=web'))[0].rules, [{ from: ['clients'], to: ['10.50.0.0/24'], protocol: 'tcp', ports: ['443'] }], 'stored');
});
await test('a change says who would lose, too', async () => {
	await press('Edit web');
	await press('Take all clients from From', dialog);
	await dialog.getByLabel('From', { exact: true }).fill('tag admin');
	await page.keyboard.press('Enter');
	await effects.getByText('Bob’s laptop').waitFor();
	await dialog.getByText('1 pair would reach less').waitFor();
	await effects.getByText('nothing').waitFor();
	await shot('policy-change');
	await press('Save');
	await page.getByRole('region', { name: 'web' }).getByText('tag admin').waitFor();
	same((await items('/policies?name=web'))[0].rules[0].from, ['tag:admin'], 'stored');
});
await test('what a rule names and does not exist is refused while one writes', async () => {
	await press('Edit web');
	await dialog.getByLabel('From', { exact: true }).fill('node_01932f00000000000000000000000000');
	await page.keyboard.press('Enter');
	await dialog.getByRole('status').filter({ hasText: 'node_0193' }).waitFor();
	await shut();
});
await test('one asks whether this may reach that', async () => {
	const ask = page.getByRole('region', { name: 'May this reach that?' });
	await ask.getByLabel('From').fill('Ann’s phone (client)');
	await ask.getByLabel('To').fill('10.50.0.7');
	await ask.getByRole('button', { name: 'Ask' }).click();
	await ask.getByText('Yes:').waitFor();
	await ask.getByText('tcp 443').waitFor();
	await ask.getByText('by web').waitFor();
	await ask.getByLabel('From').fill('Bob’s laptop');
	await ask.getByRole('button', { name: 'Ask' }).click();
	await ask.getByText('No.').waitFor();
	await ask.getByLabel('From').fill('nobody there');
	await ask.getByRole('button', { name: 'Ask' }).click();
	await ask.getByRole('alert').waitFor();
	truth(/yes: .*tcp 443.*policy web/.test(warren('policy', 'test', 'Ann’s phone', '10.50.0.7', 'tcp/443')), 'the command line says the same');
	truth(/1 clients?|Ann’s phone/.test(warren('policy', 'what-if', 'web', '--remove')), 'and what-if');
});
await test('switching off and deleting say what they would take', async () => {
	await page.getByRole('switch', { name: 'web counts' }).click();
	await dialog.getByText('1 pair would reach less').waitFor();
	await press('Switch off');
	await page.getByRole('region', { name: 'web' }).getByText('off', { exact: true }).waitFor();
	await page.getByRole('switch', { name: 'web counts' }).click();
	await dialog.getByText('1 pair would reach more').waitFor();
	await press('Switch on');
	await page.getByText('web is on').waitFor();
	await press('Delete web');
	await effects.getByText('Ann’s phone').waitFor();
	await press('Cancel');
});
await test('a policy with a hostile name is shown as it is', async () => {
	await page.keyboard.press('n');
	await dialog.getByLabel('Name').fill(HOSTILE);
	await dialog.getByLabel('From', { exact: true }).fill('tag:<b>x</b>');
	await page.keyboard.press('Enter');
	await dialog.getByLabel('To', { exact: true }).fill('all nodes');
	await page.keyboard.press('Enter');
	await press('Add');
	await page.getByRole('region', { name: HOSTILE }).getByText('tag <b>x</b>').waitFor();
});

// --- users, roles, tokens ------------------------------------------------------------------------
let bobs = '', bob;
await test('a role of single permissions is made', async () => {
	await visit('Users');
	await page.getByRole('tab', { name: 'Roles' }).click();
	await page.getByRole('region', { name: 'loc-manager' }).getByText('client:manage').waitFor();
	await page.getByRole('button', { name: /Add a role/ }).click();
	await dialog.getByLabel('Name').fill('helper');
	await dialog.getByRole('checkbox', { name: /fleet:read/ }).check();
	await dialog.getByRole('checkbox', { name: /client:manage/ }).check();
	same(await dialog.getByRole('checkbox', { name: /system:manage/ }).isDisabled(), true, 'what one does not hold');
	await press('Add');
	await page.getByRole('region', { name: 'helper' }).getByText('client:manage').waitFor();
	await shot('roles');
});
await test('a user is added with it; the password is shown once', async () => {
	await page.getByRole('tab', { name: 'Users' }).click();
	await page.getByRole('button', { name: /Add a user/ }).click();
	await dialog.getByLabel('Name').fill('bob');
	await dialog.getByLabel('Role').selectOption('helper');
	await dialog.getByLabel('Where it acts').fill('default (network)');
	await page.keyboard.press('Enter');
	await unhindered(page, 'adding a user');
	await shot('user-form');
	await press('Add');
	bobs = await page.getByLabel('One-time password', { exact: true }).textContent();
	await press('Done');
	await row('bob').getByText('helper').filter({ visible: true }).waitFor();
	same((await page.content()).includes(bobs), false, 'the password in the page');
	same((await items('/users?name=bob'))[0].scopes, [(await items('/networks'))[0].id], 'where');
});
await test('that user sees what the role allows, and nothing else', async () => {
	bob = await (await person()).newPage();
	await signIn(bob, 'bob', bobs);
	await choosePassword(bob, 'a helper of the quiet warren');
	const names = await bob.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
	same(names, ['Overview', 'Nodes', 'Clients', 'Networks', 'Policies', 'Settings'], 'pages');
	await visit('Nodes', bob);
	await row('gw-one', bob).waitFor();
	same(await bob.getByRole('switch').count() + await bob.getByRole('button', { name: /Add a node/ }).count(), 0, 'what changes nodes');
	await bob.getByRole('button', { name: 'gw-one', exact: true }).click();
	await bob.getByRole('dialog').getByText('as configured').waitFor();
	same(await bob.getByRole('dialog').getByRole('button', { name: /Edit|Remove|Disable|New keys|Rename/ }).count(), 0, 'buttons');
	await shut(bob);
	await visit('Policies', bob);
	await bob.getByRole('region', { name: 'web' }).waitFor();
	same(await bob.getByRole('button', { name: /Edit|Delete|Add/ }).count(), 0, 'what changes policies');
	await visit('Networks', bob);
	await bob.getByRole('region', { name: 'default' }).waitFor();
	same(await bob.getByRole('button', { name: /Edit|Delete|Add/ }).count(), 0, 'what changes networks');
	await visit('Clients', bob);
	await bob.getByRole('button', { name: /Add a client/ }).waitFor();
	await visit('Settings', bob);
	same(await bob.getByRole('tab').count(), 0, 'settings of the server');
});
await test('a new password ends the sessions of the old one', async () => {
	await row('bob').getByRole('button', { name: 'More for bob' }).click();
	await page.getByRole('menuitem', { name: 'New password' }).click();
	await press('Make a password');
	const fresh = await page.getByLabel('One-time password', { exact: true }).textContent();
	await press('Done');
	await bob.getByText('Your session is over').waitFor();
	await signIn(bob, 'bob', fresh);
	await choosePassword(bob, 'a helper of the quiet warren, again');
});
await test('a token of a program is shown once, works, and is deleted', async () => {
	await page.getByRole('tab', { name: 'Tokens' }).click();
	await page.getByRole('button', { name: /Add an API token/ }).click();
	await dialog.getByLabel('Name').fill(HOSTILE);
	await press('Make a token');
	const token = await page.getByLabel('API token', { exact: true }).textContent();
	await press('Done');
	const get = () => sh('sh', '-c', `printf 'header = "Authorization: Bearer %s"' '${token}' | curl -sk -o /dev/null -w '%{http_code}' -K - ${HOME}api/v1/nodes`);
	same(get(), '200', 'a call with it');
	await page.getByRole('row').filter({ hasText: HOSTILE }).getByRole('button', { name: /More for/ }).click();
	await page.getByRole('menuitem', { name: 'Delete' }).click();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('row').filter({ hasText: HOSTILE }).waitFor({ state: 'detached' });
	same(get(), '401', 'a call after');
	await shot('tokens');
});

// --- one's own account ---------------------------------------------------------------------------
let uri = '', recovery = [];
await test('a second step: scanned, confirmed, its recovery codes shown once', async () => {
	await visit('Settings', bob);
	await press('Set up a second step', bob);
	await bob.getByLabel('Your password').fill('not this one');
	await press('Go on', bob);
	await bob.getByRole('alert').waitFor();
	await bob.getByLabel('Your password').fill('a helper of the quiet warren, again');
	await press('Go on', bob);
	await picture(bob, 'QR code for your authenticator');
	uri = scan(await bob.screenshot(), 'totp');
	truth(uri.startsWith('otpauth://totp/'), `the picture says ${uri.slice(0, 20)}`);
	await shot('totp', bob);
	await bob.getByLabel('Code', { exact: true }).fill('000000');
	await press('Switch on', bob);
	await bob.getByRole('alert').waitFor();
	await bob.getByLabel('Code', { exact: true }).fill(codeOf(uri));
	await press('Switch on', bob);
	recovery = (await bob.locator('pre[aria-label="Recovery codes"]').textContent()).trim().split('\n');
	same(recovery.length, 10, 'codes');
	await press('Done', bob);
	await bob.getByRole('button', { name: 'Take the second step off' }).waitFor();
});
await test('signing in asks for it; a recovery code does once', async () => {
	await signOut(bob);
	await signIn(bob, 'bob', 'a helper of the quiet warren, again');
	await bob.getByRole('heading', { name: 'One more step' }).waitFor();
	same(await bob.evaluate(() => document.activeElement.autocomplete), 'one-time-code', 'what has the focus at once');
	await bob.keyboard.type('123456');
	await bob.keyboard.press('Enter');
	await bob.getByRole('alert').waitFor();
	await unhindered(bob, 'the second step');
	await bob.getByLabel('Code').fill(recovery[0]);
	await bob.keyboard.press('Enter');
	await bob.getByRole('navigation', { name: 'Pages' }).waitFor();
	await signOut(bob);
	await signIn(bob, 'bob', 'a helper of the quiet warren, again');
	await bob.getByLabel('Code').fill(recovery[0]);
	await bob.keyboard.press('Enter');
	await bob.getByRole('alert').waitFor();
	await bob.getByLabel('Code').fill(codeOf(uri, Date.now() + 30000));
	await bob.keyboard.press('Enter');
	await bob.getByRole('navigation', { name: 'Pages' }).waitFor();
});
await test('an administrator resets it', async () => {
	await page.getByRole('tab', { name: 'Users' }).click();
	await page.reload();
	await row('bob').getByRole('button', { name: 'More for bob' }).click();
	await page.getByRole('menuitem', { name: 'Reset second step' }).click();
	await press('Reset');
	await until(async () => !(await items('/users?name=bob'))[0].totp, 'it is off');
});
await test('one sees one\'s sessions and ends another', async () => {
	const other = await (await person()).newPage();
	await signIn(other, 'ann', OWN);
	await other.getByRole('navigation', { name: 'Pages' }).waitFor();
	await visit('Settings');
	const sessions = page.getByRole('region', { name: 'Sessions' });
	await sessions.getByText('this one').waitFor();
	await sessions.getByRole('button', { name: /^End the session/ }).first().click();
	await until(async () => await sessions.getByRole('button', { name: /^End the session/ }).count() === 0, 'it is gone');
	await other.getByRole('heading', { name: 'Sign in' }).waitFor();
	await other.context().close();
});
await test('one changes one\'s password', async () => {
	await press('Change the password');
	await dialog.getByLabel('Current password').fill('wrong, quite wrong');
	await dialog.getByLabel('New password', { exact: true }).fill(`${OWN}, anew`);
	await dialog.getByLabel('New password, again').fill(`${OWN}, anew`);
	await press('Save');
	await dialog.getByRole('alert').waitFor();
	await dialog.getByLabel('Current password').fill(OWN);
	await press('Save');
	await page.getByText('Password changed').waitFor();
});
await test('a user who is deleted is out', async () => {
	await visit('Users');
	await row('bob').getByRole('button', { name: 'More for bob' }).click();
	await page.getByRole('menuitem', { name: 'Delete' }).click();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await row('bob').waitFor({ state: 'detached' });
	await bob.getByRole('heading', { name: 'Sign in' }).waitFor();
	await bob.context().close();
});

// --- audit ---------------------------------------------------------------------------------------
await test('the audit log is searched, filtered, opened and verified', async () => {
	await visit('Audit');
	await page.getByRole('button', { name: 'user.delete' }).waitFor();
	await page.getByLabel('Search actions and details').fill('policy.create');
	await until(async () => (await page.locator('tbody tr[aria-rowindex]').count()) > 0 && (await page.locator('tbody .link').allTextContents()).every(t => t === 'policy.create'), 'only those');
	await page.getByLabel('Who').selectOption({ label: 'ann' });
	await page.getByRole('button', { name: 'policy.create' }).first().click();
	await dialog.getByText('Hash', { exact: true }).waitFor();
	await dialog.getByText(/^[0-9a-f]{64}$/).waitFor();
	await shut();
	await page.getByLabel('Search actions and details').fill('');
	await press('Verify the chain');
	await page.getByText('The log is whole').waitFor();
	await shot('audit');
});

// --- the server's own settings -------------------------------------------------------------------
await test('who is no system-admin has no settings of the server', async () => {
	await visit('Settings');
	same(await page.getByRole('tab').count(), 0, 'tabs');
});
let sam;
await test('a system-admin changes them; what is out of bounds is refused', async () => {
	sam = await (await person()).newPage();
	await signIn(sam, 'sam', SYSTEM);
	await choosePassword(sam, 'who watches the watchers here');
	await visit('Settings', sam);
	await sam.getByRole('tab', { name: 'Server' }).click();
	const hours = sam.getByLabel('Sessions end at the latest after, hours');
	same(await hours.inputValue(), '12', 'hours');
	await hours.fill('24');
	let asked, go;
	const typed = new Promise(done => { go = done; });
	await sam.route('**/api/v1/settings*', route => {
		asked = true;
		return typed.then(() => goOn(route));
	});
	await press('Save', sam);
	await until(() => asked, 'it is saved');
	await hours.fill('36'); // and goes on
	go();
	await sam.getByText('Settings saved').waitFor();
	same([(await api('GET', '/api/v1/settings')).body.session_hours, await hours.inputValue()], [24, '36'], 'stored, and being written');
	await sam.unroute('**/api/v1/settings*');
	await unhindered(sam, 'server settings');
	await shot('server', sam);
});
await test('an issuer is added, and its button is on the first page', async () => {
	await sam.getByRole('tab', { name: 'Sign-on' }).click();
	await press('Add an issuer', sam);
	await sam.getByLabel('Name', { exact: true }).fill(HOSTILE);
	await sam.getByLabel('Issuer', { exact: true }).fill('not an address');
	await sam.getByLabel('Client ID').fill('warren');
	await press('Add', sam);
	await sam.getByRole('alert').waitFor();
	await sam.getByLabel('Issuer', { exact: true }).fill('https://id.example.com');
	await unhindered(sam, 'adding an issuer');
	await shot('issuer', sam);
	await press('Add', sam);
	await sam.getByText('https://id.example.com').waitFor();
	const nobody = await (await person()).newPage();
	await nobody.goto(HOME);
	await nobody.getByRole('link', { name: `Sign in with ${HOSTILE}` }).waitFor();
	await unhindered(nobody, 'signing in');
	await shot('sign-in', nobody);
	await nobody.context().close();
	await press(`Delete issuer ${HOSTILE}`, sam);
	await sam.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await sam.getByText('None yet').waitFor();
	await sam.context().close();
});
await test('a viewer is offered nothing to change on any page', async () => {
	const vera = await (await person()).newPage();
	await signIn(vera, 'vera', VIEWER);
	await choosePassword(vera, 'only looking, thank you');
	const names = await vera.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
	for (const name of names.filter(n => n !== 'Settings')) {
		await visit(name, vera);
		await settled(vera);
		same(await vera.getByRole('main').getByRole('button', { name: /^(Add |Edit|Delete|Remove|More for)/ }).allTextContents(), [], `buttons on ${name}`);
		await vera.keyboard.press('n');
		same(await vera.getByRole('dialog').count(), 0, `dialogs after n on ${name}`);
	}
	await vera.context().close();
});

// --- for everybody -------------------------------------------------------------------------------
const pages = ['Nodes', 'Clients', 'Networks', 'Policies', 'Users', 'Audit', 'Settings'];
for (const [theme, button] of [['light', null], ['dark', 'Use dark colours']]) {
	await test(`axe finds nothing serious in ${theme} colours`, async () => {
		if (button)
			await press(button);
		for (const name of pages) {
			await visit(name);
			await settled(page);
			await unhindered(page, name);
			await shot(`${name.toLowerCase()}-${theme}`);
		}
		await visit('Users');
		for (const tab of ['Roles', 'Tokens']) {
			await page.getByRole('tab', { name: tab }).click();
			await settled(page);
			await unhindered(page, tab);
		}
		await visit('Nodes');
		await press('gw-one');
		await dialog.getByText('as configured').waitFor();
		await unhindered(page, 'a node');
		await shot(`node-${theme}`);
		await shut();
		await visit('Policies');
		await press('Edit web');
		await dialog.getByText('Nobody would reach more or less').waitFor();
		await unhindered(page, 'a policy');
		await shot(`policy-${theme}`);
		await shut();
	});
}
await test('by keyboard alone: to a page, into a row, out again', async () => {
	await page.keyboard.press('g');
	await page.keyboard.press('n');
	await page.getByRole('heading', { name: 'Nodes' }).waitFor();
	await row('gw-one').waitFor();
	for (let i = 0; i < 40 && !(await page.evaluate(() => document.activeElement?.matches('tbody tr'))); i++)
		await page.keyboard.press('Tab');
	const current = () => page.evaluate(() => document.activeElement.getAttribute('aria-rowindex'));
	await page.keyboard.press('ArrowDown');
	same(await current(), '3', 'the row below has the focus at once');
	await page.keyboard.press('ArrowUp');
	same(await current(), '2', 'the first row has it');
	await page.keyboard.press('Enter');
	await dialog.waitFor();
	await shut();
	truth(await page.evaluate(() => document.activeElement?.matches('tbody tr')), 'the focus comes back to the row');
});
await test('on a phone nothing is wider than the screen', async () => {
	await size(page, 390, 780);
	for (const where of ['nodes', 'networks', 'policies', 'users', 'audit', 'settings']) {
		await at(where, page);
		const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
		truth(wide <= 0, `${where} is ${wide} pixels too wide`);
		same(await small(page), [], `too small for a finger on ${where}`);
		await unhindered(page, `${where} on a phone`);
		await shot(`phone-${where}`);
	}
	await at('policies', page);
	await press('Edit web');
	await dialog.getByText('Nobody would reach more or less').waitFor();
	const wide = await page.evaluate(() => { const b = document.querySelector('dialog .body'); return b.scrollWidth - b.clientWidth; });
	truth(wide <= 0, `the policy is ${wide} pixels too wide`);
	await shot('phone-policy');
	await shut();
});

// --- what must never have happened ---------------------------------------------------------------
await test('no request went to another host', async () => same(seen.foreign.filter(u => u !== 'about:blank'), [], 'requests'));
await test('the content security policy was never broken', async () => same(seen.violations, [], 'violations'));
await test('no script of a name ran', async () => same(seen.alerts, [], 'alerts'));
await test('the pages reported no error', async () => same(seen.errors, [], 'errors'));
agent?.kill();
await close();
finish();
