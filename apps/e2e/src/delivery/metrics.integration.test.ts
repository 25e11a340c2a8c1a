/** What `/metrics` of a real API and a real worker say, while jobs run and when something is wrong. */
import { readFileSync } from 'node:fs';
import { buildApp } from '@vendor-server/api/app.ts';
import { insertOrder } from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { parseExposition, type Sample } from '@vendor-server/platform/testing/parse-exposition.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { respond } from '../receiver/steps.ts';
import { evaluateAlert, evaluateIncreaseAlert, isSelected } from '../tooling/evaluate-alert.ts';
import { parsePromql } from '../tooling/parse-promql.ts';
import { createDeliveryStage, type DeliveryStage, type StageWorker } from './create-delivery-stage.ts';
import { until } from './until.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

const file = new URL('../../../monitoring/alerts.yaml', import.meta.url);
const groups: readonly RuleGroup[] = parse(readFileSync(file, 'utf8')).groups;
/** Those over deliveries. The others are of processes, and how slow this machine is says nothing here. */
const rules = groups.flatMap(({ name, rules: of }) => (name === 'vendor-server-delivery' ? of : []));

/** A window. */
const ORDERS = 16;
const SCRAPES = 40;
/** The two seconds after which a claim is given back, and a bit. */
const CLAIM_TOOK_TOO_LONG_MS = 2_050;

let stage: DeliveryStage;
let app: ReturnType<typeof buildApp>;
let worker: StageWorker;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await createReceiver();
  // With the queue in PostgreSQL, where a scrape asks the same database for everything.
  stage = await createDeliveryStage({ redisUrl: null });
  app = buildApp(stage.api);
  worker = await stage.startWorker();
});
afterAll(async () => {
  await app.close();
  await receiver.close();
  await stage.close();
});

const asOperator = () => ({ authorization: `Bearer ${stage.api.settings.adminApiKeys[0]}` });

/** With what Prometheus adds. */
function toSamples(status: number, text: string, job: string): Sample[] {
  expect(status, text).toBe(200);
  return parseExposition(text).samples.map((sample) => ({
    ...sample,
    labels: { ...sample.labels, job, instance: '127.0.0.1:1' },
  }));
}

async function scrapeApi(): Promise<Sample[]> {
  const { statusCode, body } = await app.inject({ url: '/metrics', headers: asOperator() });
  return toSamples(statusCode, body, 'vendor-server-api');
}

async function scrapeWorker(): Promise<Sample[]> {
  const answer = await fetch(`http://127.0.0.1:${worker.port}/metrics`, { headers: asOperator() });
  return toSamples(answer.status, await answer.text(), 'vendor-server-worker');
}

const scrape = async () => (await Promise.all([scrapeApi(), scrapeWorker()])).flat();

/** Of every process that has it. */
function valuesOf(samples: readonly Sample[], name: string, label: string, value: string): number[] {
  return samples
    .filter((sample) => sample.name === name && sample.labels[label] === value)
    .map((sample) => sample.value);
}

/** Names of the rules that fire, in their order. */
function findFiring(samples: readonly Sample[], nowSeconds: number): string[] {
  return rules
    .filter(({ expr }) => (evaluateAlert(expr, samples, nowSeconds) ?? []).length > 0)
    .map(({ alert }) => alert);
}

const nowSeconds = () => Date.now() / 1_000;

test('scrapes at once are answered while jobs run in PostgreSQL, and none is lost for it', {
  timeout: 40_000,
}, async () => {
  const held = Promise.withResolvers<void>();
  receiver.answer('/held', async (answering) => {
    await held.promise;
    return respond(200)(answering);
  });
  const { customerServerId } = await stage.addEndpoint({ url: receiver.url('/held') });
  const orderIds = await Promise.all(
    Array.from({ length: ORDERS }, () => stage.createOrder(customerServerId)),
  );
  await until(async () => {
    const samples = await scrape();
    expect(valuesOf(samples, 'vendor_server_queue_jobs', 'state', 'active')).toEqual([ORDERS, ORDERS]);
    expect(valuesOf(samples, 'vendor_server_deliveries_open', 'state', 'queued')).toEqual([ORDERS, ORDERS]);
  });

  held.resolve();
  const scrapes = Promise.all(Array.from({ length: SCRAPES }, () => scrape()));
  await Promise.all(orderIds.map((orderId) => stage.change(orderId, 'assigned')));
  for (const samples of await scrapes) {
    expect(findFiring(samples, nowSeconds())).toEqual([]);
  }
  await until(async () => {
    const samples = await scrape();
    const finished = 'vendor_server_deliveries_finished_total';
    expect(valuesOf(samples, finished, 'state', 'delivered')).toEqual([0, 2 * ORDERS]);
    expect(valuesOf(samples, 'vendor_server_queue_jobs', 'state', 'active')).toEqual([0, 0]);
  });
});

/** How many statements have waited for somebody's lock for so long. */
async function countWaiting(forMs: number): Promise<number> {
  const { rows } = await stage.database.pool.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'
        and clock_timestamp() - query_start > make_interval(secs => $1::float8 / 1000)`,
    [forMs],
  );
  return rows[0]?.count ?? 0;
}

test('a claim that somebody kept waiting fires the rule for it, and no other', async () => {
  const { pool } = stage.database;
  const { orderId, deliveryIds } = await insertOrder(
    pool,
    await stage.addEndpoint({ url: receiver.url('/kept-waiting') }),
    ['queued'],
  );
  const [deliveryId = ''] = deliveryIds;
  const before = await scrapeWorker();
  const holder = await pool.connect();
  try {
    await holder.query('begin');
    await holder.query('select 1 from deliveries where id = $1 for update', [deliveryId]);
    const data = { deliveryId, generation: 1, orderId, version: 1, status: 'pending', endpointHost: '' };
    await stage.api.queue.add([{ delayMs: 0, data }]);
    await until(async () => expect(await countWaiting(CLAIM_TOOK_TOO_LONG_MS)).toBe(1));
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  await until(async () => {
    const after = await scrapeWorker();
    const firing = rules.filter(({ expr }) => (evaluateIncreaseAlert(expr, before, after) ?? []).length > 0);
    expect(firing.map(({ alert }) => alert)).toEqual(['ClaimsTakeTooLong']);
  });
});

test('rules fire in the state they are for, and in no other; the others name what there is', async () => {
  const { pool } = stage.database;
  // Something has failed, for the rules over counters.
  receiver.answer('/gone', respond(404));
  const gone = await stage.addEndpoint({ url: receiver.url('/gone') });
  await stage.createOrder(gone.customerServerId);
  let ofWorker: Sample[] = [];
  await until(async () => {
    ofWorker = await scrapeWorker();
    expect(valuesOf(ofWorker, 'vendor_server_deliveries_finished_total', 'state', 'failed')).toEqual([1]);
  });
  expect(findFiring([...(await scrapeApi()), ...ofWorker], nowSeconds())).toEqual([]);

  // Nobody attempts or probes anything now.
  await worker.stop();
  const broken = [];
  for (let n = 0; n < 21; n += 1) {
    broken.push(await stage.addEndpoint({ url: receiver.url('/broken'), window: 0 }));
  }
  const disabled = await stage.addEndpoint({ url: receiver.url('/disabled'), state: 'disabled' });
  const held = await insertOrder(pool, broken[0]!, ['waiting']);
  const late = await insertOrder(pool, await stage.addEndpoint({ url: receiver.url('/late') }), ['waiting']);
  await pool.query(
    `update webhook_endpoints set broken_since = now() - interval '10 minutes' where "window" = 0`,
  );
  await pool.query(`update deliveries set opened_at = now() - interval '2 days' where order_id = $1`, [
    held.orderId,
  ]);
  await pool.query(
    `update deliveries set opened_at = now() - interval '1 hour', due_at = now() - interval '5 minutes'
      where order_id = $1`,
    [late.orderId],
  );

  let samples: Sample[] = [];
  await until(async () => {
    samples = [...(await scrapeApi()), ...ofWorker];
    expect(findFiring(samples, nowSeconds())).toEqual([
      'DeliveriesStandStill',
      'OldestUndeliveredIsOld',
      'DeliveriesHeldForLong',
      'EndpointBroken',
      'ManyEndpointsBroken',
      'EndpointDisabled',
    ]);
  });
  // Nor does anybody tick.
  expect(findFiring(samples, nowSeconds() + 90)).toContain('RelayStandsStill');
  const [{ expr }] = rules.filter(({ alert }) => alert === 'EndpointDisabled') as [Rule];
  expect(evaluateAlert(expr, samples, nowSeconds())).toMatchObject([
    { labels: { endpoint_id: disabled.endpointId, customer_server_id: disabled.customerServerId } },
  ]);

  // Of the rules over counters, what they name is there, but for repairs that nobody had to make.
  const selectors = rules.flatMap((rule) => parsePromql(rule.expr).selectors);
  const missing = selectors.filter((selector) => !samples.some((sample) => isSelected(sample, selector)));
  expect(missing.map(({ metric }) => metric)).toEqual([]);
});
