// Pages and people that mean harm: names and chat with markup in them, foreign origins, tricks with paths.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {join, launch, open} from './browser.mjs';
import {Server, toneFile, until} from './server.mjs';

const kEvil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
let server;
let browser;

before(async () => {
  server = await Server.start({}, 'hostile');
  browser = await launch({wav: toneFile(440)});
});
after(async () => {
  await browser?.close();
  await server?.down();
});

test('markup in names and chat stays text', async () => {
  const ann = await open(browser);
  const eve = await open(browser);
  await join(ann, `${server.url}/r/${encodeURIComponent('<b>x')}`, 'Ann');
  await join(eve, `${server.url}/r/${encodeURIComponent('<b>x')}`, kEvil.slice(0, 64));
  await eve.click('.tool:has-text("Chat")');
  await eve.fill('#chat-text', kEvil);
  await eve.keyboard.press('Enter');
  await until('the line arrives', async () => (await ann.locator('.toast', {hasText: 'onerror'}).count()) > 0);
  await ann.click('.tool:has-text("Chat")');
  assert.equal(await ann.locator('.lines li p').last().textContent(), kEvil);
  assert.equal(await ann.locator('.person .name', {hasText: '<img'}).count(), 1);
  assert.equal(await ann.evaluate(() => window.pwned), undefined);
  assert.equal(await ann.locator('main img, main script, main b').count(), 0);
  assert.equal(await ann.locator('h1').textContent(), '<b>x');
  assert.deepEqual(ann.problems, []);
  await ann.context().close();
  await eve.context().close();
});

test('inline script does not run, even if it got in', async () => {
  const page = await open(browser);
  await page.goto(`${server.url}/`);
  const ran = await page.evaluate(() => new Promise((resolve) => {
    document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
    const script = document.createElement('script');
    script.textContent = 'window.pwned = 1';
    document.body.append(script);
    setTimeout(() => resolve('no violation'), 2000);
  }));
  assert.match(ran, /^script-src/);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  await page.context().close();
});

test('a page of another origin gets no WebSocket and no API', async () => {
  const other = await Server.start({}, 'hostile-other');
  const page = await open(browser, {bypassCSP: true});  // its own policy would refuse first
  await page.goto(`${other.url}/`);
  const tried = await page.evaluate((target) => new Promise((resolve) => {
    const ws = new WebSocket(`ws://${target}/ws`);
    ws.onopen = () => resolve('open');
    ws.onerror = () => resolve('refused');
  }), server.http);
  assert.equal(tried, 'refused');
  for (const [target, init] of [['/api/v1/rooms', {}], ['/whip/x', {method: 'POST', body: 'v=0', headers: {'Content-Type': 'application/sdp'}}]]) {
    const answer = await fetch(`${server.url}${target}`, {...init, headers: {...init.headers, Origin: other.url}});
    assert.equal(answer.status, 403, target);
    assert.equal(answer.headers.get('Access-Control-Allow-Origin'), null);
  }
  await page.context().close();
  await other.down();
});

test('paths lead nowhere else', async () => {
  for (const path of ['/r/..%2f..%2fetc%2fpasswd', '/r/%2e%2e/%2e%2e/etc/passwd', '/assets/..%2fmain.js', '/assets/%2e%2e%2fsecret',
    '/r/a%00b', `/r/${'x'.repeat(7000)}`, `/r/${'%f0%9f%98%80'.repeat(200)}`]) {
    const answer = await fetch(server.url + path);
    const text = await answer.text();
    assert.ok([200, 400, 404, 414, 431].includes(answer.status), `${path}: ${answer.status}`);
    assert.ok(!text.includes('root:'), path);
    if (answer.status === 200) assert.match(text, /<title>Parley<\/title>/);
  }
  const page = await open(browser);
  for (const name of ['..', '.', 'a/b', '\u202eevil', 'x'.repeat(300)]) {
    await page.goto(`${server.url}/`);
    await page.evaluate((value) => {
      document.querySelector('#room').removeAttribute('maxlength');
      document.querySelector('#room').value = value;
    }, name);
    await page.fill('#name', 'Ann');
    await page.click('button[type=submit]');
    await page.waitForSelector('.error:not(:empty)');
  }
  await page.context().close();
});

test('a name of a megabyte is refused and the connection lives', async () => {
  const page = await open(browser);
  await page.goto(`${server.url}/`);
  const answers = await page.evaluate(async () => {
    const ws = new WebSocket(`ws://${location.host}/ws`);
    await new Promise((resolve) => (ws.onopen = resolve));
    const answer = () => new Promise((resolve) => {
      ws.onmessage = ({data}) => resolve(JSON.parse(data));
      ws.onclose = () => resolve({type: 'closed'});
    });
    ws.send(JSON.stringify({type: 'join', id: 1, room: 'x', name: 'y'.repeat(100_000), sdp: 'v=0'}));
    const long = await answer();
    ws.send(JSON.stringify({type: 'ping', id: 2}));
    const alive = await answer();
    ws.send(JSON.stringify({type: 'join', id: 3, room: 'x', name: 'y'.repeat(1_000_000), sdp: 'v=0'}));
    return [long.code, alive.type, (await answer()).type];
  });
  assert.deepEqual(answers, ['bad-value', 'pong', 'closed']);
  const rooms = await server.api('GET', '/rooms');
  assert.ok(!rooms.body.rooms.some((room) => room.name === 'x'));
  await page.context().close();
});
