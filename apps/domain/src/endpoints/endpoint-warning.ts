import { decideLostAt, WARNED_BEFORE_MS } from './decide-disabling.ts';
import type { EndpointFacts } from './endpoint-facts.ts';
import { decideClosedSince, decideGivenUpAt } from './hold.ts';

/**
 * What somebody should do something about before it happens: that changes wait, and when the oldest of them is given
 * up; that the endpoint is about to be disabled, and when.
 *
 * @param maxHoldMs how long a closed endpoint may hold a delivery
 * @returns sentences for the endpoint's owner; null when there are none
 */
export function describeWarning(facts: EndpointFacts, maxHoldMs: number): string | null {
  const sentences = [describeBacklog(facts, maxHoldMs), describeLoss(facts)].filter(
    (sentence) => sentence !== null,
  );
  return sentences.length === 0 ? null : sentences.join(' ');
}

const UNTIL = {
  paused: 'they are sent when it is resumed',
  disabled: 'they are sent when it is enabled',
  broken: 'they are sent when it answers again',
} as const;

function describeBacklog(facts: EndpointFacts, maxHoldMs: number): string | null {
  const { state, pending, pendingCapped, oldestDueAt } = facts;
  if (pending === 0) return null;
  const closedSince = decideClosedSince(facts);
  if (closedSince === null) return pendingCapped ? `More than ${pending} changes wait for it.` : null;
  const waiting = `Changes wait for it: ${UNTIL[state === 'active' ? 'broken' : state]}`;
  if (oldestDueAt === null) return `${waiting}.`;
  const givenUpAt = decideGivenUpAt(closedSince, oldestDueAt, maxHoldMs);
  return `${waiting}. The oldest is given up at ${givenUpAt.toISOString()}.`;
}

function describeLoss(facts: EndpointFacts): string | null {
  const lostAt = decideLostAt(facts);
  if (lostAt === null || facts.readAt.getTime() < lostAt.getTime() - WARNED_BEFORE_MS) return null;
  if (facts.readAt >= lostAt) return 'It has accepted nothing for so long that its next failure disables it.';
  return `It is disabled at ${lostAt.toISOString()}, unless it accepts a webhook before.`;
}
