import type { Arrival, DeliveryStory, HistoryIndex } from './index-history.ts';
import { idsOf, isSuccess } from './index-history.ts';
import type { Violation } from './violation.ts';

/**
 * First sends that began too early: of each lane, everything that was sent of a version on its first budget must have
 * begun, and been answered if it was accepted, before anything was sent of a later version. What was opened again is
 * promised no place. All times are the receiver's, and of one clock.
 */
export function findOrderFaults({ lanes }: HistoryIndex): Violation[] {
  const violations: Violation[] = [];
  for (const lane of lanes) {
    const sent = lane
      .map((story) => ({ story, firsts: firstSends(story) }))
      .filter(({ firsts }) => firsts.length > 0);
    for (const [at, { story, firsts }] of sent.entries()) {
      const later = sent[at + 1];
      const next = later?.firsts[0];
      if (next === undefined || firsts.every((each) => isDoneBefore(each, next.begunAt))) continue;
      const { version } = story.delivery;
      const message = `${story.endpoint.path} got version ${later?.story.delivery.version} before version ${version} was done with.`;
      violations.push({ kind: 'out_of_order', ...idsOf(story), message });
    }
  }
  return violations;
}

function firstSends({ arrivals, attempts, firstBudgetUntil }: DeliveryStory): Arrival[] {
  const firsts = new Set(
    attempts.filter(({ startedAt }) => startedAt < firstBudgetUntil).map(({ number }) => number),
  );
  return arrivals.filter(({ attemptNumber }) => firsts.has(attemptNumber));
}

function isDoneBefore({ begunAt, answer }: Arrival, time: number): boolean {
  return begunAt < time && (!isSuccess(answer) || answer.writtenAt <= time);
}
