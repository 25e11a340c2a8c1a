import { expect, test } from 'vitest';
import { dealFaults } from './deal-faults.ts';
import { FAULTS } from './faults.ts';

const kindsOf = (faults: readonly { readonly kind: string }[] = []) => faults.map(({ kind }) => kind);

test.each([1, 2, 3])(
  'deals each kind once, where it can be done, as many to one as to the other (seed %i)',
  (seed) => {
    const hands = dealFaults(['redis', 'postgres'], seed);
    const dealt = [...hands.values()].flatMap(kindsOf);
    expect(dealt.toSorted()).toEqual(kindsOf(FAULTS).toSorted());
    for (const [backend, hand] of hands) {
      expect(hand.every(({ backends }) => backends.includes(backend))).toBe(true);
      expect(hand.length).toBeGreaterThanOrEqual(Math.floor(FAULTS.length / 2));
    }
  },
);

test('another seed deals otherwise, the same one the same', () => {
  const deal = (seed: number) => kindsOf(dealFaults(['redis', 'postgres'], seed).get('postgres'));
  expect(deal(1)).toEqual(deal(1));
  expect(deal(1)).not.toEqual(deal(2));
});

test('without a Redis, what can be done without it is', () => {
  const possible = FAULTS.filter(({ backends }) => backends.includes('postgres'));
  expect(kindsOf(dealFaults(['postgres'], 1).get('postgres')).toSorted()).toEqual(
    kindsOf(possible).toSorted(),
  );
});
