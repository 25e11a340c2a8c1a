import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryQueue } from './delivery-queue.ts';

const ASK_AGAIN_MS = 25;

/**
 * Gives a queue that was just opened a moment to connect, so that the first change's job is not left to the
 * relay. A queue that is away is not waited for any longer: its process works without it.
 */
export async function waitForQueue(queue: Pick<DeliveryQueue, 'ping'>, limitMs: number): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (performance.now() < giveUpAt) {
    try {
      return await queue.ping();
    } catch {
      await sleep(ASK_AGAIN_MS);
    }
  }
}
