import { ENDPOINT_HEALTH_STATES } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import { insertEndpoint } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';

let api: TestApi;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());

const fail = (endpointId: string) =>
  api.database.pool.query(
    'update webhook_endpoints set consecutive_failures = 3, failing_since = now() where id = $1',
    [endpointId],
  );

test('a process that starts later lists the endpoints of every tenant by the states they were in', async () => {
  const { pool } = api.database;
  const inserted = {
    healthy: {},
    struggling: {},
    broken: { window: 0 },
    paused: { state: 'paused' },
    // It was broken before.
    disabled: { window: 0, state: 'disabled' },
  } as const satisfies Record<(typeof ENDPOINT_HEALTH_STATES)[number], object>;
  const expected: Record<string, string[]> = {};
  for (const state of ENDPOINT_HEALTH_STATES) {
    const own: string[] = [];
    for (let tenants = 0; tenants < 2; tenants += 1) {
      const { endpointId, customerServerId } = await insertEndpoint(pool, inserted[state]);
      if (state !== 'healthy' && state !== 'paused') await fail(endpointId);
      own.push(`${customerServerId} ${endpointId}`);
    }
    expected[state] = own.toSorted();
  }

  const later = await createTestApi({}, api);
  try {
    for (const state of ENDPOINT_HEALTH_STATES) {
      const url = `/api/admin/webhook-endpoints?state=${state}`;
      const { data } = (await later.app.inject({ url, headers: later.operator })).json<{
        data: { customerServerId: string; endpointId: string; health: { state: string } }[];
      }>();
      const listed = data.map(({ customerServerId, endpointId }) => `${customerServerId} ${endpointId}`);
      expect({ state, listed: listed.toSorted() }).toEqual({ state, listed: expected[state] });
      expect(new Set(data.map(({ health }) => health.state))).toEqual(new Set([state]));
    }
  } finally {
    await later.close();
  }
});
