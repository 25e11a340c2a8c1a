/** What the runner may do next. What cannot be done now is left out, so whatever is left of a run that failed is short. */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { REOPENABLE_STATES } from '@vendor-server/platform/deliveries/reopen-sql.ts';
import { answered, TIMED_OUT } from '@vendor-server/worker/testing/attempt-results.ts';
import fc from 'fast-check';
import type { RowVersion } from './create-delivery-history.ts';
import type { ModelWorld } from './create-model-world.ts';
import type { SteppedActor } from './create-stepped-actor.ts';
import { attempt, change, changeEndpoint, createRelay, hold, resend, type Task } from './tasks.ts';

export type Command = fc.AsyncCommand<ModelWorld, ModelWorld>;

interface Move {
  readonly name: string;
  /** What it would do now; null when there is nothing of that kind to do. */
  readonly find: (world: ModelWorld) => (() => Promise<void>) | null;
}

/** Says of itself what it did, for whoever reads a run that failed. */
function toCommand({ name, find }: Move): Command {
  let did = name;
  return {
    check: (world) => find(world) !== null,
    async run(world) {
      const standing = () => world.actors.map(({ name: actor, at }) => `${actor}: ${at ?? '-'}`).join(', ');
      const before = standing();
      did = `${name}\n    from ${before}`;
      await find(world)?.();
    },
    toString: () => did,
  };
}

function pick<Item>(items: readonly Item[], nth: number): Item | undefined {
  return items[nth % items.length];
}

/** Somebody idle begins. */
function begin(name: string, find: (world: ModelWorld, actor: SteppedActor) => Task | null): Move {
  return {
    name,
    find(world) {
      const actor = world.actors.find(({ task }) => task === null);
      const task = actor === undefined ? null : find(world, actor);
      return actor === undefined || task === null ? null : () => world.begin(actor, name, task);
    },
  };
}

const nth = fc.nat({ max: 7 });

/** One of those that stand at a step goes on, by as many. */
const goOn = fc.tuple(nth, fc.constantFrom(1, 1, 1, 2, 3, 5, 8)).map(
  ([which, steps]): Move => ({
    name: `one goes on (${which}, ${steps} steps)`,
    find(world) {
      const actor = pick(
        world.actors.filter(({ at }) => at !== null),
        which,
      );
      if (actor === undefined) return null;
      return async () => {
        for (let step = 0; step < steps && actor.at !== null; step += 1) await world.step(actor);
      };
    },
  }),
);

/** One order more often than the others: in its lanes they meet. At times both, which are written together. */
const changes = fc.constantFrom([0], [0], [0], [1], [0, 1]).map((which) =>
  begin(`change of order ${which.join(' and ')}`, (world) =>
    change(
      world,
      which.map((nth) => pick(world.orderIds, nth) ?? ''),
    ),
  ),
);

/** One or two of a worker's jobs at once. */
const attempts = (answers: readonly AttemptResult[], count: 1 | 2 = 1) => {
  const some = fc.array(fc.constantFrom(...answers), { minLength: count, maxLength: count });
  return fc.tuple(nth, some).map(([which, ownAnswers]) => {
    const shown = ownAnswers.map(({ responseStatus, outcome }) => responseStatus ?? outcome);
    return begin(`attempt (${which}, ${shown.join(' and ')})`, (world) => {
      const runnable = world.queue.runnable();
      if (runnable.length < count) return null;
      const jobs = ownAnswers.flatMap((answer, at) => {
        const job = pick(runnable, which + at);
        return job === undefined ? [] : [{ job, answer }];
      });
      return (hands) => {
        for (const { job } of jobs) world.queue.take(job);
        return attempt(world, jobs)(hands);
      };
    });
  });
};

/** The others are refused by a statement of their own; a few are enough. */
const isReopenable = ({ state, order_version }: RowVersion) =>
  order_version === 1 || (REOPENABLE_STATES as readonly string[]).includes(state);

const resends = nth.map((which) =>
  begin(`resend ${which}`, (world) => {
    const row = pick(world.model.rows().filter(isReopenable), which);
    return row === undefined ? null : resend(world, { deliveryId: row.id, orderId: row.order_id });
  }),
);

const holds = nth.map((which) =>
  begin(`hold ${which}`, (world) => {
    const blocked = world.model.rows().filter(({ state }) => state === 'blocked');
    const row = pick(blocked, which);
    return row === undefined ? null : hold(row.id);
  }),
);

const endpointChanges = fc
  .tuple(nth, fc.constantFrom('pause', 'pause', 'resume', 'resume', 'resume', 'delete'))
  .map(([which, action]) =>
    begin(`${action} endpoint ${which}`, (world) =>
      changeEndpoint(world, pick(world.endpointIds, which) ?? '', action),
    ),
  );

const timePasses = (periodsMs: readonly number[]) =>
  fc
    .constantFrom(...periodsMs)
    .map((ms): Move => ({ name: `${ms} ms pass`, find: (world) => () => world.passTime(ms) }));

const relays = fc.constant(begin('relay', (world, actor) => relayOf(world, actor)));

/** Each actor's own. One that died is another process's when it comes back. */
const relaysOf = new WeakMap<ModelWorld['queue'], Map<SteppedActor, Task>>();
function relayOf(world: ModelWorld, actor: SteppedActor): Task {
  const known = relaysOf.get(world.queue) ?? new Map<SteppedActor, Task>();
  relaysOf.set(world.queue, known);
  const relay = known.get(actor) ?? createRelay(world);
  known.set(actor, relay);
  return relay;
}

const deaths = nth.map(
  (which): Move => ({
    name: `one dies (${which})`,
    find(world) {
      const actor = pick(
        world.actors.filter(({ at }) => at !== null),
        which,
      );
      if (actor === undefined) return null;
      return async () => {
        relaysOf.get(world.queue)?.delete(actor);
        await actor.die();
      };
    },
  }),
);

const losses: fc.Arbitrary<Move> = fc.constantFrom(
  queueMove('the queue is flushed', (queue) => queue.flush()),
  queueMove('the jobs under way stall', (queue) => queue.stall()),
  queueMove('the queue goes away, or comes back', (queue) => {
    queue.isAway = !queue.isAway;
  }),
);

function queueMove(name: string, work: (queue: ModelWorld['queue']) => void): Move {
  return { name, find: (world) => async () => work(world.queue) };
}

type Weighted = readonly [weight: number, move: fc.Arbitrary<Move>];

const MAX_COMMANDS = 60;

/** Runs in which some of these are tried, each as often as its weight says. */
function runs(...moves: readonly Weighted[]): fc.Arbitrary<Iterable<Command>> {
  const arbitrary = fc.oneof(...moves.map(([weight, move]) => ({ weight, arbitrary: move })));
  return fc.commands([arbitrary.map(toCommand)], { maxCommands: MAX_COMMANDS, size: 'max' });
}

export interface Mix {
  /** Nothing is lost, nobody dies, and no relay repairs anything. */
  readonly isCalm: boolean;
  readonly commands: fc.Arbitrary<Iterable<Command>>;
}

const CALM_ANSWERS = [answered(200), answered(200), answered(500), answered(404)];
const ANSWERS = [...CALM_ANSWERS, answered(503, '60'), TIMED_OUT];

/**
 * A retry is due after it, and no claim is late: what is given back waits for a relay, which nobody is in a calm run.
 */
const RETRIES_ARE_DUE_MS = 600;

/** Some runs do a bit of everything; others, less of it more often, which is how the rarer races are met. */
export const CALM: Mix = {
  isCalm: true,
  commands: fc.oneof(
    runs(
      [16, goOn],
      [5, changes],
      [4, attempts(CALM_ANSWERS)],
      [2, attempts(CALM_ANSWERS, 2)],
      [2, resends],
      [1, endpointChanges],
      [1, timePasses([RETRIES_ARE_DUE_MS])],
    ),
    runs([16, goOn], [3, changes], [2, attempts([answered(200)])], [3, resends]),
  ),
};

/** Some rows are held by transactions that come to nothing. */
export const HELD: Mix = {
  isCalm: true,
  commands: runs([16, goOn], [6, changes], [3, attempts([answered(200)])], [2, holds]),
};

export const LOSSY: Mix = {
  isCalm: false,
  commands: fc.oneof(
    runs(
      [16, goOn],
      [3, changes],
      [4, attempts(ANSWERS)],
      [2, attempts(ANSWERS, 2)],
      [1, resends],
      [1, endpointChanges],
      [3, timePasses([3_000, 20_000])],
      [3, relays],
      [1, deaths],
      [1, losses],
    ),
    runs([12, goOn], [1, changes], [4, attempts(ANSWERS)], [3, timePasses([20_000])], [3, relays]),
    runs(
      [12, goOn],
      [1, changes],
      [4, attempts(ANSWERS)],
      [2, attempts(ANSWERS, 2)],
      [2, losses],
      [1, timePasses([3_000])],
      [1, relays],
    ),
  ),
};
