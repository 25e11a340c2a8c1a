/**
 * The table of states, as what each statement may make of a delivery. Whatever is not in it is a violation: another
 * statement, another state, a claim that is taken, kept or ended where it should not be, a count that moves.
 */
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import type { DeliveryEvent, RowVersion } from './create-delivery-history.ts';

interface ChangeRule {
  readonly from: readonly DeliveryState[];
  readonly to: readonly DeliveryState[];
  /** Default: there was none, and there is none. */
  readonly claim?: 'taken' | 'ended';
  /** By how much the generation rises. Default: not at all. */
  readonly generation?: 1;
  /** By how much each rises, or what it becomes. Default: as it was. */
  readonly attempts?: 1;
  readonly budget?: 'counted' | 'new';
  readonly interruptions?: 1 | 'new';
}

const OPEN = ['blocked', 'waiting', 'queued'] as const;
const REPLACED: ChangeRule = { from: OPEN, to: ['superseded'] };
const PUT_IN_QUEUE: ChangeRule = { from: ['waiting'], to: ['queued'], generation: 1 };
const CLAIMED: ChangeRule = { from: ['queued'], to: ['queued'], claim: 'taken', attempts: 1 };
const UNSENT: ChangeRule = { from: ['queued'], to: ['waiting', 'cancelled'] };
const RECORDED: ChangeRule = {
  from: ['queued'],
  to: ['delivered', 'failed', 'queued', 'waiting', 'superseded'],
  claim: 'ended',
  budget: 'counted',
  interruptions: 'new',
};
/** A record hands on the places of what leaves the queue. */
const HANDED_ON: readonly ChangeRule[] = [
  PUT_IN_QUEUE,
  { from: ['blocked'], to: ['waiting'] },
  { from: ['blocked'], to: ['queued'], generation: 1 },
];

const RULES: Readonly<Record<string, readonly ChangeRule[]>> = {
  'write-order-change': [REPLACED],
  // A change that would replace something is left out of it.
  'write-order-changes': [],
  'move-lanes-next': [{ from: ['blocked'], to: ['waiting'] }, REPLACED],
  'move-due-heads': [PUT_IN_QUEUE],
  'start-probes': [PUT_IN_QUEUE],
  'cancel-for-deleted-endpoint': [{ from: ['blocked', 'waiting'], to: ['cancelled'] }],
  'put-back-unclaimed': [{ from: ['queued'], to: ['waiting'] }],
  'cancel-unclaimed': [{ from: ['queued'], to: ['cancelled'] }],
  'claim-delivery': [CLAIMED],
  'claim-deliveries': [CLAIMED],
  'settle-refusal': [UNSENT],
  'settle-refusals': [UNSENT],
  'record-attempt': [RECORDED, ...HANDED_ON],
  'record-attempts': [RECORDED, ...HANDED_ON],
  'release-claim': [{ from: ['queued'], to: ['waiting'], claim: 'ended' }],
  'renew-generations': [{ from: ['queued'], to: ['queued'], generation: 1 }],
  'end-expired-claims': [
    {
      from: ['queued'],
      to: ['queued', 'failed', 'superseded'],
      claim: 'ended',
      generation: 1,
      interruptions: 1,
    },
  ],
  'reopen-deliveries': [
    {
      from: ['delivered', 'failed', 'superseded'],
      to: ['blocked', 'waiting'],
      budget: 'new',
      interruptions: 'new',
    },
  ],
};

/** Alone or with others. */
export const isRecord = (statement: string | null): boolean =>
  statement === 'record-attempt' || statement === 'record-attempts';

/** What is wrong with a change of a row by itself; null when it is in the table. */
export function findForbiddenChange({ statement, before, after }: DeliveryEvent): string | null {
  if (before === null) return isNew(after) ? null : 'is made in a state that none begins with';
  // The test's own lets time pass.
  if (statement === null) return isSame(before, after) ? null : 'is changed by nobody';
  const rule = (RULES[statement] ?? []).find(
    ({ from, to }) => from.includes(before.state) && to.includes(after.state),
  );
  if (rule === undefined) return `goes from ${before.state} to ${after.state}, which is not in the table`;
  return findBrokenTerm(rule, before, after);
}

function isNew(row: RowVersion): boolean {
  const isQueued = row.state === 'queued';
  return (
    (isQueued || row.state === 'blocked' || row.state === 'waiting') &&
    row.generation === (isQueued ? 1 : 0) &&
    row.claim_token === null &&
    row.attempt_count + row.budget_used + row.interrupted_count === 0
  );
}

function isSame(before: RowVersion, after: RowVersion): boolean {
  return (
    before.state === after.state &&
    before.claim_token === after.claim_token &&
    findBrokenTerm(
      { from: [], to: [] },
      { ...before, claim_token: null },
      { ...after, claim_token: null },
    ) === null
  );
}

function findBrokenTerm(rule: ChangeRule, before: RowVersion, after: RowVersion): string | null {
  if ((before.claim_token !== null) !== (rule.claim === 'ended')) {
    return before.claim_token === null ? 'had no claim that could end' : 'was claimed';
  }
  if ((after.claim_token !== null) !== (rule.claim === 'taken')) return 'has a claim that nobody took';
  if (after.generation - before.generation !== (rule.generation ?? 0)) {
    return `goes from generation ${before.generation} to ${after.generation}`;
  }
  if (after.attempt_count - before.attempt_count !== (rule.attempts ?? 0)) {
    return `goes from ${before.attempt_count} to ${after.attempt_count} attempts`;
  }
  if (after.budget_used !== expectBudget(rule, before, after)) {
    return `goes from ${before.budget_used} to ${after.budget_used} of its budget`;
  }
  if (after.interrupted_count !== expectInterruptions(rule, before)) {
    return `goes from ${before.interrupted_count} to ${after.interrupted_count} interruptions`;
  }
  return null;
}

/** A probe comes on top, and so does a try with the other of two secrets. */
function expectBudget({ budget }: ChangeRule, before: RowVersion, after: RowVersion): number {
  if (budget === 'new') return 0;
  return before.budget_used + (budget === 'counted' && !before.is_probe && !after.use_other_secret ? 1 : 0);
}

function expectInterruptions({ interruptions }: ChangeRule, before: RowVersion): number {
  if (interruptions === 'new') return 0;
  return before.interrupted_count + (interruptions ?? 0);
}
