import { setTimeout as delay } from 'node:timers/promises';
import type { RunningProcess } from './start-process.ts';
import { describeEnd } from './start-process.ts';

const POLL_MS = 50;
const ANSWER_TIMEOUT_MS = 3_000;

export interface WaitOptions {
  url: string;
  timeoutMs: number;
  /** Ends the wait early. */
  signal: AbortSignal;
}

/**
 * Waits until a URL that the process serves answers 2xx.
 * @throws Error when the process ends first, when time is up, or when `signal` aborts.
 */
export async function waitUntilAnswering(
  running: RunningProcess,
  { url, timeoutMs, signal }: WaitOptions,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let lastAnswer = 'no answer';
  for (;;) {
    const endedBy = describeEnd(running.child);
    if (endedBy !== null) throw new Error(`The ${running.name} process ended while it started (${endedBy}).`);
    if (performance.now() > deadline) {
      throw new Error(
        `The ${running.name} process was not ready after ${timeoutMs / 1000} s: ${lastAnswer} from ${url}.`,
      );
    }
    const status = await readStatus(url);
    if (status !== null && status >= 200 && status < 300) return;
    lastAnswer = status === null ? 'no answer' : `status ${status}`;
    await delay(POLL_MS, undefined, { signal });
  }
}

async function readStatus(url: string): Promise<number | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.status;
  } catch {
    // Nothing listens yet, or not in time: both mean "not yet".
    return null;
  }
}
