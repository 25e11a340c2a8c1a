/** What is refused, with its reason, when an endpoint is made, changed or given another secret. */
import { ORDER_STATUSES } from '@vendor-server/domain/orders/order-status.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { createEndpointCalls, type EndpointCalls, type Method, URL_1 } from '../testing/endpoint-calls.ts';

let api: TestApi;
let calls: EndpointCalls;
let shared: Awaited<ReturnType<EndpointCalls['addEndpoint']>>;

beforeAll(async () => {
  api = await createTestApi();
  calls = createEndpointCalls(api);
  shared = await calls.addEndpoint();
});
afterAll(() => api.close());

const ask = (method: Method, path: string, payload?: object) =>
  calls.ask(method, path, payload, shared.server.headers);

const STATUS_RULE = `must be one of [${ORDER_STATUSES.join(', ')}]`;
const STATUSES_RULE = 'statuses must be null, or a list of at least one status with none twice';
const DELAY_RULE = 'must be an integer between 100 and 86400000';
const TIMEOUT_RULE = 'timeoutMs must be an integer between 500 and 10000';

const BAD_FIELDS: [object, string[]][] = [
  [{ url: 5 }, ['url must be a string of 1 to 2048 characters']],
  [{ url: 'ftp://customer.example/' }, ['url must be an absolute http:// or https:// URL']],
  [{ url: 'customer.example/hook' }, ['url must be an absolute http:// or https:// URL']],
  [{ url: 'https://user:password@customer.example/' }, ['url must not contain credentials']],
  [{ url: 'https://customer.example/#part' }, ['url must not contain a fragment']],
  [{ url: 'http://169.254.169.254/latest/meta-data' }, ['url must lead to a public address']],
  [{ url: 'http://10.0.0.1/' }, ['url must lead to a public address']],
  [{ url: 'http://[fd00::1]/' }, ['url must lead to a public address']],
  [{ statuses: [] }, [STATUSES_RULE]],
  [{ statuses: 'completed' }, [STATUSES_RULE]],
  [{ statuses: ['completed', 'completed'] }, [STATUSES_RULE]],
  [{ statuses: ['delivered'] }, [`statuses[0] ${STATUS_RULE}`]],
  [{ mode: 'sometimes' }, ['mode must be one of [every_step, latest_only]']],
  [{ mode: null }, ['mode must be one of [every_step, latest_only]']],
  [{ retryDelaysMs: [99] }, [`retryDelaysMs[0] ${DELAY_RULE}`]],
  [{ retryDelaysMs: [1000, 86_400_001] }, [`retryDelaysMs[1] ${DELAY_RULE}`]],
  [{ retryDelaysMs: [1000.5] }, [`retryDelaysMs[0] ${DELAY_RULE}`]],
  [{ retryDelaysMs: ['1000'] }, [`retryDelaysMs[0] ${DELAY_RULE}`]],
  [{ retryDelaysMs: Array(11).fill(1000) }, ['retryDelaysMs must be an array of at most 10 items']],
  [{ timeoutMs: 499 }, [TIMEOUT_RULE]],
  [{ timeoutMs: 10_001 }, [TIMEOUT_RULE]],
  [{ timeoutMs: '5000' }, [TIMEOUT_RULE]],
  [{ sendSharedSecret: 'yes' }, ['sendSharedSecret must be true or false']],
];

describe('bad input', () => {
  test.each(BAD_FIELDS)('%j makes nothing', async (fields, details) => {
    const { status, body } = await ask('POST', '', { url: URL_1, ...fields });
    expect({ status, code: body.code, details: body.details }).toEqual({
      status: 400,
      code: 'validation_failed',
      details,
    });
    expect((await ask('GET', '')).body.data).toHaveLength(1);
  });

  test('all of it is named at once', async () => {
    const { body } = await ask('POST', '', { timeoutMs: 1, mode: 'x' });
    expect(body.details).toEqual([
      'url is required',
      'mode must be one of [every_step, latest_only]',
      TIMEOUT_RULE,
    ]);
  });

  test.each(BAD_FIELDS)('%j changes nothing', async (fields, details) => {
    const { call } = shared;
    const before = await call('GET');
    const { status, body } = await call('PATCH', '', fields);
    expect({ status, details: body.details }).toEqual({ status: 400, details });
    expect(await call('GET')).toEqual(before);
  });

  test.each([
    [{ overlapHours: -1 }],
    [{ overlapHours: 169 }],
    [{ overlapHours: '24' }],
    [{ overlapHours: null }],
  ])('%j rotates nothing', async (payload) => {
    const { status, body } = await shared.call('POST', '/rotate-secret', payload);
    expect({ status, details: body.details }).toEqual({
      status: 400,
      details: ['overlapHours must be a number between 0 and 168'],
    });
    expect(await calls.readStored(shared.endpointId)).toMatchObject({ signingOverlapUntil: null });
  });

  test.each(['state=active', 'limit=0', 'limit=201', 'cursor=x'])('the list refuses ?%s', async (query) => {
    expect(await ask('GET', `?${query}`)).toMatchObject({ status: 400 });
  });
});

test('http:// and addresses of its own are refused where production refuses them', async () => {
  const strict = await createTestApi({ WEBHOOK_ALLOW_HTTP: 'false', WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8' });
  try {
    const { headers } = await strict.addCustomerServer();
    const create = async (url: string) => {
      const path = '/api/external/webhook-endpoints';
      const answer = await strict.app.inject({ method: 'POST', url: path, headers, payload: { url } });
      return answer.json().details ?? answer.statusCode;
    };
    expect(await create('http://customer.example/')).toEqual(['url must be an absolute https:// URL']);
    expect(await create('https://localhost/')).toEqual(['url must lead to a public address']);
    expect(await create('https://127.0.0.1/')).toEqual(['url must lead to a public address']);
    expect(await create('https://customer.example/')).toBe(201);
  } finally {
    await strict.close();
  }
});
