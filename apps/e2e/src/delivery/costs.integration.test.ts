/**
 * What a delivery costs from its change to its receipt, in statements, each a round trip to the database, in commands of the
 * queue and in lines of the log. One more of any is one more for every webhook there is: whoever adds one writes its
 * reason here. What a request costs: the API's costs.integration.test.ts.
 */
import { createWatchedExecutor } from '@vendor-server/platform/database/create-watched-executor.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import { CUSTOM_PLANS, findReplanned } from '@vendor-server/platform/testing/find-replanned.ts';
import { testRedisUrl } from '@vendor-server/platform/testing/test-redis.ts';
import { type CostWatch, createCostWatch } from '@vendor-server/platform/testing/watch-costs.ts';
import { createRelayTick } from '@vendor-server/worker/relay/relay-tick.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../receiver/create-receiver.ts';
import { respond } from '../receiver/steps.ts';
import { createDeliveryStage, type DeliveryStage } from './create-delivery-stage.ts';
import { until } from './until.ts';

const ENDPOINTS = 10;
const BURST = 50;

/** What a worker does every second or less often, whatever is delivered. */
const IN_THE_BACKGROUND = new RegExp(
  [
    '^(begin|commit|rollback|select 1)$',
    '^(begin; )?set local ',
    '^select pg_try_advisory_xact_lock',
    // The relay, the feed, the holds, the replays.
    '^(find-ending-claims|find-promotable-endpoints|find-standing-lanes|find-probe-due|find-late-jobs)$',
    '^(has-unplaced-changes|lock-feed|place-feed-batch|find-overdue-endpoints|find-unfinished-replays)$',
    // For whoever asks whether workers get on.
    '^note-attempt-ended$',
  ].join('|'),
);
/** Of BullMQ, every few seconds; the last one is what these tests ask themselves, how many jobs have ended. */
const OF_TIMERS = /stalled-check|^(client|info|hello|select|ping)\b|^evalsha $/;

/** What BullMQ does with a command, by the keys of its script. */
function nameCommand(command: string): string {
  if (command.startsWith('evalsha wait paused meta')) return 'add';
  if (command.startsWith('evalsha wait active prioritized'))
    return / (completed|failed) /.test(`${command} `) ? 'finish' : 'take';
  return command.startsWith('bzpopmin') ? 'wait' : command;
}

function countEach(all: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(all, (each) => each)).map(([each, found = []]) => [each, found.length]),
  );
}

/** Each job is taken once, by a command of its own or by the end of another; and before each wait one finds no other. */
function expectTakes({ take = 0, wait = 0 }: Record<string, number>, jobs: number): void {
  expect(take).toBeLessThanOrEqual(jobs + wait);
  // For the next one, and for one that a look between was too early for. A wait ends by itself, too.
  expect(wait).toBeLessThanOrEqual(jobs + 3);
}

describe.skipIf(testRedisUrl() === null)('with the queue in Redis', () => {
  let stage: DeliveryStage;
  let receiver: Receiver;
  let watch: CostWatch;
  const customerServerIds: string[] = [];

  beforeAll(async () => {
    const redisUrl = testRedisUrl();
    receiver = await createReceiver();
    stage = await createDeliveryStage({ redisUrl });
    watch = await createCostWatch(stage.database.pool, redisUrl);
    for (let n = 0; n < ENDPOINTS; n += 1) {
      const { customerServerId } = await stage.addEndpoint({ url: receiver.url(`/${n}`) });
      customerServerIds.push(customerServerId);
    }
    await stage.startWorker();
    // Each endpoint's first success is noted, and then one a minute.
    await deliver(customerServerIds);
  });
  afterAll(async () => {
    watch.close();
    await receiver.close();
    await stage.close();
  });

  /** Creates an order for each of these, at once, and waits until each of its jobs has ended. */
  async function deliver(servers: readonly string[]): Promise<void> {
    const before = await countCompleted();
    await Promise.all(servers.map((id) => stage.createOrder(id)));
    await until(async () => expect(await countCompleted()).toBe(before + servers.length));
  }

  const countCompleted = async () => (await stage.api.queue.counts()).completed;

  async function costOf(servers: readonly string[]) {
    const logged = stage.logLines.length;
    const { statements, inTransactions, commands } = await watch.of(() => deliver(servers));
    // A delivery has none, of any of its statements.
    expect(inTransactions.filter((each) => !IN_THE_BACKGROUND.test(each))).toEqual([]);
    return {
      statements: statements.filter((each) => !IN_THE_BACKGROUND.test(each)),
      commands: countEach(commands.filter((each) => !OF_TIMERS.test(each)).map(nameCommand)),
      lines: stage.logLines.slice(logged).map(({ msg }) => msg),
    };
  }

  test('a delivery alone costs a claim, a record and a look', async () => {
    for (const server of customerServerIds.slice(0, 3)) {
      const { statements, commands, lines } = await costOf([server]);
      expect(statements).toEqual([
        'read-new-order-facts',
        'write-new-order',
        // Decides who sends, and brings what is sent.
        'claim-deliveries',
        // Before its job ends.
        'record-attempts',
        // After that has committed: what was it in the way of?
        'find-movable',
      ]);
      expect(Object.keys(commands).toSorted()).toEqual(['add', 'finish', 'take', 'wait']);
      expect(commands).toMatchObject({ add: 1, finish: 1 });
      expectTakes(commands, 1);
      expect(lines).toEqual(['Customer webhook sent successfully']);
    }
  });

  test(`a burst of ${BURST} costs no more for each, and what ends together is recorded together`, async () => {
    const atOnce = Promise.withResolvers<void>();
    receiver.answer(
      () => true,
      async (answering) => {
        await atOnce.promise;
        await respond(200)(answering);
      },
    );
    const sent = receiver.requests.length;
    const measured = costOf(Array.from({ length: BURST }, (_, n) => customerServerIds[n % ENDPOINTS] ?? ''));
    await receiver.waitForCount(sent + BURST);
    atOnce.resolve();
    const { statements, commands, lines } = await measured;
    const counts = countEach(statements);
    const together = ['claim-deliveries', 'record-attempts', 'find-movable'];
    const made = Object.keys(counts).filter((each) => !each.startsWith('write-new-order'));
    expect(made.toSorted()).toEqual(['read-new-order-facts', ...together].toSorted());
    // The jobs come one by one, and how many share a claim depends on the machine.
    expect(counts['claim-deliveries']).toBeLessThanOrEqual(BURST);
    // The answers come in one moment. Two statements may be under way at once, and take longer than an answer.
    expect(counts['record-attempts']).toBeLessThanOrEqual(BURST / 2);
    expect(counts['find-movable']).toBeLessThanOrEqual(BURST / 2);
    expect(Object.keys(commands).toSorted()).toEqual(['add', 'finish', 'take', 'wait']);
    expect(commands).toMatchObject({ add: BURST, finish: BURST });
    expectTakes(commands, BURST);
    expect(lines).toEqual(Array.from({ length: BURST }, () => 'Customer webhook sent successfully'));
  });

  test('statements are planned a few times on each connection, and then no more', async () => {
    for (let n = 0; n < CUSTOM_PLANS + 2; n += 1) await deliver(customerServerIds);
    expect(await findReplanned(stage.database.pool)).toEqual([]);
  });
});

test('a tick of the relay that finds nothing to do', async () => {
  const stage = await createDeliveryStage({ redisUrl: null });
  const { database } = stage;
  const watch = await createCostWatch(database.pool, null);
  const tick = createRelayTick({
    database,
    executor: createWatchedExecutor(database.pool),
    queue: stage.api.queue,
    logger: stage.api.logger,
    metrics: createWorkerMetrics(createMetricsRegistry()),
  });
  try {
    const { statements, inTransactions } = await watch.of(() => tick());
    expect(inTransactions).toEqual(["set local lock_timeout = '2s'", 'lock-feed', 'place-feed-batch']);
    // The stage's API begins to listen beside it.
    expect(statements.filter((each) => !each.startsWith('listen '))).toEqual([
      'find-ending-claims',
      'find-promotable-endpoints',
      'find-standing-lanes',
      'find-probe-due',
      'find-late-jobs',
      // Places what was committed since the last tick, under the lock of all who do.
      'begin',
      "set local lock_timeout = '2s'",
      'lock-feed',
      'place-feed-batch',
      'commit',
    ]);
    for (let n = 0; n < CUSTOM_PLANS + 2; n += 1) await tick();
    expect(await findReplanned(database.pool)).toEqual([]);
  } finally {
    watch.close();
    await stage.close();
  }
});
