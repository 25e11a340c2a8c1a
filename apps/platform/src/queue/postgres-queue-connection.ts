/**
 * What BullMQ's PostgreSQL backend needs around it to live through an outage:
 *
 * - It keeps the failure of its first contact for ever. A queue then refuses every call, and a worker asks again
 *   without ever letting go of the event loop. So each is used only once its first contact has succeeded; one
 *   whose has not is thrown away and made anew.
 * - It knows a lost connection by ECONNREFUSED alone. After any other error (a server that is starting or full,
 *   a proxy that hangs up) a worker asks again at once, 2 500 times a second, and logs each time. So it is told
 *   every error of an outage as that one, after which it pauses.
 * - It listens to errors of none of the connections that it takes out of the pool but one: the loss of another, such as
 *   that of its first contact, would end the process. So ours are listened to from the pool on.
 */
import type { PostgresConnectionOptions } from 'bullmq';
import pg from 'pg';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../database/database-errors.ts';
import { surviveLostConnections } from '../database/survive-lost-connections.ts';

/** BullMQ's own schema, kept apart from ours; made by `npm run db:migrate`. */
const POSTGRES_QUEUE_SCHEMA = 'bullmq';

/** BullMQ cannot build its own pool in native ESM, and a pool of ours must name the schema itself. */
export function createQueuePool(
  { databaseUrl, logger }: { readonly databaseUrl: string; readonly logger: Logger },
  limits: pg.PoolConfig,
): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    options: `-c search_path=${POSTGRES_QUEUE_SCHEMA}`,
    application_name: 'vendor-server-queue',
    keepAlive: true,
    ...limits,
  });
  surviveLostConnections(pool, (error) => logger.warn({ err: error }, 'Queue database connection lost'));
  return pool;
}

interface FirstContact {
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

export interface OpenedOnPostgres<Part> {
  readonly part: Part;
  readonly pool: pg.Pool;
}

/**
 * Makes a queue or worker on a pool of its own and waits for its first contact.
 *
 * @throws the error of the first contact; everything that was made is let go then
 */
export async function openOnPostgres<Part extends FirstContact>(
  pool: pg.Pool,
  create: (connection: PostgresConnectionOptions) => Part,
): Promise<OpenedOnPostgres<Part>> {
  const part = create(toBullmqPool(pool));
  try {
    await part.waitUntilReady();
    return { part, pool };
  } catch (error) {
    await part.close();
    await pool.end();
    throw error;
  }
}

/** The pool as BullMQ uses one. Its errors are listened to where it is made. */
function toBullmqPool(pool: pg.Pool): PostgresConnectionOptions {
  const facade = {
    options: pool.options,
    query: (text: string, values?: unknown[]) => pool.query(text, values).catch(throwAsBullmqKnowsIt),
    connect: () => pool.connect().catch(throwAsBullmqKnowsIt),
    end: () => pool.end(),
    on: () => facade,
    removeAllListeners: () => facade,
  };
  return facade;
}

function throwAsBullmqKnowsIt(error: unknown): never {
  if (!isDatabaseUnavailable(error)) throw error;
  throw Object.assign(new Error('The queue database is away', { cause: error }), { code: 'ECONNREFUSED' });
}
