import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { CustomerServer } from '../system/add-customer-server.ts';
import { insertChanges } from '../system/insert-changes.ts';
import { readProcessUse } from '../system/watch-process.ts';
import type { HostileStage } from './create-hostile-stage.ts';

export interface Drain {
  readonly deliveries: number;
  readonly perSecond: number;
  /** Of the worker, for each delivery. */
  readonly cpuMs: number;
  /** Transactions of everybody on the database, for each delivery; a statement of its own is one. */
  readonly transactions: number;
}

const GIVE_UP_AFTER_MS = 60_000;

/**
 * How fast a backlog of so many changes goes out that is spread evenly over these customer servers, from its first
 * receipt to its last. Nothing else is sent meanwhile.
 */
export async function measureDrain(
  { system, worker, receiver }: HostileStage,
  customerServers: readonly CustomerServer[],
  count: number,
): Promise<Drain> {
  const { pool } = system.database;
  const before = receiver.receipts.length;
  const startUse = await readProcessUse(worker.pid);
  const startTransactions = await readTransactions(pool);
  // All begin at once: the relay looks at no endpoint before the last has its backlog.
  const endpointIds = customerServers.map(({ endpointId }) => endpointId);
  const setState = (state: string) =>
    pool.query('update webhook_endpoints set state = $2 where id = any ($1)', [endpointIds, state]);
  await setState('paused');
  for (const { customerServerId, endpointId } of customerServers) {
    await insertChanges(pool, {
      customerServerId,
      endpointIds: [endpointId],
      count: count / customerServers.length,
    });
  }
  await setState('active');
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS;
  while (receiver.receipts.length < before + count && performance.now() < giveUpAt) await sleep(20);
  const receipts = receiver.receipts.slice(before);
  const tookMs = receipts.at(-1)!.receivedAt - receipts[0]!.receivedAt;
  const endUse = await readProcessUse(worker.pid);
  return {
    deliveries: receipts.length,
    perSecond: (receipts.length / tookMs) * 1_000,
    cpuMs: (endUse.cpuMs - startUse.cpuMs) / receipts.length,
    transactions: ((await readTransactions(pool)) - startTransactions) / receipts.length,
  };
}

async function readTransactions(pool: pg.Pool): Promise<number> {
  // Sessions report what they did once a second.
  await sleep(1_100);
  const { rows } = await pool.query<{ count: number }>(
    'select xact_commit as count from pg_stat_database where datname = current_database()',
  );
  return rows[0]?.count ?? 0;
}
