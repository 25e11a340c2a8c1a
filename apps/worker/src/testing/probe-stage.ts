/** Broken endpoints and what waits for them, for tests of how they are tried. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import {
  type DeliveryRow,
  type EndpointOptions,
  insertOrder,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { attemptDelivery } from '../deliveries/attempt-delivery.ts';
import type { AttemptStage } from './attempt-stage.ts';
import { endCooldown, makeDueEarlier } from './shift-time-sql.ts';

export type ProbeStage = ReturnType<typeof createProbeStage>;

export function createProbeStage(database: Database, stage: AttemptStage) {
  /** A broken endpoint with so many orders that wait for it, the oldest first. */
  async function addBroken(orders: number, options: EndpointOptions = {}) {
    const endpoint = await stage.insertEndpoint({ window: 0, ...options });
    const { endpointId } = endpoint;
    const orderIds: string[] = [];
    const deliveryIds: string[] = [];
    for (let n = 0; n < orders; n += 1) {
      const order = await insertOrder(database.pool, endpoint, ['waiting']);
      await makeDueEarlier(database.pool, order.deliveryIds[0] ?? '', (orders - n) * 1_000);
      orderIds.push(order.orderId);
      deliveryIds.push(order.deliveryIds[0] ?? '');
    }

    /** The cool-down is over: the delivery that the relay tries then. */
    async function probe(result: AttemptResult): Promise<string> {
      await endCooldown(database.pool, endpointId);
      const { probes } = await stage.relayTick();
      if (probes !== 1) throw new Error(`${probes} probes were started`);
      stage.answer(result);
      const job = stage.queue.take();
      await attemptDelivery(stage.deps, job);
      return job.deliveryId;
    }

    return {
      ...endpoint,
      orderIds,
      deliveryIds,
      probe,
      states: async () => (await Promise.all(orderIds.map((id) => readStates(database.pool, id)))).flat(),
      read: () => database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id: endpointId } }),
    };
  }

  return { addBroken };
}

export async function readFirstDelivery(
  executor: SqlExecutor,
  orderId: string | undefined,
): Promise<DeliveryRow> {
  const [row] = await readDeliveries(executor, orderId ?? '');
  if (row === undefined) throw new Error('there is no such delivery');
  return row;
}

/** To the microsecond. */
export async function readDueAtText(
  executor: SqlExecutor,
  deliveryId: string | undefined,
): Promise<string | undefined> {
  const { rows } = await executor.query<{ dueAt: string }>(
    'select due_at::text as "dueAt" from deliveries where id = $1',
    [deliveryId],
  );
  return rows[0]?.dueAt;
}
