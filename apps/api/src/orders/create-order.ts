/** The use case behind an order's creation: one transaction for the order, what announces it, and the key. */
import {
  buildNewOrder,
  type FullOrderInput,
  type ServiceOrderInput,
  workTypeOfInput,
} from '@vendor-server/domain/orders/build-new-order.ts';
import type { OrderSnapshot } from '@vendor-server/domain/orders/order.ts';
import { isLockTimeout } from '@vendor-server/platform/database/database-errors.ts';
import {
  retryTransient,
  type SqlExecutor,
  withTransaction,
} from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { inSpan, type Span } from '@vendor-server/platform/tracing/tracer.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import type { ChangeContext } from '../plugins/change-context.ts';
import { announceChange } from './announce-change.ts';
import { buildCreationRecord } from './build-creation-record.ts';
import { toChangeAttributes } from './change-order-status.ts';
import { findKeptAnswer, type IdempotencyKey, takeIdempotencyKey } from './idempotency-keys-sql.ts';
import { type RecordedChange, writeNewOrder } from './order-change-sql.ts';

/** How long a second request with a key waits for the first. */
const KEY_WAIT_MS = 5_000;
const KEY_RETRY_AFTER_SECONDS = '1';

export interface CreateOrderRequest {
  readonly customerServerId: string;
  readonly input: ServiceOrderInput | FullOrderInput;
  /** Null when the caller sent none: then every request makes an order. */
  readonly idempotencyKey: Pick<IdempotencyKey, 'key' | 'bodyHash'> | null;
  readonly context: ChangeContext;
}

export interface CreateOrderAnswer {
  /** The 201 answer as JSON; the very bytes of the first answer when replayed. */
  readonly body: string;
  readonly replayed: boolean;
}

/**
 * Creates an order, or finds the answer that was given for its idempotency key.
 *
 * @throws ApiError `idempotency_key_reused` or `idempotency_in_progress`; nothing is written then
 */
export async function createOrder(deps: AppDeps, request: CreateOrderRequest): Promise<CreateOrderAnswer> {
  const { context } = request;
  return inSpan(
    deps.tracer,
    { name: 'order creation', kind: 'internal', parent: context.traceparent },
    (span) =>
      createInSpan(deps, { ...request, context: { ...context, traceparent: span.traceparent } }, span),
  );
}

async function createInSpan(
  deps: AppDeps,
  request: CreateOrderRequest,
  span: Span,
): Promise<CreateOrderAnswer> {
  const { pool } = deps.database;
  const { now, vendorsOfferedTo } = await deps.orderReads.readNewOrderFacts(workTypeOfInput(request.input));
  const ids = { orderId: createId(), customerServerId: request.customerServerId };
  const order = buildNewOrder(request.input, ids, now);
  const body = JSON.stringify(buildAnswer(order, vendorsOfferedTo));

  const { idempotencyKey, context } = request;
  if (idempotencyKey === null) {
    const recorded = await deps.orderWrites.writeNew({ order, record: buildCreationRecord(order, context) });
    span.add(toChangeAttributes(order));
    await announceChange(deps, order, null, recorded, context.requestId);
    return { body, replayed: false };
  }
  const key = { ...idempotencyKey, customerServerId: request.customerServerId };
  const outcome = await retryTransient(() =>
    withTransaction(pool, (client) => recordOnce(client, { order, key, body, context }), {
      lockTimeoutMs: KEY_WAIT_MS,
    }),
  );
  if ('keptBody' in outcome) return { body: outcome.keptBody, replayed: true };
  span.add(toChangeAttributes(order));
  await announceChange(deps, order, null, outcome, context.requestId);
  return { body, replayed: false };
}

interface KeyedOrder {
  readonly order: OrderSnapshot;
  readonly key: IdempotencyKey;
  /** The answer to keep. */
  readonly body: string;
  readonly context: ChangeContext;
}

/** Inside one transaction, which holds the key until it ends: a failure frees it. */
async function recordOnce(
  client: SqlExecutor,
  { order, key, body, context }: KeyedOrder,
): Promise<RecordedChange | { keptBody: string }> {
  if (await takeKey(client, key, body))
    return writeNewOrder(client, order, buildCreationRecord(order, context));
  const kept = await findKeptAnswer(client, key);
  // Retention removed the key between the two statements: the caller's next try takes it.
  if (kept === null) throw inProgress();
  if (kept.bodyHash !== key.bodyHash) throw new ApiError('idempotency_key_reused');
  return { keptBody: kept.responseBody };
}

async function takeKey(client: SqlExecutor, key: IdempotencyKey, body: string): Promise<boolean> {
  try {
    return await takeIdempotencyKey(client, key, body);
  } catch (error) {
    if (isLockTimeout(error)) throw inProgress();
    throw error;
  }
}

function inProgress(): ApiError {
  return new ApiError('idempotency_in_progress', { headers: { 'retry-after': KEY_RETRY_AFTER_SECONDS } });
}

function buildAnswer({ orderId, status }: OrderSnapshot, notifiedVendors: number) {
  return {
    ok: true,
    message: 'Order created successfully',
    data: {
      orderId,
      status,
      // An offer is a row that online vendors see, not a message that could fail on its way.
      broadcast: { success: notifiedVendors > 0, notifiedVendors, failedNotifications: 0 },
    },
  };
}
