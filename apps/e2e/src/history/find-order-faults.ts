/**
 * Webhooks that began too early, lane by lane. All times are the receiver's, and of one clock; only when something was
 * opened is the database's, taken under the lock of its order.
 *
 * - *First sends come by version*: everything that was sent of a version on its first budget has begun, and been answered
 *   if it was accepted, before anything was sent of a later version.
 * - *So does what was opened again*: of two that one replay opened, or of which the earlier version was opened first, the
 *   earlier version goes first. (Else the later one may have been on its way already. A change may go before what was
 *   opened again a moment before it, see platform's reopen.ts.)
 * - *One at a time*: whatever opened them, none begins while another one of its lane is being answered.
 *
 * The first of these that finds something says it.
 */

import { attemptsSinceOpening } from './find-untold-changes.ts';
import {
  type Arrival,
  type DeliveryStory,
  type HistoryIndex,
  idsOf,
  isInTime,
  isSuccess,
} from './index-history.ts';
import type { Violation } from './violation.ts';

type Lane = HistoryIndex['lanes'][number];

export function findOrderFaults({ lanes }: HistoryIndex): Violation[] {
  return lanes.flatMap((lane) => {
    for (const find of [findEarlyFirsts, findEarlyReopened, findOverlaps]) {
      const violations = find(lane);
      if (violations.length > 0) return violations;
    }
    return [];
  });
}

function findEarlyFirsts(lane: Lane): Violation[] {
  const sent = lane
    .map((story) => ({ story, firsts: firstSends(story) }))
    .filter(({ firsts }) => firsts.length > 0);
  return sent.flatMap(({ story, firsts }, at) => {
    const later = sent[at + 1];
    const next = later?.firsts[0];
    if (next === undefined || firsts.every((each) => isDoneBefore(each, next.begunAt))) return [];
    return [
      accuse(story, `got version ${later?.story.delivery.version} before ${nameOf(story)} was done with`),
    ];
  });
}

function findEarlyReopened(lane: Lane): Violation[] {
  const sent = lane
    .filter(isReopened)
    .map((story) => ({ story, sends: lastSends(story) }))
    .filter(({ sends }) => sends.length > 0);
  return sent.flatMap(({ story, sends }, at) => {
    const next = sends[0]?.begunAt ?? 0;
    const early = sent
      .slice(0, at)
      .find(
        (earlier) =>
          wasOpenedBefore(earlier.story, story) && !earlier.sends.every((each) => isDoneBefore(each, next)),
      );
    if (early === undefined) return [];
    return [
      accuse(
        story,
        `got ${nameOf(story)} again before ${nameOf(early.story)} was done with, which was opened before it`,
      ),
    ];
  });
}

function findOverlaps(lane: Lane): Violation[] {
  const all = lane
    .flatMap((story) => story.arrivals.map((arrival) => ({ story, arrival })))
    .toSorted((one, other) => one.arrival.begunAt - other.arrival.begunAt);
  return all.flatMap(({ story, arrival }, at) => {
    const until = acceptedAt(story, arrival);
    const next = all.slice(at + 1).find((each) => each.story !== story);
    if (until === null || next === undefined || next.arrival.begunAt >= until) return [];
    return [accuse(next.story, `got ${nameOf(next.story)} while it answered ${nameOf(story)}`)];
  });
}

/** One replay opens the deliveries of a lane by version, several of them in one moment. */
function wasOpenedBefore({ delivery: one }: DeliveryStory, { delivery: other }: DeliveryStory): boolean {
  return one.openedAt <= other.openedAt || (one.replayId !== null && one.replayId === other.replayId);
}

const isReopened = ({ delivery }: DeliveryStory) => delivery.openedBy !== 'change';

function firstSends({ arrivals, attempts, firstBudgetUntil }: DeliveryStory): Arrival[] {
  const firsts = new Set(
    attempts.filter(({ startedAt }) => startedAt < firstBudgetUntil).map(({ number }) => number),
  );
  return arrivals.filter(({ attemptNumber }) => firsts.has(attemptNumber));
}

/** What was sent since it was opened last. */
function lastSends({ delivery, arrivals, attempts }: DeliveryStory): Arrival[] {
  const lasts = new Set(attemptsSinceOpening(delivery, attempts).map(({ number }) => number));
  return arrivals.filter(({ attemptNumber }) => lasts.has(attemptNumber));
}

function isDoneBefore({ begunAt, answer }: Arrival, time: number): boolean {
  return begunAt < time && (!isSuccess(answer) || answer.writtenAt <= time);
}

/** Null when it was not, or too late to be sure that its sender still waited for it. */
function acceptedAt(
  { attempts, endpoint }: DeliveryStory,
  { answer, attemptNumber }: Arrival,
): number | null {
  const attempt = attempts.find(({ number }) => number === attemptNumber);
  if (attempt === undefined || !isSuccess(answer)) return null;
  return isInTime(answer, attempt, endpoint) ? answer.writtenAt : null;
}

const nameOf = ({ delivery }: DeliveryStory) => `version ${delivery.version}`;

function accuse(story: DeliveryStory, what: string): Violation {
  return { kind: 'out_of_order', ...idsOf(story), message: `${story.endpoint.path} ${what}.` };
}
