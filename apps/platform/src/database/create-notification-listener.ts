import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';

export interface NotificationListenerOptions {
  readonly url: string;
  /** An SQL identifier. */
  readonly channel: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Must not throw. */
  readonly onNotification: (payload: string) => void;
  /** From now on nothing is missed; what was notified before, since the last loss, was. Must not throw. */
  readonly onListening: () => void;
}

export interface NotificationListener {
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A connection that died without a word is found by the next check. */
const CHECK_INTERVAL_MS = 10_000;
const CHECK_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const END_PATIENCE_MS = 1_000;

/**
 * Listens on one PostgreSQL channel over a connection of its own, and connects again for as long as it takes:
 * after 0.1 s, then twice as long each time, up to 5 s. Notifications sent while there was no connection are
 * lost, so whoever needs them all looks for itself, too.
 */
export function createNotificationListener(options: NotificationListenerOptions): NotificationListener {
  const { logger } = options;
  const stopping = new AbortController();
  let retryMs = FIRST_RETRY_MS;
  let isLost = false;

  function onListening(): void {
    if (isLost) logger.info('Listening to the database again');
    isLost = false;
    retryMs = FIRST_RETRY_MS;
    options.onListening();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await listen(options, onListening, stopping.signal);
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!isLost) logger.warn({ err: error }, 'Lost the connection that listens to the database');
        isLost = true;
      }
      await delay(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  const running = run();
  return {
    close() {
      stopping.abort();
      return running;
    },
  };
}

/** Rejects when the connection is lost, or the signal aborts. */
async function listen(
  { url, channel, applicationName, onNotification }: NotificationListenerOptions,
  onListening: () => void,
  signal: AbortSignal,
): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CHECK_TIMEOUT_MS,
    keepAlive: true,
  });
  const ended = Promise.withResolvers<never>();
  client.on('error', (error) => ended.reject(error));
  client.on('end', () => ended.reject(new Error('the connection ended')));
  client.on('notification', ({ payload }) => onNotification(payload ?? ''));
  const over = new AbortController();

  async function listenAndCheck(): Promise<void> {
    await client.connect();
    await client.query(`listen ${channel}`);
    onListening();
    for (;;) {
      await delay(CHECK_INTERVAL_MS, undefined, { signal: AbortSignal.any([signal, over.signal]) });
      await client.query('select 1');
    }
  }

  try {
    await Promise.race([ended.promise, listenAndCheck()]);
  } finally {
    over.abort();
    await Promise.race([client.end(), delay(END_PATIENCE_MS)]);
  }
}
