import { createTcpProxy, type TcpProxy } from '../../system/create-tcp-proxy.ts';
import { createTraps, type Point, type Trap } from './create-traps.ts';
import { watchPostgres } from './watch-postgres.ts';
import { watchRedis } from './watch-redis.ts';

/** One process's own way to the database and to the queue, on which a fault meets nobody else. */
export interface Wires {
  /** Settings of the process that goes this way. */
  readonly env: { readonly DATABASE_URL: string; readonly REDIS_URL?: string };
  readonly database: TcpProxy;
  /** Of a queue in PostgreSQL the database's. */
  readonly queue: TcpProxy;
  /** Catches the next of the process's statements that comes there, wherever it goes. */
  catchAt(point: Point): Trap;
  /** Ends both, and with them every connection. */
  close(): Promise<void>;
}

/** @param redisUrl null: the queue lives in PostgreSQL */
export async function createWires(databaseUrl: string, redisUrl: string | null): Promise<Wires> {
  const traps = createTraps();
  const database = await createTcpProxy(databaseUrl, (connection) => watchPostgres(connection, traps));
  const redis =
    redisUrl === null ? null : await createTcpProxy(redisUrl, (connection) => watchRedis(connection, traps));
  return {
    env: { DATABASE_URL: database.url, ...(redis !== null && { REDIS_URL: redis.url }) },
    database,
    queue: redis ?? database,
    catchAt: (point) => traps.set(point),
    async close() {
      await database.close();
      await redis?.close();
    },
  };
}
