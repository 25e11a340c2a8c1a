import { setTimeout as sleep } from 'node:timers/promises';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { drip, endlessBody, hugeHeaders, reset, resetHalfway, type Step } from '../receiver/steps.ts';

const DRIP_EVERY_MS = 100;
/** Takes 8 s: less than a time-out, so that such an answer is still a success. */
const SLOW_HEAD_LINES = 80;

/** A head of so many lines that come one at a time. */
function slowHeaders(lines: number): Step {
  return async ({ takeSocket, signal }) => {
    const socket = takeSocket();
    socket.write('HTTP/1.1 200 OK\r\n');
    for (let line = 1; line <= lines; line += 1) {
      socket.write('x-slow: yes\r\n');
      await sleep(DRIP_EVERY_MS, null, { signal });
    }
    socket.end('content-length: 0\r\n\r\n');
  };
}

/**
 * Each costs as much as it can and still counts as a success, so that nothing the endpoint does closes its window.
 */
const CUNNING: readonly Step[] = [
  slowHeaders(SLOW_HEAD_LINES),
  drip(200, DRIP_EVERY_MS),
  endlessBody(200),
  // Once more: it is these that hold on to their connections.
  slowHeaders(SLOW_HEAD_LINES),
  hugeHeaders(200, 15_000),
  resetHalfway(200),
];
/** The same without restraint. */
const BLUNT: readonly Step[] = [
  ...CUNNING,
  slowHeaders(Number.POSITIVE_INFINITY),
  hugeHeaders(200, 100_000),
  reset(),
];

export const ATTACK_PATHS = ['/cunning', '/blunt'] as const;

/** A server that attacks whoever sends it a webhook: on each path one way after the other. */
export async function createAttacker(): Promise<Receiver> {
  const receiver = await createReceiver();
  for (const [path, ways] of [
    [ATTACK_PATHS[0], CUNNING],
    [ATTACK_PATHS[1], BLUNT],
  ] as const) {
    let count = 0;
    receiver.answer(path, (answering) => {
      count += 1;
      return ways[count % ways.length]?.(answering);
    });
  }
  return receiver;
}
