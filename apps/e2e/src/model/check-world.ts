/** What must hold when everybody is done, and when all that was to be sent has been. */
import {
  findLanesWithoutNewest,
  findStrandedLanes,
  findUnreplacedLanes,
} from '@vendor-server/platform/testing/lane-checks.ts';
import { answered } from '@vendor-server/worker/testing/attempt-results.ts';
import { Violation } from './create-delivery-model.ts';
import type { ModelWorld } from './create-model-world.ts';
import { attempt, changeEndpoint, createRelay, type Task } from './tasks.ts';

/** More than any lane has deliveries that go one after the other, each with the relay's help. */
const MAX_ROUNDS = 100;

/** Of a run in which nothing was lost: whoever looked last has seen everything that can move. */
export async function checkAtRest({ pool, model, queue }: ModelWorld): Promise<void> {
  for (const row of model.rows()) {
    if (row.claim_token !== null) throw new Violation(`${row.id} is claimed, and nobody is about it`);
    if (row.state === 'queued' && queue.stateOf(row.id, row.generation) === 'gone') {
      throw new Violation(`${row.id} is in the queue, which has no job of generation ${row.generation}`);
    }
  }
  expectNone('are left standing', await findStrandedLanes(pool));
  expectNone('hold what was to be replaced', await findUnreplacedLanes(pool));
  expectNone('have lost the newest', await findLanesWithoutNewest(pool));
}

/**
 * Sends all that is open: endpoints are opened, time passes, the relay repairs, and the receiver takes everything.
 *
 * @throws Violation when something is still open after all that, or was lost
 */
export async function drain(world: ModelWorld): Promise<void> {
  const [actor] = world.actors;
  if (actor === undefined) throw new Error('there is nobody');
  const doAtOnce = async (name: string, task: Task) => {
    await world.begin(actor, name, task);
    await world.finishAll();
  };
  world.queue.isAway = false;
  for (const endpointId of world.endpointIds) {
    await doAtOnce('resume', changeEndpoint(world, endpointId, 'resume'));
  }
  const relay = createRelay(world);
  for (let round = 0; findOpen(world).length > 0; round += 1) {
    if (round === MAX_ROUNDS) throw new Violation(`never sent: ${JSON.stringify(findOpen(world))}`);
    const jobs = world.queue.runnable();
    for (const job of jobs) {
      world.queue.take(job);
      await doAtOnce('attempt', attempt(world, [{ job, answer: answered(200) }]));
    }
    if (jobs.length === 0) await doAtOnce('relay', relay);
    await world.passTime(20_000);
  }
  expectNone('changes have no delivery', await findUntold(world));
  expectNone('have other attempts than they count', await findMiscounted(world));
}

function findOpen({ model }: ModelWorld) {
  return model.rows().filter(({ state }) => state === 'blocked' || state === 'waiting' || state === 'queued');
}

/** Changes that an endpoint which still exists was not told of. */
async function findUntold({ pool }: ModelWorld): Promise<unknown[]> {
  const { rows } = await pool.query(`
    select t.order_id, t.version, e.id as endpoint_id
      from order_transitions t join webhook_endpoints e on e.customer_server_id = t.customer_server_id
     where t.version > 1 and e.deleted_at is null
       and not exists (select 1 from deliveries d where d.transition_id = t.id and d.endpoint_id = e.id)`);
  return rows;
}

/** Attempts are numbered from 1 without gaps, as many as the delivery counts, and each has ended. */
async function findMiscounted({ pool }: ModelWorld): Promise<unknown[]> {
  const { rows } = await pool.query(`
    select d.id, d.attempt_count, array_agg(a.attempt_number) as numbers
      from deliveries d left join delivery_attempts a on a.delivery_id = d.id
     group by d.id
    having count(a.attempt_number) <> d.attempt_count or coalesce(max(a.attempt_number), 0) <> d.attempt_count
        or count(a.attempt_number) <> count(a.ended_at)`);
  return rows;
}

function expectNone(what: string, found: readonly unknown[]): void {
  if (found.length > 0) throw new Violation(`${what}: ${JSON.stringify(found)}`);
}
