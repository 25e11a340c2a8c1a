import { decideTransition } from '@vendor-server/domain/orders/decide-transition.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { OrderWrite } from '../orders/changes-together-sql.ts';
import { findAnyOrder } from '../orders/order-row-sql.ts';

/** An order's cancellation, decided on what is read now and not written yet. */
export async function decideCancellation(executor: SqlExecutor, orderId: string): Promise<OrderWrite> {
  const found = await findAnyOrder(executor, orderId);
  if (found === null) throw new Error('there is no such order');
  const request = { action: 'cancel', to: 'cancelled', actor: { type: 'admin', id: null } } as const;
  const decision = decideTransition(found.order, request, found.now);
  if (decision.kind !== 'changed') throw new Error(`the change was ${decision.kind}`);
  const { next, from, reason } = decision;
  const record = { transitionId: createId(), from, reason, body: '{}', requestId: null, traceparent: null };
  return { order: next, record };
}
