import type { Actor } from './actor.ts';

/** What one actor does, step by step; each step is a statement, or a few that nobody is to come between. */
export interface Script {
  readonly actor: Actor;
  readonly steps: readonly (() => Promise<unknown>)[];
}

/** One statement in a transaction of its own, in three steps: others can come before its commit. */
export function inTransaction(actor: Actor, statement: () => Promise<unknown>): Script {
  return { actor, steps: [() => actor.begin(), statement, () => actor.commit()] };
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

interface Party {
  readonly script: Script;
  next: number;
  /** The end of the step that was begun and waits for somebody's lock. */
  open: Promise<StepEnd> | null;
}

/**
 * Runs scripts in the given order of turns. An actor whose step waits for a lock loses its turns until the step
 * is done, and takes what is left of its script at the end. Nothing is timed: after each turn every step that
 * was begun is either done or seen by the database to wait.
 *
 * @throws what a step throws
 */
export async function runInterleaved(scripts: readonly Script[], turns: readonly number[]): Promise<void> {
  const parties = scripts.map((script): Party => ({ script, next: 0, open: null }));

  async function takeTurn(party: Party): Promise<void> {
    const step = party.script.steps[party.next];
    if (party.open !== null || step === undefined) return;
    party.next += 1;
    party.open = step().then(
      () => 'done',
      (error: unknown) => ({ error }),
    );
    await settle(party);
    await settleAll(parties);
  }

  for (const turn of turns) {
    const party = parties[turn];
    if (party !== undefined) await takeTurn(party);
  }
  while (parties.some(isUnfinished)) {
    const free = parties.find((party) => isUnfinished(party) && party.open === null);
    if (free === undefined) throw new Error(`they wait for each other: ${describeParties(parties)}`);
    await takeTurn(free);
  }
}

/** Whoever is done may have let others go on, and they others. */
async function settleAll(parties: readonly Party[]): Promise<void> {
  const ends = await Promise.all(parties.map(settle));
  if (ends.includes(true)) await settleAll(parties);
}

/** Waits until the party's step is done (then true), or the database says that it waits for a lock. */
async function settle(party: Party): Promise<boolean> {
  if (party.open === null) return false;
  for (;;) {
    const seen = await Promise.race([
      party.open,
      party.script.actor.isBlocked().then((blocked) => (blocked ? 'blocked' : 'working')),
    ]);
    if (seen === 'blocked') return false;
    if (seen === 'working') continue;
    party.open = null;
    if (seen !== 'done') throw seen.error;
    return true;
  }
}

function isUnfinished({ script, next, open }: Party): boolean {
  return open !== null || next < script.steps.length;
}

function describeParties(parties: readonly Party[]): string {
  return parties
    .filter(isUnfinished)
    .map(({ script, next }) => `${script.actor.name} at step ${next}`)
    .join(', ');
}
