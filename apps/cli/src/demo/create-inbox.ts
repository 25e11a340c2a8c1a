import type { ReceivedWebhook } from './received-webhooks.ts';

/** What the customer's server received, in the order in which it answered. */
export interface Inbox {
  readonly received: readonly ReceivedWebhook[];
  add(webhook: ReceivedWebhook): void;
  /**
   * Waits for a webhook of this status that the server answered so.
   * @throws Error when that takes longer than `timeoutMs`, or when `signal` aborts.
   */
  waitFor(
    wanted: Pick<ReceivedWebhook, 'status' | 'answeredWith'>,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<void>;
}

export function createInbox(): Inbox {
  const received: ReceivedWebhook[] = [];
  let arrival = Promise.withResolvers<void>();

  return {
    received,
    add(webhook) {
      received.push(webhook);
      arrival.resolve();
      arrival = Promise.withResolvers();
    },
    async waitFor({ status, answeredWith }, { timeoutMs, signal }) {
      const isWanted = (webhook: ReceivedWebhook) =>
        webhook.status === status && webhook.answeredWith === answeredWith;
      const end = Promise.withResolvers<never>();
      const what = `webhook "${status}" that is answered ${answeredWith}`;
      const giveUp = () => end.reject(new Error(`No ${what} arrived within ${timeoutMs / 1000} s.`));
      const timer = setTimeout(giveUp, timeoutMs);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      try {
        while (!received.some(isWanted)) await Promise.race([arrival.promise, end.promise]);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      }
    },
  };
}
