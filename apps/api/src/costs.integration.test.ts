/**
 * What the API's requests cost: statements, each a round trip to the database, commands of the queue, and lines of the log.
 * One more of any is one more for every order there is: whoever adds one writes its reason here.
 */
import { setImmediate } from 'node:timers/promises';
import { createDeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { CUSTOM_PLANS, findReplanned } from '@vendor-server/platform/testing/find-replanned.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { type CostWatch, createCostWatch } from '@vendor-server/platform/testing/watch-costs.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestApi, type TestApi, type TestVendor } from './testing/create-test-api.ts';
import { buildServiceOrder } from './testing/sample-bodies.ts';
import { untilListening } from './testing/until-listening.ts';

const redisUrl = testRedisUrl();
const BURST = 50;
/** Once for each connection that is opened, and every few seconds for those that listen. */
const IN_THE_BACKGROUND = /^(set time zone .*|listen .*|select 1|find-offer-changes-since)$/;
let api: TestApi;
let url: string;
let watch: CostWatch;
let server: Awaited<ReturnType<TestApi['addCustomerServer']>>;
let vendor: TestVendor;

beforeAll(async () => {
  api = await createTestApi({ LOG_LEVEL: 'info' }, null, {
    // Nobody changes one here: that callers are known is part of what is counted.
    credentialMaxAgeMs: 3_600_000,
    ...(redisUrl !== null && {
      openQueue: (logger, databaseUrl) => createDeliveryQueue({ redisUrl, databaseUrl, logger }),
    }),
  });
  // Over a socket: an injected request logs one line more, as if its caller had gone away.
  url = await api.app.listen({ port: 0 });
  watch = await createCostWatch(api.database.pool, redisUrl);
  server = await api.addCustomerServer('http://127.0.0.1:9/');
  vendor = await api.addVendor();
  // What happens once: connections are opened, callers looked up (and forgotten by who begins to listen), statements prepared.
  await untilListening(api.database.pool, 'vendor-server-credentials', 1);
  await walk(await create());
}, 30_000);
afterAll(async () => {
  watch.close();
  await api.deps.queue.close();
  await api.close();
});

async function ask(method: 'GET' | 'POST', path: string, headers: Record<string, string>, payload?: object) {
  const body = payload && JSON.stringify(payload);
  const type = { 'content-type': 'application/json' };
  const answer = await fetch(url + path, { method, headers: { ...type, ...headers }, ...(body && { body }) });
  const text = await answer.text();
  expect(answer.status, text).toBeLessThan(300);
  return JSON.parse(text);
}

async function create(headers: Record<string, string> = {}): Promise<string> {
  const body = buildServiceOrder();
  const answer = await ask('POST', '/api/external/orders', { ...server.headers, ...headers }, body);
  return answer.data.orderId;
}

const STEPS: Readonly<Record<string, (orderId: string) => Promise<unknown>>> = {
  accept: (orderId) => act(orderId, 'accept'),
  start: (orderId) => act(orderId, 'start'),
  'request-payment': (orderId) => act(orderId, 'request-payment'),
  'confirm-payment': (orderId) =>
    ask('POST', `/api/external/orders/${orderId}/confirm-payment`, server.headers, {}),
  complete: (orderId) => act(orderId, 'complete'),
};

function act(orderId: string, action: string) {
  return ask('POST', `/api/vendor/orders/${orderId}/${action}`, vendor.headers, {});
}

async function walk(orderId: string): Promise<void> {
  for (const step of Object.values(STEPS)) {
    await deliver();
    await step(orderId);
  }
  await deliver();
}

/** As if a worker had: the next change finds its lane free. */
function deliver() {
  return api.database.pool.query(
    `update deliveries set state = 'delivered', finished_at = now(), job_due_at = null where state <> 'delivered'`,
  );
}

/** What it costs, with the lines that it writes into the log: each of its requests one, when its answer is out. */
async function costOf(run: () => Promise<unknown>, requests = 1) {
  await setImmediate();
  api.logLines.length = 0;
  const costs = await watch.of(run);
  await expect.poll(() => api.logLines.length).toBeGreaterThanOrEqual(requests);
  const statements = costs.statements.filter((sent) => !IN_THE_BACKGROUND.test(sent));
  return { statements, commands: costs.commands, lines: api.logLines.map((line) => JSON.parse(line).msg) };
}

/** One line, in which everything of a request is said. */
const LINES = ['Request handled'];
/** One job, added by one script. */
const ADD = redisUrl === null ? [] : [expect.stringMatching(/^evalsha wait paused meta id completed/)];
/** Guarded by what was read before, so never the same statement. */
const WRITE = 'write-order-change';

describe('an order that is created', () => {
  test('costs one read and one statement, and those of other processes who offer it are told', async () => {
    expect(await costOf(() => create())).toEqual({
      // The last one comes after the answer, and is one for all that are created meanwhile.
      statements: ['read-new-order-facts', 'write-new-order', 'notify-offer-changes'],
      commands: ADD,
      lines: LINES,
    });
  });

  test('with a key costs a transaction and the key besides', async () => {
    const key = { 'idempotency-key': 'costs' };
    expect(await costOf(() => create(key))).toEqual({
      statements: [
        'read-new-order-facts',
        // Waits for another request with that key, and not for long.
        'begin; set local lock_timeout = 5000',
        'take-idempotency-key',
        'write-new-order',
        'commit',
        'notify-offer-changes',
      ],
      commands: ADD,
      lines: LINES,
    });
    expect(await costOf(() => create(key))).toEqual({
      statements: [
        'read-new-order-facts',
        'begin; set local lock_timeout = 5000',
        'take-idempotency-key',
        'find-kept-answer',
        'commit',
      ],
      commands: [],
      lines: LINES,
    });
  });
});

test('a change costs one read and one statement', async () => {
  const orderId = await create();
  const reads: Readonly<Record<string, readonly string[]>> = {
    // With the order the offer and the vendor; its streams hear that it is no longer offered.
    accept: ['find-order-for-taker', WRITE, 'notify-offer-changes'],
    start: ['find-order-for-vendor', WRITE],
    'request-payment': ['find-order-for-vendor', WRITE],
    'confirm-payment': ['find-order-for-customer-server', WRITE],
    complete: ['find-order-for-vendor', WRITE],
  };
  for (const [name, step] of Object.entries(STEPS)) {
    await deliver();
    const costs = await costOf(() => step(orderId));
    expect(costs, name).toEqual({ statements: reads[name], commands: ADD, lines: LINES });
  }
});

test('a change whose lane is not free adds no job, and looks once', async () => {
  const orderId = await create();
  expect(await costOf(() => act(orderId, 'accept'))).toEqual({
    statements: expect.toSatisfy((sent: string[]) => {
      // Whoever makes a delivery that cannot go looks after its commit; what comes second is told beside it.
      expect(sent.toSorted()).toEqual(
        ['find-order-for-taker', WRITE, 'find-movable', 'notify-offer-changes'].toSorted(),
      );
      return true;
    }),
    commands: [],
    lines: LINES,
  });
});

test('a change that repeats the one before reads, and writes nothing', async () => {
  const orderId = await create();
  await act(orderId, 'accept');
  expect(await costOf(() => act(orderId, 'accept'))).toEqual({
    statements: ['find-order-for-taker'],
    commands: [],
    lines: LINES,
  });
});

test.each([
  ['/api/external/orders/:orderId', ['find-order-for-customer-server']],
  ['/api/external/orders/:orderId/timeline', ['read-timeline-for-customer-server']],
  // Their texts are made of what is asked for, and planned for it.
  ['/api/external/orders', [expect.stringMatching(/^select\s+o\.id/)]],
  ['/api/external/orders?status=pending', [expect.stringMatching(/^select\s+o\.id/)]],
  ['/api/external/deliveries', [expect.stringMatching(/^select\s+d\.id/)]],
])('GET %s', async (path, statements) => {
  const orderId = await create();
  const costs = await costOf(() => ask('GET', path.replace(':orderId', orderId), server.headers));
  expect(costs).toEqual({ statements, commands: [], lines: LINES });
});

test('the feed is read by one statement, once the changes before it have their places', async () => {
  await create();
  const read = () => costOf(() => ask('GET', '/api/external/events', server.headers));
  const placing = ['begin', "set local lock_timeout = '2s'", 'lock-feed', 'place-feed-batch', 'commit'];
  expect((await read()).statements).toEqual([
    'has-unplaced-changes',
    ...placing,
    'read-feed-for-customer-server',
  ]);
  expect(await read()).toEqual({
    statements: ['has-unplaced-changes', 'read-feed-for-customer-server'],
    commands: [],
    lines: LINES,
  });
});

test(`a burst of ${BURST} costs no more for each, and tells other processes together`, async () => {
  const { statements, commands, lines } = await costOf(
    () => Promise.all(Array.from({ length: BURST }, () => create())),
    BURST,
  );
  const countOf = (name: string) => statements.filter((sent) => sent === name).length;
  expect(new Set(statements)).toEqual(
    new Set([
      'read-new-order-facts',
      'write-new-orders',
      // One that comes alone, if any.
      ...(countOf('write-new-order') > 0 ? ['write-new-order'] : []),
      'notify-offer-changes',
      // When an endpoint has no room, of which one look is under way at a time, for all that came meanwhile.
      'find-movable',
    ]),
  );
  // The requests come one by one over their sockets, and how many share a statement depends on the machine.
  expect(countOf('read-new-order-facts')).toBeLessThanOrEqual(BURST);
  expect(countOf('write-new-orders') + countOf('write-new-order')).toBeLessThan(BURST);
  expect(countOf('find-movable')).toBeLessThan(BURST);
  expect(countOf('notify-offer-changes')).toBeLessThan(BURST);
  expect(commands.length).toBeLessThanOrEqual(BURST);
  expect(lines).toEqual(Array.from({ length: BURST }, () => LINES[0]));
});

test(`a burst of ${BURST} changes costs no more for each`, async () => {
  const orderIds: string[] = [];
  while (orderIds.length < BURST) orderIds.push(await create());
  await deliver();
  const { statements, lines } = await costOf(
    () => Promise.all(orderIds.map((orderId) => act(orderId, 'accept'))),
    BURST,
  );
  const countOf = (...names: string[]) => statements.filter((sent) => names.includes(sent)).length;
  const reads = ['find-orders-for-takers', 'find-order-for-taker'] as const;
  const writes = ['write-order-changes', WRITE] as const;
  expect(countOf(...reads)).toBeLessThan(BURST);
  expect(countOf(...writes)).toBeLessThan(BURST);
  expect(countOf(...reads, ...writes, 'find-movable', 'notify-offer-changes')).toBe(statements.length);
  expect(lines).toEqual(Array.from({ length: BURST }, () => LINES[0]));
});

test('statements are planned a few times on each connection, and then no more', async () => {
  for (let n = 0; n < CUSTOM_PLANS + 2; n += 1) {
    await walk(await create());
    for (const path of ['/api/external/orders', '/api/external/deliveries', '/api/external/events'])
      await ask('GET', path, server.headers);
  }
  expect(await findReplanned(api.database.pool)).toEqual([]);
});
