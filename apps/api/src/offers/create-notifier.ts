import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import type { Logger } from 'pino';
import { notifyOfferChanges } from './offer-changes-sql.ts';
import type { OfferChange } from './offer-events.ts';
import { MAX_CHANGES_PER_NOTIFICATION, toPayload } from './offer-notification.ts';

export type NotifierOptions = {
  executor: SqlExecutor;
  processId: string;
  logger: Pick<Logger, 'warn'>;
};

export type Notifier = {
  /** Returns at once and never throws. */
  send(change: OfferChange): void;
  /** Waits for the statement that is under way. */
  close(): Promise<void>;
};

/** While the database is away; what is dropped then is found by the polls. */
const MAX_WAITING = 10_000;

/**
 * Tells the other processes of changes, one statement at a time: what comes while it runs goes with the next
 * one, so that a burst costs few statements and never more than one connection.
 */
export function createNotifier({ executor, processId, logger }: NotifierOptions): Notifier {
  const waiting: OfferChange[] = [];
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (waiting.length > 0) {
      const changes = waiting.splice(0, MAX_CHANGES_PER_NOTIFICATION);
      try {
        await notifyOfferChanges(executor, toPayload({ processId, changes }));
      } catch (error) {
        logger.warn(
          { err: error, changes: changes.length },
          'Other processes could not be told of offer changes',
        );
      }
    }
    sending = null;
  }

  return {
    send(change) {
      if (waiting.length >= MAX_WAITING) waiting.shift();
      waiting.push(change);
      sending ??= sendAll();
    },
    async close() {
      waiting.length = 0;
      await sending;
    },
  };
}
