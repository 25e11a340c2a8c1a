/** `/docs` in a real browser. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSystem, type System } from './system/create-system.ts';
import { launchChromium, testBrowser } from './system/launch-chromium.ts';

const { title, skipReason } = testBrowser();

/** Waits for it. */
async function expectShown(locator: Locator): Promise<void> {
  await locator.first().waitFor();
  expect(await locator.first().isVisible()).toBe(true);
}

describe.skipIf(skipReason !== null)(`the API reference ${title}`, () => {
  let system: System;
  let browser: Browser;
  let page: Page;
  /** Addresses of everything that the page asked for. */
  const requested: string[] = [];
  /** What the browser complained of, refused requests among it. */
  const complaints: string[] = [];

  const follow = (name: string | RegExp) => page.getByRole('link', { name, exact: true }).first().click();

  beforeAll(async () => {
    system = await createSystem({ redisUrl: null });
    await system.startApi();
    browser = await launchChromium();
    page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${system.apiUrl()}/docs`);
  });
  afterAll(async () => {
    await browser.close();
    await system.stop();
  });

  test('begins with the guide', async () => {
    await expectShown(page.getByRole('heading', { name: 'What each status means' }));
    // A word that does not fit into its column is broken, and stands in several boxes then.
    const status = page.getByRole('cell').getByText('payment_confirmed', { exact: true }).first();
    expect(await status.evaluate((word) => word.getClientRects().length)).toBe(1);
  });

  test('shows an operation with its body, answers and failures', async () => {
    await follow('Orders');
    await follow(/^Create an order/);
    await expectShown(page.getByText('idempotency-key'));
    await expectShown(page.getByText('Order created successfully'));
    await page.getByRole('tab', { name: '409' }).first().click();
    await expectShown(page.getByText('idempotency_in_progress'));
  });

  test('shows the webhook with its headers', async () => {
    await follow('Webhooks');
    await expectShown(page.getByRole('heading', { name: 'The status of an order changed' }));
    await expectShown(page.getByText('webhook-signature'));
  });

  test('sends a request and shows the answer', async () => {
    await follow('Operators');
    await follow('Health');
    await follow(/^Is the process alive/);
    await page.getByRole('button', { name: /Test Request.*livez/ }).click();
    const answer = page.waitForResponse((response) => new URL(response.url()).pathname === '/livez');
    await page.getByRole('button', { name: /^Send/ }).first().click();
    expect((await answer).status()).toBe(200);
  });

  test('asks nobody but its own server for anything', () => {
    const hosts = new Set(requested.map((url) => new URL(url).host));
    expect([...hosts]).toEqual([new URL(system.apiUrl()).host]);
    expect(complaints).toEqual([]);
  });
});
