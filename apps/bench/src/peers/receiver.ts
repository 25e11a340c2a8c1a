/** The process that stands for all customers' servers: it takes each webhook, remembers when it came, and says 200. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRawReceiver, type RawReceiver } from '@vendor-server/e2e/receiver/create-raw-receiver.ts';
import type { ReceiverCalls } from './receiver-calls.ts';
import { servePeer } from './serve-peer.ts';

const LOOK_EVERY_MS = 5;

let receiver: RawReceiver | null = null;
let forgotten = 0;

function receipts() {
  return receiver?.receipts.slice(forgotten) ?? [];
}

function count(): number {
  return (receiver?.receipts.length ?? 0) - forgotten;
}

const calls: ReceiverCalls = {
  async listen({ hangs }) {
    receiver = await createRawReceiver({ hangs });
    return receiver.port;
  },
  async forget() {
    forgotten += count();
  },
  count: async () => count(),
  async waitFor({ count: wanted, limitMs }) {
    const giveUpAt = performance.now() + limitMs;
    while (count() < wanted && performance.now() < giveUpAt) await sleep(LOOK_EVERY_MS);
    return count();
  },
  receipts: async () => receipts(),
};

servePeer(calls);
