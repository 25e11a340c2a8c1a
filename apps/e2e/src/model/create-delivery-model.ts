/**
 * What may be seen of deliveries: a copy of their rows that is kept by what their history says, and the rules that
 * each step must leave whole.
 */
import { findForbiddenChange, isRecord } from './change-rules.ts';
import type { DeliveryEvent, RowVersion } from './create-delivery-history.ts';

/** A rule that was broken, in words. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export interface Exchange {
  readonly actor: string;
  readonly deliveryId: string;
  readonly attemptNumber: number;
  /** On the model's clock; past it nobody waits for an answer. */
  readonly deadline: number;
}

/** How many of an endpoint's deliveries are in the queue, and how many may be. */
export interface Fill {
  readonly window: number;
  readonly queued: number;
}

export interface DeliveryModel {
  /** With what was there before: delivered. */
  begin(rows: readonly RowVersion[]): void;
  /** @throws Violation */
  apply(events: readonly DeliveryEvent[]): void;
  /** What the next two see is thrown by the next `apply`: the production code between would take it for a fault of ours. */
  noteFill(before: readonly Fill[], after: readonly Fill[]): void;
  /** A request is written. */
  beginExchange(exchange: Exchange): void;
  endExchange(exchange: Exchange, wasAccepted: boolean): void;
  rows(): readonly RowVersion[];
}

export function createDeliveryModel(now: () => number): DeliveryModel {
  const rows = new Map<string, RowVersion>();
  /** Who holds the claim of a delivery. */
  const claimants = new Map<string, string>();
  /** Those that have ended at least once: what was opened again holds nobody up. */
  const ended = new Set<string>();
  const accepted = new Set<string>();
  const exchanges = new Set<Exchange>();
  let seen: Violation | null = null;

  const lane = ({ endpoint_id, order_id }: RowVersion) =>
    [...rows.values()].filter((row) => row.endpoint_id === endpoint_id && row.order_id === order_id);

  function apply(event: DeliveryEvent): void {
    const { before, after, actor } = event;
    const forbidden = findForbiddenChange(event);
    if (forbidden !== null) throw violation(after, forbidden, event);
    const known = rows.get(after.id) ?? null;
    if (known?.claim_token !== before?.claim_token) throw violation(after, 'is not what it was', event);
    rows.set(after.id, after);
    if (isRecord(event.statement) && before?.claim_token !== null && claimants.get(after.id) !== actor) {
      throw violation(after, `is recorded under the claim of ${claimants.get(after.id)}`, event);
    }
    if (after.claim_token === null) claimants.delete(after.id);
    else if (before?.claim_token === null) {
      claimants.set(after.id, actor);
      const overtaking = findOvertaking(after, 'is claimed', event);
      if (overtaking !== null) throw overtaking;
    }
    if (!['blocked', 'waiting', 'queued'].includes(after.state)) ended.add(after.id);
    if (isRecord(event.statement) && after.state === 'delivered' && !accepted.has(after.id)) {
      throw violation(after, 'is delivered, but nobody accepted it', event);
    }
  }

  /** Nobody of the change's own deliveries may be in front of it that has not ended yet. */
  function findOvertaking(row: RowVersion, what: string, event: DeliveryEvent | null): Violation | null {
    const early = lane(row).find((each) => each.order_version < row.order_version && !ended.has(each.id));
    return early === undefined
      ? null
      : violation(row, `${what} although version ${early.order_version} has not ended`, event);
  }

  function checkHeads(): void {
    for (const row of rows.values()) {
      const heads = lane(row).filter(({ state }) => state === 'waiting' || state === 'queued');
      if (heads.length > 1) throw violation(row, 'is in a lane with two heads', null);
    }
  }

  function findForbiddenSend({ actor, deliveryId, attemptNumber }: Exchange): Violation | null {
    const row = rows.get(deliveryId);
    if (row === undefined) return new Violation('A webhook is sent of what never committed');
    if (claimants.get(row.id) !== actor || row.attempt_count !== attemptNumber) {
      return violation(row, `is sent by ${actor} without a claim`, null);
    }
    const onItsWay = [...exchanges]
      .filter(({ deadline }) => now() < deadline)
      .map((exchange) => rows.get(exchange.deliveryId))
      .find((sent) => sent !== undefined && lane(row).includes(sent));
    if (onItsWay !== undefined) {
      return violation(row, `is sent while version ${onItsWay.order_version} is on its way`, null);
    }
    return findOvertaking(row, 'is sent', null);
  }

  return {
    begin(first) {
      for (const row of first) {
        rows.set(row.id, row);
        ended.add(row.id);
        accepted.add(row.id);
      }
    },
    apply(events) {
      if (seen !== null) throw seen;
      for (const event of events) apply(event);
      if (events.length > 0) checkHeads();
    },
    noteFill(before, after) {
      for (const [at, { window, queued }] of after.entries()) {
        if (queued <= Math.max(window, before[at]?.queued ?? 0)) continue;
        seen ??= new Violation(`${queued} are in the queue of an endpoint whose window is ${window}`);
      }
    },
    beginExchange(exchange) {
      seen ??= findForbiddenSend(exchange);
      exchanges.add(exchange);
    },
    endExchange(exchange, wasAccepted) {
      exchanges.delete(exchange);
      if (wasAccepted) accepted.add(exchange.deliveryId);
    },
    rows: () => [...rows.values()],
  };
}

function violation(row: RowVersion, what: string, event: DeliveryEvent | null): Violation {
  const by = event === null ? '' : ` (${event.actor}, ${event.statement})`;
  return new Violation(
    `Version ${row.order_version} of order ${row.order_id} for ${row.endpoint_id} ${what}${by}`,
  );
}
