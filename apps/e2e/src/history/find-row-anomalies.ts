import { FINAL_DELIVERY_STATES } from '@vendor-server/domain/deliveries/delivery-state.ts';
import { buildDeliveryJobId } from '@vendor-server/platform/queue/delivery-job.ts';
import { attemptsSinceOpening } from './find-untold-changes.ts';
import type { DeliveryRow, History } from './history.ts';
import { type DeliveryStory, type HistoryIndex, idsOf } from './index-history.ts';
import type { Violation, ViolationKind } from './violation.ts';

const FINAL: ReadonlySet<string> = new Set(FINAL_DELIVERY_STATES);

/** What is left of the run, and rows that cannot have come about by the rules. One accusation for each delivery. */
export function findRowAnomalies({ liveJobs }: History, { stories }: HistoryIndex): Violation[] {
  const jobs = new Set(liveJobs);
  return [...stories.values()].flatMap((story): Violation[] => {
    const { delivery } = story;
    const [kind, message] = judge(story, jobs) ?? [];
    if (kind === undefined || message === undefined) return [];
    return [
      { kind, ...idsOf(story), message: `Version ${delivery.version} at ${story.endpoint.path} ${message}` },
    ];
  });
}

function judge(story: DeliveryStory, jobs: ReadonlySet<string>): [ViolationKind, string] | null {
  const { delivery, attempts } = story;
  if (delivery.isClaimed) return ['open_claim', `is ${delivery.state} and claimed.`];
  if (delivery.state === 'queued' && !jobs.has(jobIdOf(delivery))) {
    return [
      'queued_without_job',
      `is queued, and the queue has no job of generation ${delivery.generation}.`,
    ];
  }
  if (!FINAL.has(delivery.state)) return ['backlog_left', `is still ${delivery.state}.`];
  const what = findContradiction(delivery, attempts);
  return what === null ? null : ['row_anomaly', what];
}

function findContradiction(delivery: DeliveryRow, attempts: DeliveryStory['attempts']): string | null {
  if (delivery.finishedAt === null) return `is ${delivery.state} since never.`;
  if (attempts.some(({ outcome }) => outcome === null)) {
    return `is ${delivery.state}, and one of its attempts has no end.`;
  }
  if (attempts.length !== delivery.attemptCount || attempts.some(({ number }, at) => number !== at + 1)) {
    const numbers = attempts.map(({ number }) => number).join(', ');
    return `counts ${delivery.attemptCount} attempts and has those numbered ${numbers}.`;
  }
  const accepted = attemptsSinceOpening(delivery, attempts).filter(
    ({ outcome }) => outcome === 'acknowledged',
  ).length;
  if (delivery.state === 'delivered' && accepted === 0) return 'is delivered without an attempt that was.';
  return accepted > (delivery.state === 'delivered' ? 1 : 0)
    ? `is ${delivery.state} after ${accepted} attempts that were accepted.`
    : null;
}

function jobIdOf({ deliveryId, generation }: DeliveryRow): string {
  return buildDeliveryJobId(deliveryId, generation);
}
