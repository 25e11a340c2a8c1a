import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { checkHistory } from './check-history.ts';
import { buildSoundHistory } from './testing/build-sound-history.ts';
import { CHANGE_MUTATIONS } from './testing/change-mutations.ts';
import { createRandom } from './testing/create-random.ts';
import type { Mutation } from './testing/mutation.ts';
import { ORDER_MUTATIONS } from './testing/order-mutations.ts';
import { ROW_MUTATIONS } from './testing/row-mutations.ts';
import { WEBHOOK_MUTATIONS } from './testing/webhook-mutations.ts';
import { VIOLATION_KINDS } from './violation.ts';

const MUTATIONS = [...CHANGE_MUTATIONS, ...ORDER_MUTATIONS, ...WEBHOOK_MUTATIONS, ...ROW_MUTATIONS];

/** Enough for each mutation to find something to do it to. */
const SEEDS = 100;

/** The first history, from a seed on, that has what it takes. */
function breakHistory({ apply, title }: Mutation, seed: number) {
  for (let next = seed; next < seed + SEEDS; next += 1) {
    const history = buildSoundHistory(next);
    if (apply(history, createRandom(next))) return history;
  }
  throw new Error(`No history has what it takes: ${title}`);
}

const kindsOf = (mutation: Mutation, seed: number) =>
  checkHistory(breakHistory(mutation, seed)).map(({ kind }) => kind);

test('what an honest system does passes, whatever its receivers and its faults do', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      expect(checkHistory(buildSoundHistory(seed))).toEqual([]);
    }),
  );
});

test('its histories hold everything that may happen', () => {
  const all = Array.from({ length: 20 }, (_, seed) => buildSoundHistory(seed));
  const states = new Set(all.flatMap(({ deliveries }) => deliveries.map(({ state }) => state)));
  expect([...states].sort()).toEqual(['cancelled', 'delivered', 'failed', 'superseded']);
  const triggers = new Set(all.flatMap(({ attempts }) => attempts.map(({ trigger }) => trigger)));
  expect([...triggers].sort()).toEqual(['first', 'replay', 'resend', 'resume', 'retry']);
});

describe('of a history with exactly one breach', () => {
  it.each(MUTATIONS)('that $title it says $kind', (mutation) => {
    expect(kindsOf(mutation, 1)).toEqual([mutation.kind]);
    const [violation] = checkHistory(breakHistory(mutation, 1));
    expect(violation?.message).toMatch(/^.+\.$/);
  });

  test('that an answer was kept from its record until its worker was killed, it says nothing', () => {
    const mutation = MUTATIONS.find(({ title }) => title.endsWith('killed long after its answer'));
    if (mutation === undefined) throw new Error('There is no such mutation.');
    const history = breakHistory(mutation, 1);
    const kill = history.faults.pop();
    if (kill === undefined) throw new Error('Somebody was killed.');
    const hang = {
      kind: 'hang',
      allowsDuplicates: false,
      delaysRecords: true,
      begunAt: 0,
      endedAt: kill.begunAt,
    };
    history.faults.push(kill, hang);
    expect(checkHistory(history)).toEqual([]);
  });

  test('there is one of each kind', () => {
    expect(new Set(MUTATIONS.map(({ kind }) => kind))).toEqual(new Set(Object.keys(VIOLATION_KINDS)));
  });

  test('it says that and nothing else, wherever the breach is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MUTATIONS), fc.nat({ max: 1_000_000 }), (mutation, seed) => {
        expect(kindsOf(mutation, seed), mutation.title).toEqual([mutation.kind]);
      }),
      { numRuns: 100 },
    );
  });
});
