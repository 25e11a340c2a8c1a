/** What an operator sees of a delivery that failed, in a real browser on the real processes. */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, changeEndpoint } from './system/add-customer-server.ts';
import { waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { launchChromium, testBrowser } from './system/launch-chromium.ts';
import { createOrder } from './system/walk-order.ts';

const browserOfMachine = testBrowser();

describe.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null || browserOfMachine.skipReason !== null)(
    `Bull Board ${browserOfMachine.title}`,
    () => {
      let receiver: Receiver;
      let system: System;
      let browser: Browser;
      let orderId: string;
      let deliveryId: string;

      beforeAll(async () => {
        receiver = await createReceiver();
        system = await createSystem({ redisUrl });
        [browser] = await Promise.all([launchChromium(), system.startApi(), system.startWorker()]);
        receiver.answer((request) => request.path === '/fails', respond(503));
        const customerServer = await addCustomerServer(system, receiver.url('/fails'));
        await changeEndpoint(system, customerServer, { retryDelaysMs: [100, 100] });
        orderId = await createOrder(customerServer);
        const [delivery] = await waitUntilEnded(system.database, orderId, 1);
        deliveryId = delivery!.id;
      });
      afterAll(async () => {
        await browser.close();
        await system.stop();
        await receiver.close();
      });

      async function openBoard(
        path: string,
        password: string,
        use: (page: Page, status: number, complaints: readonly string[]) => Promise<void>,
      ): Promise<void> {
        const context = await browser.newContext({
          baseURL: system.apiUrl(),
          httpCredentials: { username: 'admin', password },
        });
        try {
          const page = await context.newPage();
          const complaints: string[] = [];
          page.on('pageerror', (error) => complaints.push(String(error)));
          page.on('console', (message) => {
            if (message.type() === 'error') complaints.push(message.text());
          });
          const answer = await page.goto(path);
          await use(page, answer!.status(), complaints);
        } finally {
          await context.close();
        }
      }

      test('shows a failed delivery with its reason, each attempt, and what it is, and no way to change it', async () => {
        await openBoard('/admin/queues', system.adminKey, async (page, status, complaints) => {
          expect(status).toBe(200);
          await page.getByRole('link', { name: 'deliveries' }).first().click();
          await page
            .getByRole('link', { name: /^failed/i })
            .first()
            .click();
          await page.getByText(`${deliveryId}-1`).first().click();
          await page.getByText('attempt 1: rejected 503').waitFor();
          await page.getByText('attempt 2: rejected 503').waitFor();
          await page
            .getByText(/attempt 3: rejected 503 \(service_unavailable\) after \d+ ms, failed for good/)
            .waitFor();
          await page.getByText('resend').first().waitFor();

          await page.getByRole('tab', { name: 'Error' }).click();
          await page.getByText('retries_exhausted: rejected 503').waitFor();
          await page.getByRole('tab', { name: 'Data' }).click();
          for (const shown of [deliveryId, orderId, new URL(receiver.url('/')).host]) {
            await page.getByText(shown).last().waitFor();
          }
          for (const change of [/retry/i, /clean/i, /promote/i, /remove/i, /pause/i, /add job/i, /update/i]) {
            expect(await page.getByRole('button', { name: change }).count()).toBe(0);
          }
          // It asks for a font of Google's, and is not given it.
          expect(complaints.filter((text) => !text.includes('fonts.googleapis.com'))).toEqual([]);
        });
      });

      test('shows nothing to whoever has another password', async () => {
        await openBoard('/admin/queues', 'wrong', async (page, status) => {
          expect(status).toBe(401);
          expect(await page.textContent('body')).toContain('unauthorized');
        });
      });

      test('keeps of a failure neither a stack of ours nor the address it was sent to', async () => {
        const response = await fetch(
          `${system.apiUrl()}/admin/queues/api/queues/deliveries/${deliveryId}-1`,
          {
            headers: { authorization: `Bearer ${system.adminKey}` },
          },
        );
        const { job } = (await response.json()) as { job: Record<string, unknown> };
        expect(job).toMatchObject({
          stacktrace: [],
          failedReason: 'retries_exhausted: rejected 503',
          attempts: 3,
        });
        expect(JSON.stringify(job)).not.toMatch(/\.ts|node_modules|\/fails/);
      });
    },
  );
});
