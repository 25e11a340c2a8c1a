import { insertOrder, readStates } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition } from '@vendor-server/platform/testing/parse-exposition.ts';
import { expect, test } from 'vitest';
import { createDeliveryStage } from '../delivery/create-delivery-stage.ts';

test('a worker removes what is over, says so, and how far back it reaches', async () => {
  const stage = await createDeliveryStage({ redisUrl: null });
  try {
    const { pool } = stage.database;
    const endpoint = await stage.addEndpoint({});
    const ended = async (days: number) => {
      const { orderId } = await insertOrder(pool, endpoint, ['delivered']);
      await pool.query(
        `update deliveries set finished_at = now() - interval '1 day' * $2::float8 where order_id = $1`,
        [orderId, days],
      );
      return orderId;
    };
    const [old, young] = [await ended(31), await ended(29)];
    await stage.startWorker();
    await expect.poll(() => readStates(pool, old), { timeout: 15_000 }).toEqual([]);
    expect(await readStates(pool, young)).toEqual(['delivered']);
    await expect
      .poll(() => stage.logLines.filter(({ msg }) => msg === 'Retention removed what is over'))
      .toMatchObject([{ delivery: 1 }]);
    const page = parseExposition(await stage.api.metricsPage.read());
    const oldestSeconds = page.valueOf('vendor_server_oldest_kept_age_seconds', { kind: 'delivery' });
    expect(oldestSeconds).toBeGreaterThan(29 * 86_400);
    expect(oldestSeconds).toBeLessThan(30 * 86_400);
    expect(page.valueOf('vendor_server_oldest_kept_age_seconds', { kind: 'order' })).toBe(0);
  } finally {
    await stage.close();
  }
});
