/**
 * How long ago what is kept longest came to its end. Beside the settings it says whether retention keeps up, also when no
 * worker runs that could: it is the same on every process, so take the maximum.
 */
import { Gauge, type Registry } from '@prometheus-io/client';
import type { Database } from '../database/create-database.ts';
import type { SqlExecutor } from '../database/sql-executor.ts';
import { createCachedReader } from './create-cached-reader.ts';

/** Retention is about days. */
const MAX_AGE_MS = 60_000;
/** As for the backlog. */
const WAIT_MS = 1_000;

/** Seconds since the end of the oldest; 0: there is none. */
export interface OldestKept {
  readonly delivery: number;
  readonly order: number;
  /** Since it was taken. */
  readonly idempotencyKey: number;
}

/** The first entry of an index each. */
export async function readOldestKept(executor: SqlExecutor): Promise<OldestKept> {
  const { rows } = await executor.query<OldestKept>({
    name: 'read-oldest-kept',
    text: `
      select ${ageSeconds(`select finished_at from deliveries where finished_at is not null
                            order by finished_at limit 1`)} as delivery,
             ${ageSeconds(`select updated_at from orders where status in ('completed', 'cancelled')
                            order by updated_at limit 1`)} as order,
             ${ageSeconds('select created_at from idempotency_keys order by created_at limit 1')} as "idempotencyKey"`,
  });
  const [oldest] = rows;
  if (oldest === undefined) throw new Error('reading the oldest that is kept returned no row');
  return oldest;
}

function ageSeconds(time: string): string {
  return `coalesce(greatest(extract(epoch from clock_timestamp() - (${time})), 0), 0)::float8`;
}

/** @returns brings the gauge up to date, as far as that goes within a second; never rejects */
export function createOldestKeptMetrics({
  registry,
  database: { pool },
}: {
  readonly registry: Registry;
  readonly database: Pick<Database, 'pool'>;
}): () => Promise<void> {
  const gauge = new Gauge({
    name: 'vendor_server_oldest_kept_age_seconds',
    help: 'Time since the end of what is kept longest, by kind: finished deliveries, finished orders, idempotency keys; 0: there is none.',
    labelNames: ['kind'],
    registers: [registry],
  });
  const read = createCachedReader(() => readOldestKept(pool), { maxAgeMs: MAX_AGE_MS, waitMs: WAIT_MS });
  return async () => {
    const reading = await read();
    if (reading === null) return;
    const { value, ageMs } = reading;
    const sinceThen = (seconds: number) => (seconds === 0 ? 0 : seconds + ageMs / 1000);
    gauge.set({ kind: 'delivery' }, sinceThen(value.delivery));
    gauge.set({ kind: 'order' }, sinceThen(value.order));
    gauge.set({ kind: 'idempotency_key' }, sinceThen(value.idempotencyKey));
  };
}
