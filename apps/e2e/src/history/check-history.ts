import { findAttemptFaults } from './find-attempt-faults.ts';
import { findDuplicates } from './find-duplicates.ts';
import { findFalseWebhooks } from './find-false-webhooks.ts';
import { findHeldWebhooks } from './find-held-webhooks.ts';
import { findOrderFaults } from './find-order-faults.ts';
import { findRowAnomalies } from './find-row-anomalies.ts';
import { findUnaskedChanges } from './find-unasked-changes.ts';
import { findUntoldChanges } from './find-untold-changes.ts';
import type { History } from './history.ts';
import { indexHistory } from './index-history.ts';
import type { Violation } from './violation.ts';

/**
 * Decides from the outside whether a run kept the promise: every committed change reaches every endpoint it concerns
 * at least once, first sends in order, one id, one body, and a second time only where a process died.
 *
 * Each finding is made once, by the rule that says it best: what is lost is not also said to be recorded wrongly.
 *
 * @returns nothing when it did
 */
export function checkHistory(history: History): Violation[] {
  const index = indexHistory(history);
  const worst = [...findUntoldChanges(history, index), ...findDuplicates(index)];
  const rows = findRowAnomalies(history, index).filter(isNotOf(worst));
  return [
    ...worst,
    ...findUnaskedChanges(history, index),
    ...findFalseWebhooks(history, index),
    ...findHeldWebhooks(history),
    ...findOrderFaults(index),
    ...rows,
    ...findAttemptFaults(history, index).filter(isNotOf([...worst, ...rows])),
  ];
}

/** Not about a delivery of which something else is said already. */
function isNotOf(violations: readonly Violation[]): (violation: Violation) => boolean {
  const known = new Set(violations.map(({ deliveryId }) => deliveryId));
  return ({ deliveryId }) => deliveryId === undefined || !known.has(deliveryId);
}
