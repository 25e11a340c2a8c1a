/** Orders and deliveries that are over since long ago, and sweeps over them, for tests of retention. */
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createRetentionMetrics } from '@vendor-server/platform/metrics/retention-metrics.ts';
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { createSweep } from '../sweeps/create-sweep.ts';

export interface SweepStageOptions {
  readonly retentionDays: number;
  /** Default: orders are kept for ever. */
  readonly retentionOrdersDays?: number;
}

export function createSweepStage(database: Pick<Database, 'pool'>, options: SweepStageOptions) {
  const { pool } = database;
  const logLines: Record<string, unknown>[] = [];
  const write = (line: string) => void logLines.push(JSON.parse(line));
  const logger = createLoggerTo({ write }, { name: 'test', level: 'info' });
  const registry = createMetricsRegistry();
  const settings = { retentionOrdersDays: null, ...options };
  const sweepOn = createSweep({ database, settings, metrics: createRetentionMetrics(registry), logger });

  /** One sweep to its end, without its pauses, which it gives. */
  async function sweep(): Promise<number[]> {
    const pauses: number[] = [];
    for (let pause = await sweepOn(); pause !== null; pause = await sweepOn()) pauses.push(pause);
    return pauses;
  }

  /** Makes everything about an order so many days older. */
  async function age(orderId: string, days: number): Promise<void> {
    await pool.query(
      `with o as (
         update orders set created_at = created_at - interval '1 day' * $2::float8,
                           updated_at = updated_at - interval '1 day' * $2::float8 where id = $1
       ), t as (
         update order_transitions set changed_at = changed_at - interval '1 day' * $2::float8 where order_id = $1
       ), n as (
         update offer_declines set declined_at = declined_at - interval '1 day' * $2::float8 where order_id = $1
       )
       update deliveries set changed_at = changed_at - interval '1 day' * $2::float8,
                             finished_at = finished_at - interval '1 day' * $2::float8 where order_id = $1`,
      [orderId, days],
    );
  }

  /** An order that is over in all but its status, and so old. */
  async function insertOld(days: number, ...states: Parameters<typeof insertOrder>[2]) {
    const endpoint = await insertEndpoint(pool);
    const order = await insertOrder(pool, endpoint, states);
    await age(order.orderId, days);
    return { ...endpoint, ...order };
  }

  /** Makes an order one that is over. */
  async function complete(orderId: string): Promise<void> {
    await pool.query(`update orders set status = 'completed', completed_at = updated_at where id = $1`, [
      orderId,
    ]);
  }

  /** How the pruned deliveries of an order ended, by version. */
  async function readPruned(orderId: string): Promise<string[]> {
    const { rows } = await pool.query<{ state: string }>(
      `select p.state from pruned_deliveries p join order_transitions t on t.id = p.transition_id
        where t.order_id = $1 order by t.version, p.endpoint_id`,
      [orderId],
    );
    return rows.map(({ state }) => state);
  }

  async function countRemoved(kind: string): Promise<number | null> {
    return parseExposition(await registry.metrics()).valueOf('vendor_server_retention_removed_total', {
      kind,
    });
  }

  return { logLines, sweep, sweepOn, age, insertOld, complete, readPruned, countRemoved };
}

export type SweepStage = ReturnType<typeof createSweepStage>;
