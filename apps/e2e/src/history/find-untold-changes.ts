/**
 * Changes that an endpoint was not told of, as it should have been. Each change concerns the endpoints of its
 * customer server that want its status; what became of it there is a delivery, whose end must be explained by what
 * the receiver did or by what the customer asked for.
 */

import { ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { toStatusReason } from '@vendor-server/domain/deliveries/status-reason.ts';
import type { AttemptRow, ChangeRow, EndpointRow, History } from './history.ts';
import { type DeliveryStory, type HistoryIndex, idsOf, isSuccess, keyOf } from './index-history.ts';
import type { Violation } from './violation.ts';

/** Two clocks of one machine, and the API's way from deciding a change to answering it. */
const CLOCK_MARGIN_MS = 1_000;

export function findUntoldChanges(history: History, index: HistoryIndex): Violation[] {
  const violations: Violation[] = [];
  for (const { got } of history.answers) {
    if (got.kind !== 'acknowledged') continue;
    if (index.changes.get(keyOf(got))?.status === got.status) continue;
    const { orderId, version, status } = got;
    const message = `The API acknowledged "${status}" as version ${version}, and no such change was committed.`;
    violations.push({ kind: 'lost', orderId, version, message });
  }

  const told = new Set(
    [...index.stories.values()].map(({ delivery }) => toldKey(delivery, delivery.endpointId)),
  );
  for (const change of history.changes) {
    for (const endpoint of history.endpoints) {
      if (told.has(toldKey(change, endpoint.endpointId)) || !concerns(index, change, endpoint)) continue;
      const { orderId, version } = change;
      const message = `There is no delivery of "${change.status}" to ${endpoint.path}.`;
      const kind = index.promisedAt.has(keyOf(change)) ? 'lost' : 'gap';
      violations.push({ kind, orderId, version, endpointId: endpoint.endpointId, message });
    }
  }

  for (const lane of index.lanes) {
    for (const story of lane) violations.push(...judgeEnd(story, lane));
  }
  return violations;
}

function toldKey(change: { orderId: string; version: number }, endpointId: string): string {
  return `${keyOf(change)}/${endpointId}`;
}

/** Whether the endpoint must have been told. One that was deleted at about that time may have been. */
function concerns({ promisedAt }: HistoryIndex, change: ChangeRow, endpoint: EndpointRow): boolean {
  const { customerServerId, statuses, deletedAt } = endpoint;
  if (customerServerId !== change.customerServerId) return false;
  if (statuses !== null && !statuses.includes(change.status)) return false;
  if (deletedAt === null) return true;
  const promised = promisedAt.get(keyOf(change));
  return promised !== undefined && promised < deletedAt - CLOCK_MARGIN_MS;
}

function judgeEnd(story: DeliveryStory, lane: readonly DeliveryStory[]): Violation[] {
  const { delivery, endpoint, isGood, isPromised, arrivals } = story;
  if (delivery.state === 'failed' && isGood) {
    const message = `${endpoint.path} always accepts, and version ${delivery.version} failed there.`;
    return [{ kind: 'failed_at_good_receiver', ...idsOf(story), message }];
  }
  if (arrivals.some(({ answer }) => isSuccess(answer)) || isExplained(story, lane)) return [];
  return [
    {
      kind: isPromised ? 'lost' : 'gap',
      ...idsOf(story),
      message: `Version ${delivery.version} is ${delivery.state} at ${endpoint.path}, which never accepted it.`,
    },
  ];
}

function isExplained(
  { delivery, endpoint, attempts }: DeliveryStory,
  lane: readonly DeliveryStory[],
): boolean {
  switch (delivery.state) {
    // These are said to be left over, and not lost.
    case 'blocked':
    case 'waiting':
    case 'queued':
      return true;
    case 'delivered':
      return false;
    case 'cancelled':
      return endpoint.deletedAt !== null;
    case 'superseded':
      return (
        endpoint.wantsLatestOnly &&
        lane.some(({ delivery: newer }) => newer.version > delivery.version && newer.replacesOlder)
      );
    case 'failed':
      return hasFailed(attemptsSinceOpening(delivery, attempts), endpoint.retries);
  }
}

/** The attempts of the budget that ended a delivery. */
export function attemptsSinceOpening(
  { openedBy, openedAt }: DeliveryStory['delivery'],
  attempts: readonly AttemptRow[],
): readonly AttemptRow[] {
  // The opening is kept in microseconds, an attempt's beginning in milliseconds.
  return openedBy === 'change'
    ? attempts
    : attempts.filter(({ startedAt }) => startedAt >= Math.floor(openedAt));
}

/** The last one was a refusal for good, or as many failed as may be tried: probes are on top of them. */
function hasFailed(attempts: readonly AttemptRow[], retries: number): boolean {
  const made = attempts.filter(({ outcome }) => outcome !== 'interrupted');
  const last = made.at(-1);
  if (last === undefined) return false;
  if (last.responseStatus !== null && ruleOf(toStatusReason(last.responseStatus)).action === 'fail')
    return true;
  return made.filter(({ trigger }) => trigger !== 'probe').length > retries;
}
