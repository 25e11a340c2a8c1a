import type { ApiAnswer, EndpointRow, History } from './history.ts';
import type { Violation } from './violation.ts';

/**
 * What was claimed just before its endpoint was paused or deleted may still be sent: a claim may take 2 s, and its request
 * is written within the endpoint's time-out. The rest is for a receiver that reads late because its machine is busy.
 */
const CLAIMED_BEFORE_MS = 4_000;
/** A call that got no answer may be done so much later. */
const UNKNOWN_FOR_MS = 60_000;

/** From when on an endpoint is to be sent nothing, and until when. */
interface Hold {
  readonly from: number;
  readonly until: number;
}

/** Webhooks that came to an endpoint after its customer was told that it is paused or deleted, and before it was resumed. */
export function findHeldWebhooks({ answers, endpoints, requests }: History): Violation[] {
  const byPath = Map.groupBy(requests, ({ path }) => path);
  return endpoints.flatMap((endpoint) => {
    const holds = findHolds(endpoint, answers);
    return (byPath.get(endpoint.path) ?? [])
      .filter(({ begunAt }) => holds.some(({ from, until }) => begunAt > from && begunAt < until))
      .map(
        ({ path, headers }): Violation => ({
          kind: 'sent_while_held',
          endpointId: endpoint.endpointId,
          deliveryId: headers['webhook-id'] ?? '',
          message: `${path} got a webhook although it was paused or deleted long before.`,
        }),
      );
  });
}

function findHolds({ endpointId, timeoutMs }: EndpointRow, answers: readonly ApiAnswer[]): Hold[] {
  const ofKind = (...kinds: ApiAnswer['asked']['kind'][]) =>
    answers.filter(
      ({ asked }) => kinds.includes(asked.kind) && 'endpointId' in asked && asked.endpointId === endpointId,
    );
  const resumes = ofKind('resume').map(({ begunAt, endedAt, got }) => ({
    begunAt,
    doneBy: got.kind === 'unknown' ? endedAt + UNKNOWN_FOR_MS : endedAt,
  }));
  return ofKind('pause', 'delete')
    .filter(({ got }) => got.kind === 'accepted')
    .map(({ begunAt, endedAt, asked }) => {
      const later = asked.kind === 'delete' ? [] : resumes.filter(({ doneBy }) => doneBy >= begunAt);
      return {
        from: endedAt + timeoutMs + CLAIMED_BEFORE_MS,
        until: Math.min(Number.POSITIVE_INFINITY, ...later.map((resume) => resume.begunAt)),
      };
    });
}
