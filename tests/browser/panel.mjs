// What people do in the panel, in order; see the script "panel", which sets the machines up.
import { readFileSync } from 'node:fs';
import { api, begin, choosePassword, close, finish, follow, goOn, hands, note, on, person, picture, reaches, same, scan, seen, settled, sh, signIn, signOut, silent, size, small, test, truth, unhindered, until, visit, W, HOME } from './lib.mjs';

const CLIENTS = '/api/v1/wireguard/clients';
const { PASSWORD, VIEWER } = process.env;
const OWN = 'a quiet warren at dusk';
const context = await person();
const page = await context.newPage();
const { dialog, row, shot, shut } = hands(page);
const word = (name, text) => row(name).getByText(text).filter({ visible: true });
const done = async () => {
	await dialog.getByRole('button', { name: 'Done' }).click();
	await dialog.waitFor({ state: 'hidden' });
};
const QR = 'QR code of this configuration';
const keyOf = config => /^PrivateKey = (.{44})$/m.exec(config)?.[1];
const named = async name => (await api('GET', `${CLIENTS}?name=${encodeURIComponent(name)}`)).body.items[0];
const secrets = [];

// --- signing in ----------------------------------------------------------------------------------
await test('a wrong password is refused in words', async () => {
	await signIn(page, 'ann', 'not this one');
	await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
});
await test('the first sign-in asks for a password of one\'s own', async () => {
	await signIn(page, 'ann', PASSWORD);
	await page.getByRole('heading', { name: 'Choose your password' }).waitFor();
	same(await page.getByRole('navigation').count(), 0, 'pages shown before');
	await choosePassword(page, OWN);
});
await test('the one-time password is over', async () => {
	const other = await (await person()).newPage();
	await signIn(other, 'ann', PASSWORD);
	await other.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
	await other.context().close();
});

// --- the first day -------------------------------------------------------------------------------
await test('the first page says what is to be done next, and does it', async () => {
	const steps = page.getByRole('region', { name: 'First steps' });
	await steps.getByText('Join a gateway, done').waitFor();
	await steps.locator('[aria-current=step]').getByText('Add your first client').waitFor();
	await unhindered(page, 'the first steps');
	await shot('first');
	await steps.getByRole('button', { name: 'Add a client' }).click();
	await dialog.getByLabel('Name').waitFor();
	await shut();
	truth(await page.evaluate(() => document.activeElement?.textContent === 'Add a client'), 'the focus comes back');
});

// --- a phone, in ten seconds ---------------------------------------------------------------------
let config = '', started = 0;
await test('a client is added with a name alone, by keyboard', async () => {
	await page.getByRole('link', { name: 'Clients' }).click();
	await page.getByText('No clients yet').waitFor();
	started = Date.now();
	await begin(page, 'Ann’s phone');
	await page.keyboard.press('Enter');
	await page.getByAltText(QR).waitFor();
	note(`from the key n to the QR code: ${Date.now() - started} ms`);
});
await test('the picture on the screen decodes to the configuration', async () => {
	await picture(page, QR);
	const scanned = scan(await page.screenshot(), 'shown');
	await page.getByText('Show the text').click();
	config = await page.getByLabel('Configuration', { exact: true }).textContent();
	same(scanned, config.replace('# Ann’s phone\n', ''), 'what a scanner reads');
	truth(keyOf(config), 'it has no private key');
	secrets.push(keyOf(config));
});
await test('its pixels are whole and its quiet zone is four modules', async () => {
	const side = await (await picture(page, QR)).evaluate(i => {
		const canvas = document.createElement('canvas');
		canvas.width = i.naturalWidth;
		canvas.height = i.naturalHeight;
		const draw = canvas.getContext('2d');
		draw.drawImage(i, 0, 0);
		const dark = (x, y) => draw.getImageData(x, y, 1, 1).data[0] < 128;
		let left = 0;
		while (!dark(left, left))
			left++;
		let finder = left;
		while (dark(finder, left))
			finder++;
		return { natural: i.naturalWidth, shown: i.getBoundingClientRect().width * devicePixelRatio, left, module: (finder - left) / 7 };
	});
	same(side.natural, side.shown, 'width');
	same(side.left, 4 * side.module, 'quiet zone');
	truth(Number.isInteger(side.module) && side.natural % side.module === 0, `modules of ${side.module} pixels`);
});
await test('the file and the clipboard hold the same', async () => {
	const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /Download/ }).click()]);
	same(readFileSync(await download.path(), 'utf8'), config, 'file');
	truth(/^[a-z0-9-]{1,15}\.conf$/.test(download.suggestedFilename()), `its name ${download.suggestedFilename()}`);
	await dialog.getByRole('button', { name: 'Copy' }).click();
	await page.getByText('Copied').waitFor();
	same(await page.evaluate(() => navigator.clipboard.readText()), config, 'clipboard');
});
await test('the key on the server belongs to it, and nothing else was sent', async () => {
	const client = await named('Ann’s phone');
	same(client.public_key, sh('sh', '-c', `echo ${keyOf(config)} | wg pubkey`).trim(), 'public key');
	const said = seen.sent.filter(s => s.startsWith('POST') && s.includes('/wireguard/clients'));
	same(said.length, 1, 'calls that made it');
	truth(said[0].includes(client.public_key), 'the public key was not in the call');
});
await test('each platform has its guide', async () => {
	for (const [tab, text, boot] of [['Windows', 'Import tunnel(s)', 'at boot'], ['macOS', 'App Store', 'On-Demand'], ['Linux', 'wg-quick up', 'systemctl enable'], ['Android', 'Scan from QR code', 'Always-on VPN'], ['iPhone', 'Create from QR code', 'On-Demand']]) {
		await page.getByRole('tab', { name: tab }).click();
		await page.getByRole('tabpanel').filter({ hasText: text }).filter({ hasText: boot }).waitFor();
	}
});
await test('on paper there are the picture, its name and the steps, and nothing else', async () => {
	await page.emulateMedia({ media: 'print' });
	await until(() => page.evaluate(() => matchMedia('print').matches), 'the page as it is printed');
	same(scan(await page.screenshot(), 'printed'), config.replace('# Ann’s phone\n', ''), 'what a scanner reads');
	await page.getByRole('heading', { name: 'Ann’s phone' }).waitFor();
	await page.getByText('Create from QR code').waitFor();
	same(await page.getByRole('button').filter({ visible: true }).count(), 0, 'buttons');
	await page.emulateMedia({ media: null });
});
await test('a real client connects with what was scanned', async () => {
	const { writeFileSync } = await import('node:fs');
	writeFileSync(`${W}/phone0.conf`, readFileSync(`${W}/shown.txt`, 'utf8'), { mode: 0o600 });
	on('phone', 'wg-quick', 'up', `${W}/phone0.conf`);
	await until(() => reaches('phone', '172.30.100.1'), 'the gateway answers');
});
await test('the page says so by itself', async () => {
	const from = Date.now();
	await dialog.getByText('Online').waitFor();
	note(`from the first reply to "Online" on the screen: ${Date.now() - from} ms`);
	await shot('connected');
	await done();
	await word('Ann’s phone', 'Online').waitFor();
	await page.getByRole('button', { name: /^Online 1/ }).waitFor();
});
await test('the first page says who is connected', async () => {
	await page.getByRole('link', { name: 'Overview' }).click();
	await page.getByRole('link', { name: /Ann’s phone.*gw-one/ }).waitFor();
	same(await page.getByRole('region', { name: 'First steps' }).count(), 0, 'first steps');
	await page.getByRole('link', { name: 'Clients', exact: true }).click();
	await row('Ann’s phone').waitFor();
});
await test('all of a row opens it', async () => {
	await row('Ann’s phone').getByText('172.30.100.').click();
	await dialog.getByRole('heading', { name: 'Ann’s phone' }).waitFor();
	await shut();
});
await test('after that, the page has forgotten the key', async () => {
	same((await page.content()).includes(secrets[0]), false, 'key in the page');
});

// --- cutting off, and back -----------------------------------------------------------------------
let cut = 0;
await test('disabling cuts it off', async () => {
	cut = Date.now();
	await row('Ann’s phone').getByRole('switch').click();
	await word('Ann’s phone', 'Disabled').waitFor();
	await page.getByRole('button', { name: 'Undo' }).hover();
	await until(() => silent('phone', '172.30.100.1'), 'packets stop');
});
await test('and the message has a way back, which stays while one is about to take it', async () => {
	await until(() => Date.now() > cut + 12000, 'a message has its time'); // ten seconds
	await page.getByRole('button', { name: 'Undo' }).click();
	await until(() => reaches('phone', '172.30.100.1'), 'packets flow again');
	await word('Ann’s phone', 'Online').waitFor();
});
await test('a new key: the old configuration stops, the new one works', async () => {
	await row('Ann’s phone').getByRole('button', { name: /^More for/ }).click();
	await page.getByRole('menuitem', { name: 'New key' }).click();
	await page.getByRole('button', { name: 'Make a new key' }).click();
	await picture(page, QR);
	await until(() => silent('phone', '172.30.100.1'), 'the old key stops');
	const fresh = scan(await page.screenshot(), 'rotated');
	truth(keyOf(fresh) && keyOf(fresh) !== keyOf(config), 'the key is not a new one');
	secrets.push(keyOf(fresh));
	on('phone', 'wg-quick', 'down', `${W}/phone0.conf`);
	const { writeFileSync } = await import('node:fs');
	writeFileSync(`${W}/phone0.conf`, fresh, { mode: 0o600 });
	on('phone', 'wg-quick', 'up', `${W}/phone0.conf`);
	await until(() => reaches('phone', '172.30.100.1'), 'the new one works');
	await done();
});
await test('a link that opens once, for somebody else', async () => {
	await begin(page, 'Bob’s laptop');
	await page.getByText('More settings').click();
	await page.getByText('On the server, to hand on').click();
	await page.getByLabel('Tags').fill('guest, lent');
	await dialog.getByRole('button', { name: 'Add', exact: true }).click();
	const link = await page.getByRole('textbox', { name: 'Link that opens once' }).inputValue();
	await picture(page, 'QR code of this link');
	same(scan(await page.screenshot(), 'link'), link, 'its picture');
	const bob = await (await person()).newPage();
	await bob.goto(link);
	await bob.getByRole('button').first().click();
	await bob.getByText('[Interface]').waitFor();
	await bob.goto('about:blank');
	await bob.goto(link);
	await bob.getByRole('button').first().click();
	await bob.getByRole('status').filter({ hasText: /./ }).waitFor(); // what the server says
	same([await bob.getByText('[Interface]').count(), await bob.getByText('It is gone from the server now').count()], [0, 0], 'it opens once');
	await bob.context().close();
	await done();
});
await test('settings are changed, and what is wrong is said at its field', async () => {
	await page.getByRole('button', { name: 'Bob’s laptop', exact: true }).click();
	await dialog.getByRole('button', { name: 'Edit' }).click();
	const form = page.getByRole('dialog', { name: 'Edit Bob’s laptop' });
	await form.getByText('Chosen places').click();
	await form.getByLabel('Destinations').fill('10.50.0.0/24, 10.60.0.1/24');
	await form.getByRole('button', { name: 'Save' }).click();
	await form.getByRole('alert').waitFor();
	same(await form.getByLabel('Destinations').getAttribute('aria-invalid'), 'true', 'the field');
	await form.getByLabel('Destinations').fill('10.50.0.0/24');
	await form.getByLabel('Description').fill('lent until summer');
	await form.getByRole('button', { name: 'Save' }).click();
	await dialog.getByText('10.50.0.0/24').waitFor();
	await dialog.getByText('lent until summer').waitFor();
	same((await named('Bob’s laptop')).allowed_ips, ['10.50.0.0/24'], 'stored');
	await shut();
});
await test('a name that is taken is said at the name', async () => {
	await begin(page, 'Bob’s laptop');
	await page.keyboard.press('Enter');
	await dialog.getByRole('alert').filter({ hasText: /Bob’s laptop|taken|held|exists/ }).waitFor();
	await shut();
});

// --- hostile names (T-15) ------------------------------------------------------------------------
const hostile = ['"><script>alert(1)</script>', "');alert(1)//'", '<img src=x onerror=alert(1)>', '😀'.repeat(64), '# PrivateKey = x'];
await test('hostile names are shown as they are, everywhere', async () => {
	for (const name of hostile) {
		await page.keyboard.press('n');
		await dialog.getByLabel('Name').fill(name);
		await page.keyboard.press('Enter');
		await page.getByRole('heading', { name, exact: true }).waitFor();
		const text = scan(await (await picture(page, QR)).screenshot(), 'hostile');
		truth(keyOf(text), `no key in the configuration of ${name}`);
		secrets.push(keyOf(text));
		sh('sh', '-c', `umask 077; cat > "${W}/h.conf" <<'E'\n${text}\nE\nwg-quick strip "${W}/h.conf"`);
		await done();
		await page.getByRole('button', { name, exact: true }).click();
		await dialog.getByRole('button', { name: 'Disable' }).click();
		await page.getByRole('status').filter({ hasText: `${name} is cut off` }).waitFor();
		await dialog.getByRole('button', { name: 'Delete' }).click();
		await page.getByRole('heading', { name: `Delete ${name}?` }).waitFor();
		await page.getByRole('button', { name: 'Cancel' }).click();
		await shut();
	}
	await page.getByRole('link', { name: 'Overview' }).click();
	await page.getByText(hostile[0]).first().waitFor();
	await page.getByRole('link', { name: 'Clients' }).click();
	same(seen.alerts, [], 'scripts that ran');
	await shot('hostile');
});
await test('a line break in a name is refused', async () => {
	const said = await api('POST', CLIENTS, { name: 'a\nb' });
	same([said.status, said.body.field], [400, 'name'], 'answer');
});

// --- many at once, and the end -------------------------------------------------------------------
await test('several are chosen, disabled and deleted together', async () => {
	for (const name of hostile)
		await page.getByLabel(`Select ${name}`, { exact: true }).check();
	const bulk = page.getByRole('region', { name: 'For those selected' });
	await bulk.getByText('5 clients selected').waitFor();
	await bulk.getByRole('button', { name: 'Enable' }).click();
	await page.getByText('5 clients may connect again').waitFor();
	same(await Promise.all(hostile.map(async name => (await named(name)).enabled)), hostile.map(() => true), 'enabled');
	await bulk.getByRole('button', { name: 'Disable' }).click();
	await page.getByText('5 clients are cut off').waitFor();
	same(await Promise.all(hostile.map(async name => (await named(name)).enabled)), hostile.map(() => false), 'enabled');
	await bulk.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('heading', { name: 'Delete 5 clients?' }).waitFor();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await until(async () => (await api('GET', CLIENTS)).body.total === 2, 'they are gone');
	await page.getByText('2 clients', { exact: true }).waitFor();
});
await test('filters: by state and by tag', async () => {
	await page.getByRole('button', { name: 'guest' }).click();
	await page.getByText('1 client found').waitFor();
	await row('Bob’s laptop').waitFor();
	await row('Ann’s phone').waitFor({ state: 'detached' });
	await page.getByRole('button', { name: /No longer only/ }).click();
	await page.getByText('2 clients', { exact: true }).waitFor(); // not the answer before
	await page.getByRole('button', { name: /^Never seen/ }).click();
	await page.getByText('1 client found').waitFor();
	await row('Ann’s phone').waitFor({ state: 'detached' });
	await page.getByRole('button', { name: /^Never seen/ }).click();
	await page.getByText('2 clients', { exact: true }).waitFor();
});
await test('what is done elsewhere shows here by itself', async () => {
	await api('POST', CLIENTS, { name: 'made elsewhere' });
	await row('made elsewhere').waitFor();
	await api('DELETE', `${CLIENTS}/${(await named('made elsewhere')).id}`);
	await row('made elsewhere').waitFor({ state: 'detached' });
});

// --- keyboard ------------------------------------------------------------------------------------
const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
await test('by keyboard alone: find, open, close, and the focus comes back', async () => {
	await page.keyboard.press('g');
	await page.keyboard.press('o');
	await page.getByRole('heading', { name: 'Overview' }).waitFor();
	await page.keyboard.press('g');
	await page.keyboard.press('c');
	await row('Ann’s phone').waitFor();
	await page.keyboard.press('/');
	await page.keyboard.type('bob');
	await page.getByText('1 client found').waitFor();
	await page.keyboard.press('Escape');
	for (let i = 0; i < 40 && !(await page.evaluate(() => document.activeElement?.matches('tbody tr'))); i++)
		await page.keyboard.press('Tab');
	truth((await focused()).includes('Bob'), 'Tab leads to the row');
	await page.keyboard.press('Enter');
	await dialog.waitFor();
	for (let i = 0; i < 30; i++) {
		await page.keyboard.press('Tab');
		truth(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest('dialog')), 'the focus left the dialog');
	}
	await shut();
	truth((await focused()).includes('Bob'), 'the focus comes back to the row');
	await page.keyboard.press('/');
	await page.getByLabel('Search clients').fill('');
	await page.keyboard.press('Escape');
	await row('Ann’s phone').waitFor();
});
await test('a slow answer is waited for: nothing is said about clients before', async () => {
	await page.getByLabel('Search clients').fill('no such name');
	await page.getByText('Nothing like that').waitFor();
	await page.getByRole('status').filter({ hasText: '0 clients found' }).waitFor();
	let asked = false, answer;
	const answered = new Promise(done => { answer = done; });
	await page.route('**/api/v1/wireguard/clients?*', async route => {
		asked ||= !route.request().url().includes('search='); // it looks again by itself, too
		await answered;
		await goOn(route);
	});
	await page.getByLabel('Search clients').fill('');
	same(await page.getByText('No clients yet').count(), 0, 'a claim that there are none');
	await until(() => asked, 'the question to the server');
	same(await page.getByText('No clients yet').count(), 0, 'a claim that there are none');
	same(await page.getByText('Nothing like that').count(), 1, 'what was answered last');
	answer();
	await row('Ann’s phone').waitFor();
	await page.unroute('**/api/v1/wireguard/clients?*');
});
await test('an address finds whose it is', async () => {
	await page.getByLabel('Search clients').fill((await named('Ann’s phone')).mesh_ip);
	await page.getByRole('status').filter({ hasText: '1 client found' }).waitFor();
	await row('Ann’s phone').waitFor();
	await page.getByLabel('Search clients').fill('');
	await page.getByRole('status').filter({ hasText: /clients$/ }).waitFor();
	await page.keyboard.press('Escape');
});
await test('the question mark says which keys there are', async () => {
	await page.keyboard.press('?');
	await dialog.getByText('add a client').waitFor();
	await shut();
});
await test('a menu goes by arrows', async () => {
	await row('Bob’s laptop').getByRole('button', { name: /^More for/ }).press('Enter');
	await page.getByRole('menuitem', { name: 'Open' }).waitFor();
	same(await focused(), 'Open', 'what has the focus at once');
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('ArrowDown');
	same(await focused(), 'New key', 'third item');
	await page.keyboard.press('Escape');
	await page.getByRole('menuitem', { name: 'Open' }).waitFor({ state: 'hidden' });
});

// --- when the server does not answer -------------------------------------------------------------
await test('no answer is said in the page and in the tab, with a way on, and is over by itself', async () => {
	const theirs = await person();
	const p = await theirs.newPage();
	await signIn(p, 'ann', OWN);
	await p.getByText('Live').waitFor();
	await p.route(/\/api\/v1\/(events|wireguard)/, r => r.abort());
	await p.reload();
	await p.getByText('The server does not answer. What is shown').waitFor();
	await until(async () => (await p.title()).startsWith('No connection'), 'the title says so');
	truth((await p.locator('link[rel=icon]').getAttribute('href')).includes('circle%20cx%3D%2225%22'), 'the icon has no dot');
	await p.getByRole('link', { name: 'Clients', exact: true }).click();
	const alert = p.getByRole('alert').filter({ hasText: 'That did not work' });
	await alert.waitFor();
	await unhindered(p, 'no answer');
	await p.unroute(/\/api\/v1\/(events|wireguard)/);
	await alert.getByRole('button', { name: 'Try again' }).click();
	await row('Ann’s phone', p).waitFor();
	await p.getByText('The server does not answer. What is shown').waitFor({ state: 'detached' });
	same(await p.title(), 'Clients · Warren', 'title');
	await theirs.close();
});

// --- for everybody: axe, dark and light, a phone's screen ----------------------------------------
const accessible = where => unhindered(page, where);
for (const [theme, button] of [['light', null], ['dark', 'Use dark colours']]) {
	await test(`axe finds nothing serious in ${theme} colours`, async () => {
		if (button)
			await page.getByRole('button', { name: button }).click();
		const pages = await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents();
		for (const name of pages) {
			await follow(name, page);
			await settled(page);
			await accessible(name);
			await shot(`page-${name.toLowerCase().replace(/\W+/g, '-')}-${theme}`);
		}
		await page.getByRole('link', { name: 'Clients', exact: true }).click();
		await row('Ann’s phone').waitFor();
		await page.keyboard.press('n');
		await page.getByText('More settings').click();
		await accessible('adding a client');
		await shot(`add-${theme}`);
		await shut();
		await page.getByRole('button', { name: 'Ann’s phone', exact: true }).click();
		await dialog.getByText('Speaks from').waitFor();
		await accessible('one client');
		await shot(`sheet-${theme}`);
		await shut();
	});
}
await test('on a phone nothing is wider than the screen', async () => {
	await size(page, 390, 780);
	for (const where of ['clients', 'overview']) {
		await visit(where, page);
		const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
		truth(wide <= 0, `${where} is ${wide} pixels too wide`);
		same(await small(page), [], `too small for a finger on ${where}`);
		await unhindered(page, `${where} on a phone`);
		await shot(`phone-${where}`);
	}
	await page.getByRole('button', { name: 'Menu', exact: true }).click();
	await page.getByRole('link', { name: 'Clients' }).click();
	await row('Ann’s phone').waitFor();
	await begin(page, 'by phone');
	await page.keyboard.press('Enter');
	await picture(page, QR);
	await shot('phone-shown');
	const wide = await page.evaluate(() => { const b = document.querySelector('dialog .body'); return b.scrollWidth - b.clientWidth; });
	truth(wide <= 0, `the dialog is ${wide} pixels too wide`);
	await done();
	await size(page, 1440, 860);
});

// --- two tabs, another person, an old browser ----------------------------------------------------
await test('a browser has one stream of events, whatever its tabs', async () => {
	const before = seen.streams;
	const second = await context.newPage();
	await second.goto(`${HOME}#/clients`);
	await second.getByRole('button', { name: 'Ann’s phone', exact: true }).waitFor();
	await second.getByText('Live').waitFor();
	same(seen.streams, before, 'streams');
	await api('POST', CLIENTS, { name: 'seen in both' });
	await second.getByRole('button', { name: 'seen in both', exact: true }).waitFor();
	await row('seen in both').waitFor();
	await page.close({ runBeforeUnload: false });
	await api('POST', CLIENTS, { name: 'after the first' });
	await second.getByRole('button', { name: 'after the first', exact: true }).waitFor();
	await until(() => seen.streams > before, 'the second tab took over');
	await second.close();
});
await test('a viewer sees, and is offered nothing to change', async () => {
	const theirs = await person();
	const view = await theirs.newPage();
	await signIn(view, 'vera', VIEWER);
	await choosePassword(view, 'only looking, thank you');
	await view.getByRole('link', { name: 'Clients' }).click();
	await view.getByRole('button', { name: 'Ann’s phone', exact: true }).waitFor();
	same(await view.getByRole('button', { name: 'Add a client' }).count(), 0, 'buttons to add');
	same(await view.getByRole('switch').count(), 0, 'switches');
	same(await view.getByRole('checkbox').count(), 0, 'boxes to select');
	await view.keyboard.press('n');
	same(await view.getByRole('dialog').count(), 0, 'dialogs after n');
	await view.getByRole('button', { name: 'Ann’s phone', exact: true }).click();
	await view.getByText('Speaks from').waitFor();
	same(await view.getByRole('dialog').getByRole('button', { name: /Edit|Delete|Disable|New key|Configuration/ }).count(), 0, 'buttons');
	const status = await view.evaluate(() => fetch('/api/v1/wireguard/clients', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"name":"x"}' }).then(r => r.status));
	same(status, 403, 'the server, asked all the same');
	await theirs.close();
});
await test('a browser without X25519 makes its keys by the library', async () => {
	const old = await person();
	await old.addInitScript(() => {
		if (crypto.subtle)
			crypto.subtle.generateKey = () => Promise.reject(new DOMException('no', 'NotSupportedError'));
	});
	const p = await old.newPage();
	await signIn(p, 'ann', OWN);
	await p.getByRole('link', { name: 'Clients' }).click();
	await p.getByRole('button', { name: 'Ann’s phone', exact: true }).waitFor();
	await begin(p, 'old browser');
	await p.keyboard.press('Enter');
	const text = scan(await (await picture(p, QR)).screenshot(), 'old');
	secrets.push(keyOf(text));
	same((await named('old browser')).public_key, sh('sh', '-c', `echo ${keyOf(text)} | wg pubkey`).trim(), 'public key');
	await old.close();
});

// --- ten thousand --------------------------------------------------------------------------------
const many = await context.newPage();
await test('ten thousand clients are listed, searched, sorted and scrolled', async () => {
	const { randomBytes } = await import('node:crypto');
	const total = (await api('GET', `${CLIENTS}?limit=1`)).body.total;
	let t = Date.now();
	let next = total;
	await Promise.all(Array.from({ length: 16 }, async () => {
		while (next < 10000) {
			const n = next++;
			const said = await api('POST', CLIENTS, { name: `device ${String(n).padStart(5, '0')}`, public_key: randomBytes(32).toString('base64'), tags: n % 100 ? [] : ['hundredth'] });
			same(said.status, 201, 'created');
		}
	}));
	note(`${10000 - total} clients made over REST in ${Date.now() - t} ms`);
	const took = async (what, run) => {
		const from = Date.now();
		await run();
		note(`10,000 clients: ${what}: ${Date.now() - from} ms`);
	};
	await took('open the page', async () => {
		await many.goto(`${HOME}#/clients`);
		await many.getByText('10,000 clients').waitFor();
	});
	await took('search one', async () => {
		await many.getByLabel('Search clients').fill('device 07777');
		await many.getByText('1 client found').waitFor();
	});
	await took('back to all', async () => {
		await many.getByLabel('Search clients').fill('');
		await many.getByText('10,000 clients').waitFor();
	});
	await took('sort by name, descending', async () => {
		await many.getByRole('columnheader').getByRole('button', { name: 'Name' }).click();
		await many.getByRole('button', { name: 'device 09999', exact: true }).waitFor();
	});
	await took('only those never seen (judged one by one)', async () => {
		await many.getByRole('button', { name: /^Never seen/ }).click();
		await many.getByText(/clients found$/).waitFor();
	});
	await many.getByRole('button', { name: /^Never seen/ }).click();
	await many.getByText('10,000 clients').waitFor();
	await took('scroll through 1,000 rows', async () => {
		const box = many.locator('.table');
		await until(async () => {
			await box.evaluate(el => { el.scrollTop = el.scrollHeight; });
			return (await box.evaluate(el => el.scrollHeight)) > 1000 * 58;
		}, 'a thousand rows');
	});
	const rows = await many.locator('tbody tr[aria-rowindex]').count();
	truth(rows < 60, `${rows} rows are in the document`);
	note(`10,000 clients: rows in the document: ${rows}, heap ${await many.evaluate(() => Math.round(performance.memory.usedJSHeapSize / 1048576))} MiB`);
	await many.screenshot({ path: `${W}/many.png` });
});
await test('the end of a session is the end of the page', async () => {
	await signOut(many);
	same(await many.evaluate(() => fetch('/api/v1/me').then(r => r.status)), 401, 'the session');
});

// --- what must never have happened ---------------------------------------------------------------
await test('no request held a private key', async () => {
	truth(secrets.length >= 7 && secrets.every(Boolean), 'there are keys to look for');
	same(seen.sent.filter(s => secrets.some(k => s.includes(k) || s.includes(encodeURIComponent(k)))), [], 'requests');
});
await test('no request went to another host', async () => same(seen.foreign.filter(u => u !== 'about:blank'), [], 'requests'));
await test('the content security policy was never broken', async () => same(seen.violations, [], 'violations'));
await test('no script of a name ran', async () => same(seen.alerts, [], 'alerts'));
await test('the pages reported no error', async () => same(seen.errors, [], 'errors'));
await close();
finish();
