/**
 * The recorded attempts against what the receiver saw, in both directions.
 *
 * - Every webhook has an attempt's number and time, because the claim commits before anything is written; and no
 *   attempt sends twice.
 * - An attempt with an answer had that answer. One without had none, or one that came too late or was cut.
 * - A worker that dies leaves an attempt without an end, which the relay closes as `interrupted`: it was sent once or
 *   not at all, and the answer may have been any.
 */
import type { AttemptRow, EndpointRow, History } from './history.ts';
import {
  type Arrival,
  type DeliveryStory,
  type HistoryIndex,
  idsOf,
  isInTime,
  isSuccess,
} from './index-history.ts';
import type { Violation } from './violation.ts';

export function findAttemptFaults(history: History, { stories, faults }: HistoryIndex): Violation[] {
  const stops = faults.filter(({ allowsDuplicates }) => allowsDuplicates);
  const wasStopped = (at: number) =>
    stops.some(({ begunAt, endedAt }) => at >= begunAt - 1_000 && at <= endedAt);
  return [...stories.values()]
    .flatMap((story) => [...judgeArrivals(story), ...judgeAttempts(story, wasStopped)])
    .concat(findHomelessAttempts(history, stories));
}

function judgeArrivals(story: DeliveryStory): Violation[] {
  const { arrivals, attempts, endpoint } = story;
  return arrivals.flatMap((arrival, at) => {
    const { attemptNumber, headers } = arrival;
    const attempt = attempts.find(({ number }) => number === attemptNumber);
    const what = `the request of attempt ${attemptNumber} at ${endpoint.path}`;
    if (attempt === undefined) return [disagree(story, `There is no row for ${what}.`)];
    if (headers['x-webhook-timestamp'] !== new Date(attempt.startedAt).toISOString()) {
      return [disagree(story, `The time in ${what} is not that of the attempt.`)];
    }
    const before = arrivals.slice(0, at).filter((earlier) => earlier.attemptNumber === attemptNumber);
    // After an accepted one it is a duplicate.
    if (before.length === 0 || before.some(({ answer }) => isSuccess(answer))) return [];
    return [disagree(story, `One attempt sent twice: ${what} came before.`)];
  });
}

function judgeAttempts(story: DeliveryStory, wasStopped: (at: number) => boolean): Violation[] {
  const { arrivals, attempts, endpoint } = story;
  return attempts.flatMap((attempt) => {
    const arrival = arrivals.find(({ attemptNumber }) => attemptNumber === attempt.number);
    if (isPossible(attempt, arrival, endpoint, wasStopped)) return [];
    const recorded = `${attempt.outcome} ${attempt.responseStatus ?? ''}`.trim();
    const saw = arrival === undefined ? 'no request' : `a request that it answered ${describe(arrival)}`;
    return [
      disagree(
        story,
        `Attempt ${attempt.number} is recorded as ${recorded}, and ${endpoint.path} saw ${saw}.`,
      ),
    ];
  });
}

function isPossible(
  attempt: AttemptRow,
  arrival: Arrival | undefined,
  endpoint: EndpointRow,
  wasStopped: (at: number) => boolean,
): boolean {
  const { outcome, responseStatus } = attempt;
  const answer = arrival?.answer ?? null;
  switch (outcome) {
    // Of what is still under way nothing is known yet.
    case null:
    case 'interrupted':
      return true;
    case 'acknowledged':
    case 'rejected':
    case 'redirected':
      return answer !== null && answer.status === responseStatus;
    case 'timed_out':
      if (answer === null || answer.isCut) return true;
      return !isInTime(answer, attempt, endpoint) || wasStopped(attempt.startedAt);
    case 'connection_failed':
    case 'malformed_response':
    case 'response_too_large':
      return answer === null || answer.isCut;
    case 'dns_failed':
    case 'tls_failed':
    case 'blocked_address':
      return arrival === undefined;
  }
}

function findHomelessAttempts({ attempts }: History, stories: HistoryIndex['stories']): Violation[] {
  return attempts
    .filter(({ deliveryId }) => !stories.has(deliveryId))
    .map(({ deliveryId, number }) => ({
      kind: 'attempts_disagree' as const,
      deliveryId,
      message: `Attempt ${number} is of a delivery that there is not.`,
    }));
}

function disagree(story: DeliveryStory, message: string): Violation {
  return { kind: 'attempts_disagree', ...idsOf(story), message };
}

function describe({ answer }: Arrival): string {
  return answer === null ? 'with nothing' : `with ${answer.status}`;
}
