/**
 * Offer events of all API processes on one database.
 *
 * An event reaches the streams of its own process at once, and those of the others as a PostgreSQL notification,
 * which carries ids alone. It is sent after the change's commit and in a statement of its own: `notify` inside
 * the change's transaction would take the one lock that all notifying commits of a database queue up for, and
 * the caller would wait for it.
 *
 * Notifications get lost: with the process that was to send them, with the connection that listens, with a
 * statement that fails. So each process also looks every few seconds for changes that it has not heard of
 * (`create-change-poll.ts`), and at once when it listens again. Changes of vendors are looked for by the
 * renewal of their presence (`offer-streams.ts`).
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createNotificationListener } from '@vendor-server/platform/database/create-notification-listener.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { Logger } from 'pino';
import { createChangePoll } from './create-change-poll.ts';
import { createNotifier } from './create-notifier.ts';
import { createOfferEvents, type OfferEvents } from './offer-events.ts';
import { OFFER_CHANNEL, parseNotification } from './offer-notification.ts';

export type SharedOfferEvents = OfferEvents & {
  /** Ends both connections' use; the last events published here may not reach the others. */
  close(): Promise<void>;
};

export type SharedOfferEventsOptions = {
  pool: Database['pool'];
  /** For the connection that listens. */
  databaseUrl: string;
  logger: Logger;
  /** The longest that a lost notification of an order goes unnoticed. */
  pollMs?: number;
};

export function createSharedOfferEvents({
  pool,
  databaseUrl,
  logger,
  pollMs = 5_000,
}: SharedOfferEventsOptions): SharedOfferEvents {
  const processId = createId();
  const local = createOfferEvents();
  const notifier = createNotifier({ executor: pool, processId, logger });
  const poll = createChangePoll({ executor: pool, events: local, intervalMs: pollMs, logger });
  const listener = createNotificationListener({
    url: databaseUrl,
    channel: OFFER_CHANNEL,
    applicationName: 'vendor-server-offers',
    logger,
    onNotification(payload) {
      const notification = parseNotification(payload);
      if (notification === null || notification.processId === processId) return;
      for (const change of notification.changes) local.publish(change);
    },
    onListening: () => poll.lookNow(),
  });

  return {
    publish(change) {
      local.publish(change);
      notifier.send(change);
    },
    subscribe: (each, isAwake) => local.subscribe(each, isAwake),
    isAnybodyAwake: () => local.isAnybodyAwake(),
    async close() {
      await Promise.all([listener.close(), poll.close(), notifier.close()]);
    },
  };
}
