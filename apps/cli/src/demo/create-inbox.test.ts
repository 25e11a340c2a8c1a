import { expect, test } from 'vitest';
import { createInbox } from './create-inbox.ts';
import type { ReceivedWebhook } from './received-webhooks.ts';

const REFUSED: ReceivedWebhook = {
  orderId: '0190aaaaaaaabbbbbbbbcccc',
  status: 'pending',
  previousStatus: null,
  version: 1,
  deliveryId: 'delivery-1',
  attempt: 1,
  answeredWith: 503,
};
const TAKEN = { ...REFUSED, attempt: 2, answeredWith: 200 };

function never() {
  return new AbortController().signal;
}

test('waits for the answer that is wanted', async () => {
  const inbox = createInbox();
  let isTaken = false;
  const waiting = inbox
    .waitFor({ status: 'pending', answeredWith: 200 }, { timeoutMs: 10_000, signal: never() })
    .then(() => {
      isTaken = true;
    });
  inbox.add(REFUSED);
  await new Promise(setImmediate);
  expect(isTaken).toBe(false);
  inbox.add(TAKEN);
  await waiting;
  expect(inbox.received).toEqual([REFUSED, TAKEN]);
});

test('finds what came before', async () => {
  const inbox = createInbox();
  inbox.add(TAKEN);
  const waiting = inbox.waitFor(
    { status: 'pending', answeredWith: 200 },
    { timeoutMs: 10_000, signal: never() },
  );
  await expect(waiting).resolves.toBeUndefined();
});

test('gives up in time and when told to', async () => {
  const inbox = createInbox();
  const wanted = { status: 'completed', answeredWith: 200 };
  await expect(inbox.waitFor(wanted, { timeoutMs: 10, signal: never() })).rejects.toThrow('"completed"');
  const controller = new AbortController();
  const waiting = inbox.waitFor(wanted, { timeoutMs: 60_000, signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toThrow('"completed"');
  const late = inbox.waitFor(wanted, { timeoutMs: 60_000, signal: controller.signal });
  await expect(late).rejects.toThrow('"completed"');
});
