import { setTimeout as delay } from 'node:timers/promises';
import type { Party } from './party.ts';

/** Most steps are done by then; one that is not is asked after, which costs the database more than most steps do. */
const HEAD_START_MS = 3;

/** What one party does, step by step; each step is a statement, or a few that nobody is to come between. */
export interface Script {
  readonly party: Party;
  readonly steps: readonly (() => Promise<unknown>)[];
}

/** One statement in a transaction of its own, in three steps: others can come before its commit. */
export function inTransaction(party: Party, statement: () => Promise<unknown>): Script {
  return { party, steps: [() => party.begin(), statement, () => party.commit()] };
}

/** Every order in which scripts of these lengths can take turns, as the indexes of whose turn it is. */
export function* interleavings(lengths: readonly number[]): Generator<readonly number[]> {
  if (lengths.every((length) => length === 0)) yield [];
  for (const [index, length] of lengths.entries()) {
    if (length === 0) continue;
    for (const rest of interleavings(lengths.with(index, length - 1))) yield [index, ...rest];
  }
}

type StepEnd = { readonly error: unknown } | 'done';

/** One of those who take turns. */
export interface Turn {
  readonly party: Pick<Party, 'isBlocked'>;
  /** The end of the step that was begun and waits for somebody's lock. */
  open: Promise<StepEnd> | null;
}

interface ScriptRun extends Turn {
  readonly steps: Script['steps'];
  next: number;
}

/**
 * Begins a step and returns when everybody who has begun one is either done with it or seen by the database to wait.
 *
 * @param turns all who take turns, `turn` among them
 * @throws what a step throws
 */
export async function takeStep(
  turn: Turn,
  step: () => Promise<unknown>,
  turns: readonly Turn[],
): Promise<void> {
  turn.open = step().then(
    () => 'done',
    (error: unknown) => ({ error }),
  );
  await Promise.race([turn.open, delay(HEAD_START_MS)]);
  await settle(turn);
  await settleAll(turns);
}

/**
 * Runs scripts in the given order of turns. A party whose step waits for a lock loses its turns until the step
 * is done, and takes what is left of its script at the end. Nothing is timed: after each turn every step that
 * was begun is either done or seen by the database to wait.
 *
 * @throws what a step throws
 */
export async function runInterleaved(scripts: readonly Script[], turns: readonly number[]): Promise<void> {
  const runs = scripts.map((script): ScriptRun => ({ ...script, next: 0, open: null }));

  async function takeTurn(run: ScriptRun): Promise<void> {
    const step = run.steps[run.next];
    if (run.open !== null || step === undefined) return;
    run.next += 1;
    await takeStep(run, step, runs);
  }

  for (const turn of turns) {
    const run = runs[turn];
    if (run !== undefined) await takeTurn(run);
  }
  while (runs.some(isUnfinished)) {
    const free = runs.find((run) => isUnfinished(run) && run.open === null);
    if (free !== undefined) await takeTurn(free);
    else await waitForAnEnd(runs);
  }
}

/**
 * Each was seen to wait, but not at one moment: a step of several statements may wait, go on and wait again. Of
 * those that do wait for each other the database ends one, whose step then throws.
 */
export async function waitForAnEnd(turns: readonly Turn[]): Promise<void> {
  await Promise.race(turns.flatMap(({ open }) => open ?? []));
  await settleAll(turns);
}

/** Whoever is done may have let others go on, and they others. */
async function settleAll(turns: readonly Turn[]): Promise<void> {
  const ends = await Promise.all(turns.map(settle));
  if (ends.includes(true)) await settleAll(turns);
}

/** Waits until the step under way is done (then true), or the database says that it waits for a lock. */
async function settle(turn: Turn): Promise<boolean> {
  if (turn.open === null) return false;
  for (;;) {
    const seen = await Promise.race([
      turn.open,
      turn.party.isBlocked().then((blocked) => (blocked ? 'blocked' : 'working')),
    ]);
    if (seen === 'blocked') return false;
    if (seen === 'working') continue;
    turn.open = null;
    if (seen !== 'done') throw seen.error;
    return true;
  }
}

function isUnfinished({ steps, next, open }: ScriptRun): boolean {
  return open !== null || next < steps.length;
}
