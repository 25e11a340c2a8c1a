/** The use case behind every order action: read, decide, write, announce. */
import { decideTransition } from '@vendor-server/domain/orders/decide-transition.ts';
import type { OrderSnapshot, VendorSnapshot } from '@vendor-server/domain/orders/order.ts';
import type { TransitionRequest } from '@vendor-server/domain/orders/transition-request.ts';
import { buildWebhookBody } from '@vendor-server/domain/webhooks/webhook-body.ts';
import { isUniqueViolation } from '@vendor-server/platform/database/database-errors.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { inSpan, type Span } from '@vendor-server/platform/tracing/tracer.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { announceChange } from './announce-change.ts';
import type { OrderWrite } from './changes-together-sql.ts';
import type { OrderWrites } from './create-order-writes.ts';
import type { RecordedChange } from './order-change-sql.ts';
import { type FoundOrder, findVendorSnapshot } from './order-row-sql.ts';

/** A change loses its race only to a change that won, so this many in a row mean something else is wrong. */
const MAX_LOST_RACES = 20;

export interface OrderChangeRequest {
  /** Reads the order within the caller's scope; null answers 404. */
  readonly find: () => Promise<FoundOrder | null>;
  /** Says what is asked of the order as it was read; called again after a lost race. */
  readonly request: (found: FoundOrder) => TransitionRequest | Promise<TransitionRequest>;
  readonly requestId: string;
  readonly traceparent: string | null;
}

export interface OrderChangeResult {
  /** False when the order already was what was asked for. */
  readonly changed: boolean;
  readonly order: OrderSnapshot;
  readonly vendor: VendorSnapshot | null;
  readonly deliveriesRecorded: number;
}

/**
 * Changes an order's status and announces it. When this returns, the change and its deliveries are committed.
 *
 * @throws ApiError `not_found`, or the code with which the change was refused
 */
export async function changeOrderStatus(
  deps: AppDeps,
  change: OrderChangeRequest,
): Promise<OrderChangeResult> {
  const parent = change.traceparent;
  return inSpan(deps.tracer, { name: 'order change', kind: 'internal', parent }, (span) =>
    changeInSpan(deps, change, span),
  );
}

async function changeInSpan(
  deps: AppDeps,
  { find, request, requestId }: OrderChangeRequest,
  span: Span,
): Promise<OrderChangeResult> {
  const { pool } = deps.database;
  for (let lostRaces = 0; lostRaces < MAX_LOST_RACES; lostRaces += 1) {
    const found = await find();
    if (found === null) throw new ApiError('not_found');
    const decision = decideTransition(found.order, await request(found), found.now);
    if (decision.kind === 'refused') throw new ApiError(decision.code, { message: decision.message });
    if (decision.kind === 'unchanged') {
      return { changed: false, order: found.order, vendor: found.vendor, deliveriesRecorded: 0 };
    }
    const { next, from, reason } = decision;
    const vendor = await findVendorOf(pool, next, found);
    const body = JSON.stringify(buildWebhookBody(next, from, vendor));
    const recorded = await tryToWrite(deps.orderWrites, {
      order: next,
      record: { transitionId: createId(), from, reason, body, requestId, traceparent: span.traceparent },
    });
    if (recorded === null) continue;
    span.add(toChangeAttributes(next));
    await announceChange(deps, next, from, recorded, requestId);
    return { changed: true, order: next, vendor, deliveriesRecorded: recorded.deliveries.length };
  }
  throw new Error(`an order changed ${MAX_LOST_RACES} times while one change was decided`);
}

/** What the span of a change says of it. */
export function toChangeAttributes({ orderId, status, version }: OrderSnapshot) {
  return {
    'vendor_server.order.id': orderId,
    'vendor_server.order.status': status,
    'vendor_server.order.version': version,
  };
}

/** Null when somebody else's change came first. */
async function tryToWrite(writes: OrderWrites, write: OrderWrite): Promise<RecordedChange | null> {
  try {
    return await writes.writeChange(write);
  } catch (error) {
    if (isUniqueViolation(error, 'deliveries_lane_head_key')) return null;
    throw error;
  }
}

async function findVendorOf(
  executor: SqlExecutor,
  next: OrderSnapshot,
  found: FoundOrder,
): Promise<VendorSnapshot | null> {
  if (next.vendorId === null) return null;
  const known = [found.vendor, found.taker].find((vendor) => vendor?.vendorId === next.vendorId);
  return known ?? findVendorSnapshot(executor, next.vendorId);
}
