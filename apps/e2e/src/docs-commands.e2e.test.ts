/** The commands of the integrators' chapters do what the chapters say: each block is run as it is printed. */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, type CustomerServer } from './system/add-customer-server.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { createOrder } from './system/walk-order.ts';

const run = promisify(execFile);
const hasCurl = spawnSync('curl', ['--version']).status === 0;
const whyNot = hasCurl ? '' : ' (skipped: no curl on the PATH)';

/** The blocks of a chapter that a reader pastes into a shell. */
function readBlocks(chapter: string): string[] {
  const text = readFileSync(new URL(`../../api/docs/${chapter}.md`, import.meta.url), 'utf8');
  return Array.from(text.matchAll(/^```sh\n([^]*?)^```$/gm), ([, block]) => block!);
}

describe.skipIf(!hasCurl)(`the commands${whyNot}`, () => {
  let receiver: Receiver;
  let system: System;

  beforeAll(async () => {
    receiver = await createReceiver();
    system = await createSystem({ redisUrl: null });
    await Promise.all([system.startApi(), system.startWorker()]);
  });
  afterAll(async () => {
    await system.stop();
    await receiver.close();
  });

  /** Runs the chapter's next block as `customerServer`; the JSON documents that its commands printed. */
  function readChapter(chapter: string, customerServer: CustomerServer) {
    const blocks = readBlocks(chapter);
    const env = {
      PATH: process.env['PATH'],
      VENDOR_SERVER: system.apiUrl(),
      CUSTOMER_SECRET: customerServer.secret,
    };
    return {
      get isDone() {
        return blocks.length === 0;
      },
      async runNext(ids: Record<string, string> = {}) {
        const block = blocks
          .shift()!
          // The server of this test is not where a reader starts one, and neither is its receiver.
          .replaceAll(/^export .*$/gm, '')
          .replaceAll('http://127.0.0.1:4000/', receiver.url('/from-the-docs'));
        const script = `curl() { command curl --fail-with-body --write-out '\\n' "$@"; }\n${block}`;
        const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { env: { ...env, ...ids } });
        return stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line));
      },
    };
  }

  test('of "Testing on your machine" test an endpoint, register it, and show an order\'s story', async () => {
    const customerServer = await addCustomerServer(system, receiver.url('/testing'));
    // As `npm run listen -- --secret` does, which the chapter has its reader start.
    receiver.answer('/from-the-docs', (answering) =>
      respond(answering.request.header('x-vendor-server-secret') === customerServer.secret ? 200 : 401)(
        answering,
      ),
    );
    const chapter = readChapter('testing', customerServer);
    await chapter.runNext();
    expect(await chapter.runNext()).toMatchObject([{ success: true, response: { status: 200 } }]);
    const [endpoint, timeline] = await chapter.runNext();
    expect(endpoint.data).toMatchObject({
      signingSecret: expect.stringMatching(/^whsec_/),
      retryDelaysMs: [500, 1000],
    });
    expect(timeline.data).toMatchObject([{ version: 1, to: 'pending', deliveries: [{}, {}] }]);
    const webhook = await receiver.waitFor(
      ({ path, header }) => path === '/from-the-docs' && header('x-webhook-event') === 'order.status_changed',
    );
    const { orderId } = webhook.json() as { orderId: string };
    expect(await waitUntilEnded(system.database, orderId, 2)).toMatchObject([
      { state: 'delivered' },
      { state: 'delivered' },
    ]);
    expect(chapter.isDone).toBe(true);
  });

  test('of "Rotating secrets" give an endpoint another secret', async () => {
    const customerServer = await addCustomerServer(system, receiver.url('/secrets'));
    const chapter = readChapter('secrets', customerServer);
    const [rotated] = await chapter.runNext({ ENDPOINT_ID: customerServer.endpointId });
    expect(rotated.data.signingSecret).toMatch(/^whsec_/);
    expect(rotated.data.signingSecret).not.toBe(customerServer.signingSecret);
    expect(chapter.isDone).toBe(true);
  });

  test('of "When your endpoint takes nothing" show its health, and enable it', async () => {
    const customerServer = await addCustomerServer(system, receiver.url('/states'));
    const { endpointId: ENDPOINT_ID } = customerServer;
    await system.database.prisma.webhookEndpoint.update({
      where: { id: ENDPOINT_ID },
      data: { state: 'disabled', stateReason: 'Gone.' },
    });
    const chapter = readChapter('endpoint-states', customerServer);
    const [shown] = await chapter.runNext({ ENDPOINT_ID });
    expect(shown.data.health).toMatchObject({ state: 'disabled', reason: 'Gone.' });
    const [enabled] = await chapter.runNext({ ENDPOINT_ID });
    expect(enabled.data).toMatchObject({ state: 'active', health: { state: 'healthy', window: 1 } });
    expect(chapter.isDone).toBe(true);
  });

  test('of "Recovering after an outage" find what failed and send it again, one and all', async () => {
    receiver.answer('/recovery', respond(400), respond(400), respond(200));
    const customerServer = await addCustomerServer(system, receiver.url('/recovery'));
    const chapter = readChapter('recovery', customerServer);
    const orderIds = [await createOrder(customerServer), await createOrder(customerServer)];
    const [delivery] = (await waitUntilEnded(system.database, orderIds[0]!, 1)) as { id: string }[];
    await waitUntilEnded(system.database, orderIds[1]!, 1);
    await chapter.runNext();

    const [failed, one] = await chapter.runNext({ DELIVERY_ID: delivery!.id });
    expect(failed.data).toHaveLength(2);
    expect(one.data).toMatchObject({
      state: 'failed',
      lastError: 'rejected',
      attempts: [{ responseStatus: 400, error: 'rejected: The endpoint answered 400.' }],
    });

    await chapter.runNext({ DELIVERY_ID: delivery!.id });
    expect(await waitUntilEnded(system.database, orderIds[0]!, 1)).toMatchObject([{ state: 'delivered' }]);

    const [started] = await chapter.runNext();
    const REPLAY_ID: string = started.data.replayId;
    await openInbox(receiver, orderIds[1]!).waitFor(1, 2);
    const [replay] = await chapter.runNext({ REPLAY_ID });
    expect(replay.data).toMatchObject({ matched: 1, reopened: 1 });

    const [feed] = await chapter.runNext();
    expect(feed.data.map((event: { orderId: string }) => event.orderId)).toEqual(orderIds);
    expect(feed.nextCursor).toEqual(expect.any(String));
    expect(chapter.isDone).toBe(true);
  });
});
