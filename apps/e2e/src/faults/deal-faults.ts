import { createRandom } from '../history/testing/create-random.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './faults.ts';
import type { QueueBackend } from './queue-backend.ts';

/**
 * Each kind once over all of the backends: one that can be done on several is dealt to one of them, so that each has
 * about as much to do and another seed deals otherwise.
 *
 * @returns what is done to the system of each, in its order
 */
export function dealFaults(
  backends: readonly QueueBackend[],
  seed: number,
): ReadonlyMap<QueueBackend, readonly Fault[]> {
  const random = createRandom(seed);
  const hands = new Map<QueueBackend, Fault[]>(backends.map((backend) => [backend, []]));
  const withChoices = FAULTS.map((fault) => ({
    fault,
    choices: backends.filter((each) => fault.backends.includes(each)),
  }));
  // Those without a choice come first: then the others even it out.
  for (const { fault, choices } of shuffle(withChoices, random).toSorted(
    (one, other) => one.choices.length - other.choices.length,
  )) {
    const [smallest] = choices
      .map((each) => hands.get(each) ?? [])
      .toSorted((one, other) => one.length - other.length);
    smallest?.push(fault);
  }
  return new Map([...hands].map(([backend, hand]) => [backend, shuffle(hand, random)]));
}

function shuffle<Item>(items: readonly Item[], { next }: { next(): number }): Item[] {
  return items
    .map((item) => ({ item, at: next() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
