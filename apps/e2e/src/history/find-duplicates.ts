import type { FaultSpan } from './history.ts';
import {
  type Arrival,
  type DeliveryStory,
  type HistoryIndex,
  idsOf,
  isInTime,
  isSuccess,
} from './index-history.ts';
import type { Violation } from './violation.ts';

/**
 * A webhook that began after the receiver had accepted the same one in time, resends and replays apart. The only
 * excuse is that the one who sent the first died or was stopped before its record: then its attempt is `interrupted`,
 * and a fault that kills or stops went on while the answer can have been unrecorded. One that came later excuses
 * nothing, although an interrupted attempt is ended only seconds after its answer.
 */
export interface Duplicate {
  readonly story: DeliveryStory;
  readonly first: Arrival;
  readonly second: Arrival;
}

/** How long a worker may take to record an answer when nothing is in its way. */
const RECORDED_WITHIN_MS = 2_000;

export function listDuplicates({ stories }: HistoryIndex): Duplicate[] {
  return [...stories.values()].flatMap((story) => {
    const { arrivals, attempts, endpoint } = story;
    const wasAccepted = ({ answer, attemptNumber }: Arrival) => {
      const attempt = attempts.find(({ number }) => number === attemptNumber);
      if (attempt === undefined || !isSuccess(answer) || answer.isCut) return false;
      return isInTime(answer, attempt, endpoint);
    };
    return arrivals.slice(1).flatMap((second, at) => {
      // The nearest one: of three, the second is the excuse or the accusation of the third.
      const first = arrivals
        .slice(0, at + 1)
        .findLast((each) => wasAccepted(each) && (each.answer?.writtenAt ?? 0) < second.begunAt);
      return first === undefined || wasReopenedBetween(story, first, second)
        ? []
        : [{ story, first, second }];
    });
  });
}

export function findDuplicates(index: HistoryIndex): Violation[] {
  return listDuplicates(index).flatMap(({ story, first, second }): Violation[] => {
    const attempt = story.attempts.find(({ number }) => number === first.attemptNumber);
    const numbers = `attempt ${second.attemptNumber} came after attempt ${first.attemptNumber} had been accepted`;
    const what = `At ${story.endpoint.path} ${numbers}`;
    if (attempt?.outcome !== 'interrupted' || second.attemptNumber === first.attemptNumber) {
      const message = `${what}, which is recorded as ${attempt?.outcome}.`;
      return [{ kind: 'duplicate_without_interruption', ...idsOf(story), message }];
    }
    const heldUntil = findHeldUntil(first.answer?.writtenAt ?? first.begunAt, index.faults);
    if (index.faults.some((fault) => isExcuse(fault, attempt.startedAt, heldUntil))) return [];
    const message = `${what} and was interrupted, and nothing was done that may interrupt one.`;
    return [{ kind: 'duplicate_not_allowed_here', ...idsOf(story), message }];
  });
}

function isExcuse(fault: FaultSpan, startedAt: number, heldUntil: number): boolean {
  return fault.allowsDuplicates && startedAt <= fault.endedAt && heldUntil >= fault.begunAt;
}

/** Until when a worker that lives may hold an answer: one such fault may follow upon the other. */
function findHeldUntil(acceptedAt: number, faults: readonly FaultSpan[]): number {
  return faults
    .filter(({ delaysRecords, endedAt }) => delaysRecords && endedAt >= acceptedAt)
    .toSorted((one, other) => one.begunAt - other.begunAt)
    .reduce(
      (until, { begunAt, endedAt }) =>
        begunAt <= until ? Math.max(until, endedAt + RECORDED_WITHIN_MS) : until,
      acceptedAt + RECORDED_WITHIN_MS,
    );
}

/**
 * Whether it was opened again in between: by the row, which knows of the last time only, and by the attempts. What an
 * acknowledged attempt has ended goes on only when it was opened again; the trigger says so too, unless a probe or a
 * resumption came first.
 */
function wasReopenedBetween({ delivery, attempts }: DeliveryStory, first: Arrival, second: Arrival): boolean {
  const [before, ...after] = attempts.filter(
    ({ number }) => number >= first.attemptNumber && number <= second.attemptNumber,
  );
  if (before === undefined || delivery.openedBy === 'change' || delivery.openedAt < before.startedAt)
    return false;
  return (
    (before.outcome === 'acknowledged' && after.length > 0) ||
    after.some(({ trigger }) => trigger === 'resend' || trigger === 'replay')
  );
}
