// Links with tokens, over HTTPS: who holds one comes in under its terms, who holds none does not.

import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import path from 'node:path';

import {card, join, launch, open} from './browser.mjs';
import {Server, kOut, toneFile, until} from './server.mjs';

const kAdmin = 'Vq7ZkW2mXc9TtRb4';
let server;
let browser;

before(async () => {
  server = await Server.start({
    http: {listen: '127.0.0.1:0', tls: {certificate: 'self-signed'}},
    auth: {admin_key: kAdmin, token_key: 'p0Lj8n98sd1fYt3q'},
  }, 'invitations');
  browser = await launch({wav: toneFile(440)});
});
after(async () => {
  await browser?.close();
  await server?.down();
});

test('an invitation admits, invites further, and works once', async () => {
  const made = await server.api('POST', '/rooms/board/invitations', {role: 'moderator', name: 'Ann'}, kAdmin);
  assert.equal(made.status, 201);
  const ann = await open(browser);
  await join(ann, server.url + made.body.path, 'Somebody');
  assert.equal(await ann.locator('.person .name').textContent(), 'Ann', 'the name in the token counts');

  await ann.click('text=Invite');
  await ann.check('#invite-once');
  await ann.click('text=Copy invitation');
  await ann.waitForSelector('.toast:has-text("invitation is copied")');
  const link = await ann.evaluate(() => navigator.clipboard.readText());
  assert.match(link, new RegExp(`^${server.url}/r/board#token=`));

  const ben = await open(browser);
  await join(ben, link, 'Ben');
  assert.match(await card(ann, 'Ben').locator('.notes').textContent(), /^(?!.*moderator)/);
  assert.equal(await ben.locator('.moderation').isVisible(), false);
  // A reload keeps the place although the token is used up.
  await ben.reload();
  await ben.waitForSelector('.room[data-state=live]');

  const eve = await open(browser);
  for (const target of [link, `${server.url}/r/board`, `${server.url}/r/other${new URL(link).hash}`]) {
    await eve.goto('about:blank');
    await eve.goto(target);
    await eve.fill('#name', 'Eve');
    await eve.click('button[type=submit]');
    await eve.waitForSelector('.error:has-text("invitation")');
  }
  for (const page of [ann, ben]) assert.deepEqual(page.problems, []);
});

test('the status page asks for the key', async () => {
  const page = await open(browser);
  await page.goto(`${server.url}/status`);
  await page.fill('#key', 'wrong-key-wrong-key');
  await page.click('text=Continue');
  await page.waitForSelector('.error:has-text("does not fit")');
  await page.fill('#key', kAdmin);
  await page.click('text=Continue');
  await page.waitForSelector('.room-row:has-text("board")');
  await page.context().close();
});

test('a native client by HTTPS', async () => {
  const made = await server.api('POST', '/rooms/native/invitations', {name: 'Nat'}, kAdmin);
  const native = server.native('native', ['--server', server.url, '--insecure', '--token', made.body.token, '--input', 'tone:880',
    '--output', path.join(kOut, 'https.wav')]);
  await until('it is live', () => native.lines.some((line) => line.type === 'state' && line.state === 'live'));
  await native.stop();
});
