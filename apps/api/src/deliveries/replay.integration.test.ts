import { reopenDeliveries } from '@vendor-server/platform/deliveries/reopen-sql.ts';
import { insertEndpoint, insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { getAnyReplayReference, getReplayReference, startReplayReference } from './reopen-reference.ts';

let api: TestApi;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let endpointId: string;

beforeAll(async () => {
  api = await createTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  server = await api.addCustomerServer();
  ({ endpointId } = await insertEndpoint(pool(), { customerServerId: server.id }));
});

const pool = () => api.database.pool;
const UNKNOWN_ID = '0190aaaaaaaabbbbbbbbcccc';
const SINCE = '2026-01-01T00:00:00.000Z';

type Audience = 'external' | 'admin';

async function ask(method: 'GET' | 'POST', path: string, payload?: object, audience: Audience = 'external') {
  const answer = await api.app.inject({
    method,
    url: `/api/${audience}/deliveries/replay${path}`,
    headers: audience === 'admin' ? api.operator : server.headers,
    ...(payload && { payload }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

async function start(payload: object): Promise<string> {
  const { status, body } = await ask('POST', '', payload);
  expect(status, JSON.stringify(body)).toBe(202);
  expect(Value.Check(startReplayReference.answers[202]?.schema as TSchema, body)).toBe(true);
  return body.data.replayId;
}

async function readPlaces(replayId: string): Promise<string[]> {
  const { rows } = await pool().query<{ endpointId: string }>(
    'select endpoint_id as "endpointId" from replay_endpoints where replay_id = $1 order by 1',
    [replayId],
  );
  return rows.map((row) => row.endpointId);
}

describe('asking for a replay', () => {
  test('takes what failed until now, at every endpoint of the caller that is there', async () => {
    const second = await insertEndpoint(pool(), { customerServerId: server.id, state: 'paused' });
    await insertEndpoint(pool(), { customerServerId: server.id, deleted: true });
    // Of somebody else.
    await insertEndpoint(pool());
    const replayId = await start({ since: SINCE });
    const { status, body } = await ask('GET', `/${replayId}`);
    expect(status).toBe(200);
    expect(Value.Check(getReplayReference.answers[200]?.schema as TSchema, body)).toBe(true);
    expect(body).toEqual({
      ok: true,
      data: {
        replayId,
        state: 'running',
        since: SINCE,
        until: expect.any(String),
        endpointId: null,
        states: ['failed'],
        matched: 0,
        reopened: 0,
        delivered: 0,
        failed: 0,
        createdAt: expect.any(String),
        finishedAt: null,
      },
    });
    expect(Math.abs(Date.parse(body.data.until) - Date.parse(body.data.createdAt))).toBeLessThan(5_000);
    expect(await readPlaces(replayId)).toEqual([endpointId, second.endpointId].toSorted());
    expect(api.logLines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({
        msg: 'Replay asked for',
        replayId,
        customerServerId: server.id,
        requestId: expect.any(String),
      }),
    );
  });

  test('may name an endpoint, an end and the states', async () => {
    await insertEndpoint(pool(), { customerServerId: server.id });
    const until = '2026-02-01T00:00:00.000Z';
    const replayId = await start({
      since: '2026-01-01T01:00:00+01:00',
      until,
      endpointId,
      states: ['delivered', 'superseded', 'delivered'],
    });
    const { body } = await ask('GET', `/${replayId}`);
    expect(body.data).toMatchObject({ since: SINCE, until, endpointId, states: ['delivered', 'superseded'] });
    expect(await readPlaces(replayId)).toEqual([endpointId]);
  });

  test('says by null what is left out', async () => {
    const replayId = await start({ since: SINCE, until: null, endpointId: null, states: null });
    expect((await ask('GET', `/${replayId}`)).body.data).toMatchObject({
      endpointId: null,
      states: ['failed'],
    });
  });

  test('beyond now ends now', async () => {
    const replayId = await start({ since: SINCE, until: '2100-12-31T00:00:00Z' });
    const { body } = await ask('GET', `/${replayId}`);
    expect(Date.parse(body.data.until)).toBeLessThanOrEqual(Date.parse(body.data.createdAt) + 1_000);
  });

  test.each([
    [{}, ['since is required']],
    [{ since: 'yesterday' }, [expect.stringMatching(/^since must be an RFC 3339 time/)]],
    [{ since: SINCE, until: 'now' }, [expect.stringMatching(/^until must be an RFC 3339 time/)]],
    [{ since: SINCE, until: SINCE }, ['since must be before until']],
    [{ since: SINCE, until: '2025-12-31T23:59:59Z' }, ['since must be before until']],
    [{ since: '2100-01-01T00:00:00Z' }, ['since must lie in the past']],
    [{ since: SINCE, states: [] }, ['states must be an array of 1 to 3 items']],
    [{ since: SINCE, states: ['cancelled'] }, [expect.stringContaining('must be one of [delivered, failed')]],
    [{ since: SINCE, endpointId: 'x' }, [expect.stringMatching(/^endpointId must be an id/)]],
  ])('with %j is refused with the reason', async (payload, details) => {
    const { status, body } = await ask('POST', '', payload);
    expect({ status, code: body.code, details: body.details }).toEqual({
      status: 400,
      code: 'validation_failed',
      details,
    });
  });

  test('of an endpoint that is another’s or unknown is 404, of a deleted one 409', async () => {
    const others = await insertEndpoint(pool());
    const deleted = await insertEndpoint(pool(), { customerServerId: server.id, deleted: true });
    for (const id of [others.endpointId, UNKNOWN_ID]) {
      expect(await ask('POST', '', { since: SINCE, endpointId: id })).toMatchObject({ status: 404 });
    }
    expect(await ask('POST', '', { since: SINCE, endpointId: deleted.endpointId })).toMatchObject({
      status: 409,
      body: { code: 'endpoint_deleted' },
    });
  });

  test('has a limit of those under way', async () => {
    for (let n = 0; n < 20; n += 1) await start({ since: SINCE });
    const refused = await ask('POST', '', { since: SINCE });
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.headers['retry-after']).toBe('60');
    await pool().query(
      `update replays set state = 'completed' where id =
         (select id from replays where customer_server_id = $1 limit 1)`,
      [server.id],
    );
    await start({ since: SINCE });
  });
});

describe('progress', () => {
  test('counts what has ended, whether a worker has counted it or not', async () => {
    const replayId = await start({ since: SINCE });
    const customerServerId = server.id;
    const { orderId, deliveryIds } = await insertOrder(pool(), { customerServerId, endpointId }, [
      'failed',
      'failed',
      'failed',
      'failed',
    ]);
    await reopenDeliveries(pool(), deliveryIds, { by: 'replay', replayId, states: ['failed'] });
    await pool().query(
      `update deliveries set finished_at = now(), state = case order_version when 1 then 'delivered' else 'failed' end
        where order_id = $1 and order_version < 4`,
      [orderId],
    );
    await pool().query(
      'update replays set matched = 9, reopened = 8, delivered = 2, failed = 1 where id = $1',
      [replayId],
    );
    expect((await ask('GET', `/${replayId}`)).body.data).toMatchObject({
      matched: 9,
      reopened: 8,
      delivered: 3,
      failed: 3,
    });
  });

  test('of another customer server’s replay, or none, is 404', async () => {
    const replayId = await start({ since: SINCE });
    server = await api.addCustomerServer();
    for (const id of [replayId, UNKNOWN_ID, 'x']) {
      expect(await ask('GET', `/${id}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
  });
});

describe('an operator', () => {
  test('names the customer server, and reads any replay', async () => {
    const { id: customerServerId } = server;
    const started = await ask('POST', '', { since: SINCE, customerServerId, endpointId }, 'admin');
    expect(started.status).toBe(202);
    const { replayId } = started.body.data;
    const { body } = await ask('GET', `/${replayId}`, undefined, 'admin');
    expect(Value.Check(getAnyReplayReference.answers[200]?.schema as TSchema, body)).toBe(true);
    expect(body.data).toMatchObject({ replayId, customerServerId, endpointId });
    expect((await ask('GET', `/${replayId}`)).status).toBe(200);
  });

  test('must name one that exists, and an endpoint of it', async () => {
    expect((await ask('POST', '', { since: SINCE }, 'admin')).body).toMatchObject({
      code: 'validation_failed',
      details: ['customerServerId is required'],
    });
    const others = await insertEndpoint(pool());
    for (const named of [
      { customerServerId: UNKNOWN_ID },
      { customerServerId: server.id, endpointId: others.endpointId },
    ]) {
      expect(await ask('POST', '', { since: SINCE, ...named }, 'admin')).toMatchObject({ status: 404 });
    }
    expect((await ask('GET', `/${UNKNOWN_ID}`, undefined, 'admin')).status).toBe(404);
  });
});
