/**
 * A small world that anything may happen in: two endpoints of one customer server, two orders of which each was told
 * the creation of one, a few actors with a connection each, a queue, and a clock that the runner turns.
 */
import { randomBytes } from 'node:crypto';
import { createSigningSecret } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { createSecretBox, type SecretBox } from '@vendor-server/platform/secrets/secret-box.ts';
import {
  type EndpointOptions,
  emptyDatabase,
  insertCustomerServer,
  insertEndpoint,
  insertOrder,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { takeStep, waitForAnEnd } from '@vendor-server/platform/testing/interleave.ts';
import { createStage } from '@vendor-server/platform/testing/party.ts';
import { createTestDatabase } from '@vendor-server/platform/testing/test-database.ts';
import type pg from 'pg';
import { type MockInstance, onTestFinished, vi } from 'vitest';
import { createDeliveryHistory } from './create-delivery-history.ts';
import { createDeliveryModel, type DeliveryModel, type Fill } from './create-delivery-model.ts';
import { createModelQueue, type ModelQueue } from './create-model-queue.ts';
import {
  createSteppedActor,
  type Hands,
  type Rewrite,
  type SentStatement,
  type SteppedActor,
} from './create-stepped-actor.ts';

/** What the world is made without, for tests of the tests. */
export interface Mutation {
  readonly rewrite?: Rewrite;
  /** Nobody looks after a commit. */
  readonly nobodyLooks?: true;
  /** SQL text. */
  readonly prepare?: string;
}

export interface ModelWorld {
  readonly actors: readonly SteppedActor[];
  readonly pool: pg.Pool;
  readonly secretBox: SecretBox;
  readonly mutation: Mutation;
  readonly queue: ModelQueue;
  readonly model: DeliveryModel;
  readonly endpointIds: readonly string[];
  readonly orderIds: readonly string[];
  readonly vendorId: string;
  /** Begins anew, with new rows. */
  restart(): Promise<void>;
  begin(actor: SteppedActor, task: string, work: (hands: Hands) => Promise<void>): Promise<void>;
  step(actor: SteppedActor): Promise<void>;
  /** Takes note of what has committed. @throws Violation */
  observe(): Promise<void>;
  /** One after the other, in turns, until nobody has anything left to do. */
  finishAll(): Promise<void>;
  passTime(ms: number): Promise<void>;
  /** Everybody goes on to the end, whatever is seen: what is left of a run that failed. */
  abandon(): Promise<void>;
}

const ACTORS = ['a', 'b', 'c', 'd', 'e'];
const ENDPOINTS: readonly EndpointOptions[] = [
  { window: 1, retryDelaysMs: [500] },
  { window: 2, mode: 'latest_only', retryDelaysMs: [500, 500] },
];
const ORDERS = 2;

/** Lasts as long as the test that makes it. */
export async function createModelWorld(mutation: Mutation): Promise<ModelWorld> {
  const subject = await createTestDatabase();
  onTestFinished(() => subject.drop());
  const { pool } = subject.database;
  const history = await createDeliveryHistory(pool);
  if (mutation.prepare !== undefined) await pool.query(mutation.prepare);
  const secretBox = createSecretBox({ current: randomBytes(32), previous: null });
  const clock = turnableClock();

  const createParty = await createStage(subject.url);
  const actors: SteppedActor[] = [];
  for (const name of ACTORS) {
    const party = await createParty(name);
    // Its name is what the history knows it by; whoever waits in a circle is to find out soon.
    await party.client.query(`set application_name = '${name}'; set deadlock_timeout = '50ms'`);
    actors.push(
      createSteppedActor(party, {
        rewrite: mutation.rewrite ?? (({ text }) => text),
        around: sendWatched,
      }),
    );
  }

  let queue = createModelQueue();
  let model = createDeliveryModel(clock.now);
  let rows = { endpointIds: [] as string[], orderIds: [] as string[], vendorId: '' };

  /** Nothing new is seen before somebody's commit. */
  let hasCommits = false;
  async function observe(): Promise<void> {
    const events = hasCommits ? await history.read() : [];
    hasCommits = false;
    model.apply(events);
  }

  async function sendWatched(
    { name, text, values }: SentStatement,
    executor: SqlExecutor,
    send: () => Promise<pg.QueryResult>,
  ): Promise<pg.QueryResult> {
    history.learn(name, text);
    hasCommits ||= name === 'commit';
    if (name !== 'move-due-heads') return send();
    // Nothing comes between the question and the statement: everybody else stands still.
    const before = await readFill(executor, values[0]);
    const result = await send();
    model.noteFill(before, await readFill(executor, values[0]));
    return result;
  }

  async function step(actor: SteppedActor): Promise<void> {
    await takeStep(actor, () => actor.step(), actors);
    await observe();
  }

  return {
    actors,
    pool,
    secretBox,
    mutation,
    step,
    observe,
    get queue() {
      return queue;
    },
    get model() {
      return model;
    },
    get endpointIds() {
      return rows.endpointIds;
    },
    get orderIds() {
      return rows.orderIds;
    },
    get vendorId() {
      return rows.vendorId;
    },
    async restart() {
      await emptyDatabase(pool);
      await history.read();
      queue = createModelQueue();
      model = createDeliveryModel(clock.now);
      rows = await insertRows(pool, secretBox);
      model.begin((await history.read()).map(({ after }) => after));
    },
    async begin(actor, task, work) {
      await takeStep(actor, () => actor.begin(task, work), actors);
      await observe();
    },
    async finishAll() {
      while (actors.some(({ task }) => task !== null)) {
        const standing = actors.filter(({ at }) => at !== null);
        if (standing.length === 0) await waitForAnEnd(actors);
        for (const actor of standing) if (actor.at !== null) await step(actor);
      }
      await observe();
    },
    async passTime(ms) {
      clock.advance(ms);
      await pool.query(LET_TIME_PASS, [ms]);
      hasCommits = true;
      await observe();
    },
    async abandon() {
      await Promise.allSettled(actors.map((actor) => actor.finish()));
      for (const actor of actors) actor.open = null;
    },
  };
}

async function insertRows(pool: pg.Pool, secretBox: SecretBox) {
  const customerServerId = await insertCustomerServer(pool);
  const endpointIds: string[] = [];
  for (const options of ENDPOINTS) {
    const { endpointId } = await insertEndpoint(pool, {
      ...options,
      customerServerId,
      sealSigningSecret: (id) => secretBox.seal(createSigningSecret(randomBytes(24)), id),
    });
    endpointIds.push(endpointId);
  }
  const orderIds: string[] = [];
  for (let order = 0; order < ORDERS; order += 1) {
    const endpoint = { customerServerId, endpointId: endpointIds[order % endpointIds.length] ?? '' };
    orderIds.push((await insertOrder(pool, endpoint, ['delivered'])).orderId);
  }
  const vendorId = createId();
  await pool.query('insert into vendors (id, external_id) values ($1, $2)', [vendorId, vendorId]);
  return { endpointIds, orderIds, vendorId };
}

/** As the transaction sees them. */
async function readFill(executor: SqlExecutor, endpointIds: unknown): Promise<readonly Fill[]> {
  const { rows } = await executor.query<Fill>(
    `select e."window", (select count(*)::int from deliveries d
                          where d.endpoint_id = e.id and d.state = 'queued') as queued
       from webhook_endpoints e where e.id = any ($1::char(24)[]) order by e.id`,
    [endpointIds],
  );
  return rows;
}

/** Whatever somebody is writing keeps its times. */
const LET_TIME_PASS = `
  with delivery as (
    update deliveries set due_at = due_at - make_interval(secs => $1::float8 / 1000),
                          job_due_at = job_due_at - make_interval(secs => $1::float8 / 1000),
                          claimed_until = claimed_until - make_interval(secs => $1::float8 / 1000)
     where id in (select id from deliveries where finished_at is null for update skip locked)
  )
  update webhook_endpoints
     set window_changed_at = window_changed_at - make_interval(secs => $1::float8 / 1000),
         next_probe_at = next_probe_at - make_interval(secs => $1::float8 / 1000)
   where id in (select id from webhook_endpoints for no key update skip locked)`;

/** The processes' monotonic clock goes on as fast as ever, and further when the runner says so. */
function turnableClock() {
  const real = performance.now.bind(performance);
  let ahead = 0;
  const now = () => real() + ahead;
  const spy: MockInstance = vi.spyOn(performance, 'now').mockImplementation(now);
  onTestFinished(() => spy.mockRestore());
  return {
    now,
    advance(ms: number) {
      ahead += ms;
    },
  };
}
