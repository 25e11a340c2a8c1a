import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createNarrator } from './create-narrator.ts';
import type { ReceivedWebhook } from './received-webhooks.ts';

const WEBHOOK: ReceivedWebhook = {
  orderId: '0190aaaaaaaabbbbbbbbcccc',
  status: 'accepted',
  previousStatus: 'pending',
  version: 2,
  deliveryId: 'delivery-1',
  attempt: 1,
  answeredWith: 200,
};
const CALL = { who: 'vendor 1', what: 'POST /accept', status: 200, result: 'accepted' };

function createSubject() {
  const written: string[] = [];
  const narrator = createNarrator((text) => written.push(stripVTControlCharacters(text)), { pauseMs: 0 });
  return { narrator, lines: () => written.join('').split('\n').filter(Boolean) };
}

test('shows a webhook after the call that caused it, whichever comes first', () => {
  const { narrator, lines } = createSubject();
  narrator.calling();
  narrator.received(WEBHOOK);
  expect(lines()).toEqual([]);
  narrator.called(CALL);
  expect(lines().map((line) => line.includes('webhook'))).toEqual([false, true]);
});

test('shows a webhook at once while nobody calls', () => {
  const { narrator, lines } = createSubject();
  narrator.received({ ...WEBHOOK, attempt: 2, answeredWith: 503 });
  expect(lines()).toHaveLength(1);
  expect(lines()[0]).toMatch(/pending → accepted .*answered 503.*attempt 2/);
});

test('waits for the last of several calls', () => {
  const { narrator, lines } = createSubject();
  narrator.calling();
  narrator.calling();
  narrator.called(CALL);
  narrator.received(WEBHOOK);
  expect(lines()).toHaveLength(1);
  narrator.called({ ...CALL, who: 'vendor 2', status: 409, result: 'order_already_taken' });
  expect(lines()[2]).toContain('webhook');
});
