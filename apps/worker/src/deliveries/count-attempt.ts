import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import type { WorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import type { ClaimedDelivery } from './claim-sql.ts';
import type { KnownStep } from './record-sql.ts';

/**
 * Counts an attempt when it is known what became of it. One whose claim was lost is counted as `interrupted` by the
 * relay that ended the claim, as its row says.
 *
 * The latency is reckoned from two times of the database's clock, the change's and the attempt's beginning, and the
 * attempt's duration: no difference between machines' clocks is in it.
 */
export function countAttempt(
  metrics: WorkerMetrics,
  claimed: Pick<ClaimedDelivery, 'attemptedAt' | 'changedAt' | 'openedBy'>,
  result: AttemptResult,
  step: KnownStep,
): void {
  if (step.kind === 'lost') return metrics.countLateAnswer();
  metrics.countAttempt(result);
  if (step.kind !== 'delivered' && step.kind !== 'failed' && step.kind !== 'superseded') return;
  metrics.countFinished(step.kind, 1);
  if (step.kind === 'delivered' && claimed.openedBy === 'change') {
    metrics.observeLatency(claimed.attemptedAt.getTime() - claimed.changedAt.getTime() + result.durationMs);
  }
}
