/**
 * Whose a credential is, remembered for a second: a caller who asks for much is looked up once a second, and not with each
 * request, of which the look-up was a third.
 *
 * - *One that was taken away is refused*: by the process that took it away, before its caller is answered; by the others when
 *   the notification arrives, milliseconds later, and where none arrives after a second. A previous secret is refused
 *   from the moment in which its overlap ends.
 * - *A new one holds at once*: that nobody is known by a credential is never remembered, so guesses take no memory either.
 * - What is remembered is an id by a hash: nothing else of its owner, which would be of a moment ago.
 */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createNotificationListener } from '@vendor-server/platform/database/create-notification-listener.ts';
import type { Logger } from 'pino';
import { findCustomerServerBySecretHash, findVendorByApiKeyHash } from './authentication-sql.ts';
import { createMemory } from './create-memory.ts';

export interface Credentials {
  /** Null when nobody has that secret, in use or still accepted. */
  findCustomerServerId(secretHash: string): Promise<string | null>;
  /** Null when nobody has that API key. */
  findVendorId(apiKeyHash: string): Promise<string | null>;
  /** To be awaited between the commit that takes a credential away and the answer to who asked for it. Never rejects. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export interface CredentialsOptions {
  readonly pool: Database['pool'];
  /** For the connection that listens. */
  readonly databaseUrl: string;
  readonly logger: Logger;
  readonly maxAgeMs?: number;
}

/** An SQL identifier. */
const CHANNEL = 'vendor_server_credentials';
const MAX_AGE_MS = 1_000;

export function createCredentials({
  pool,
  databaseUrl,
  logger,
  maxAgeMs = MAX_AGE_MS,
}: CredentialsOptions): Credentials {
  const customerServers = createMemory({
    look: (hash) => findCustomerServerBySecretHash(pool, hash),
    maxAgeMs,
  });
  const vendors = createMemory({ look: (hash) => findVendorByApiKeyHash(pool, hash), maxAgeMs });

  function forgetHere(): void {
    customerServers.forget();
    vendors.forget();
  }

  const listener = createNotificationListener({
    url: databaseUrl,
    channel: CHANNEL,
    applicationName: 'vendor-server-credentials',
    logger,
    onNotification: forgetHere,
    onListening: forgetHere,
  });

  return {
    findCustomerServerId: (hash) => customerServers.find(hash),
    findVendorId: (hash) => vendors.find(hash),
    async forget() {
      forgetHere();
      try {
        await pool.query(`notify ${CHANNEL}`);
      } catch (error) {
        logger.warn(
          { err: error },
          'Other processes may believe a credential that was taken away for a second',
        );
      }
    },
    close: () => listener.close(),
  };
}
