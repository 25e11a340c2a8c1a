/** What happens to a PostgreSQL, or to those that wait for it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import type { FaultStage } from './stage/create-fault-stage.ts';
import { holdDeliveries, holdNewestOrders } from './tools/hold-lock.ts';
import { terminateConnections } from './tools/terminate-connections.ts';

const LONG_MS = 10_000;

function databaseFault(kind: string, lastsMs: number, inject: Fault['inject']): Fault {
  return {
    kind,
    backends: ['redis', 'postgres'],
    lastsMs,
    allowsDuplicates: false,
    delaysRecords: true,
    inject,
  };
}

/** More than the connections that one API has for them. Changes wait on others. */
const READERS = 40;
const CONNECTIONS_OF_LISTS = 16;

/** Whoever asks for a delivery waits, until no connection is left for anybody else who asks for something; so do changes. */
async function takeAllConnections({ system, hangMs }: FaultStage): Promise<void> {
  const lock = await holdDeliveries(system.databaseUrl);
  const reading = Promise.allSettled(
    Array.from({ length: READERS }, () => system.operator.call('GET', '/api/admin/deliveries')),
  );
  try {
    await waitForWaiting(system, CONNECTIONS_OF_LISTS);
    await delay(hangMs(LONG_MS));
  } finally {
    await lock.letGo();
  }
  await reading;
}

const PATIENCE_MS = 5_000;
const POLL_MS = 50;

async function waitForWaiting({ database }: FaultStage['system'], count: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const { rows } = await database.pool.query<{ waiting: number }>(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and application_name like 'vendor-server-api%' and wait_event_type = 'Lock'`,
    );
    const waiting = rows[0]?.waiting ?? 0;
    if (waiting >= count) return;
    if (performance.now() > deadline) throw new Error(`Only ${waiting} connections wait for the lock.`);
    await delay(POLL_MS);
  }
}

/** So many that some of them are changed meanwhile. */
const FORGOTTEN_ORDERS = 20;

async function forgetLock({ system, hangMs }: FaultStage): Promise<void> {
  const lock = await holdNewestOrders(system.databaseUrl, FORGOTTEN_ORDERS);
  try {
    if (lock.rows === 0) throw new Error('There is no order to lock.');
    await delay(hangMs(LONG_MS));
  } finally {
    await lock.letGo();
  }
}

export const DATABASE_FAULTS: readonly Fault[] = [
  databaseFault('database connections terminated', 0, async ({ system }) => {
    if ((await terminateConnections(system.database.pool)) === 0)
      throw new Error('There were no connections.');
  }),
  databaseFault('database restarted (immediate shutdown)', 0, async ({ postgres }) => {
    await postgres.crash();
    await postgres.start();
  }),
  databaseFault('database hung', LONG_MS, async ({ postgres, hangMs }) => {
    await postgres.hang();
    try {
      await delay(hangMs(LONG_MS));
    } finally {
      await postgres.resume();
    }
  }),
  databaseFault('database connections all taken', LONG_MS, takeAllConnections),
  databaseFault('orders locked by a forgotten session', LONG_MS, forgetLock),
];
