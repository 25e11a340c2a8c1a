/**
 * Overwrites what an order, its frozen webhook bodies and what is kept of their deliveries say about a person.
 *
 * One transaction that begins with the order's row. Every change updates that row and every re-opening of a
 * delivery locks it, so while this runs neither can begin, and what one of them had committed before is seen by
 * the statements that follow. A change that had *read* the order before finds another time of erasure and reads
 * again (see `order-change-sql.ts`): it cannot bring back what is gone.
 *
 * An open delivery is about to send its body, or is sending it: the caller is told to wait for it. An order that
 * is still open is erased as well, because who asks for it may not want to wait; it goes on without what was
 * erased. What is said about it later is erased by asking again.
 */
import {
  erasePersonalData,
  erasePersonalDataFromBody,
  eraseReason,
} from '@vendor-server/domain/orders/erase-personal-data.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import {
  retryTransient,
  type SqlExecutor,
  withTransaction,
} from '@vendor-server/platform/database/sql-executor.ts';
import { ApiError } from '../errors/api-error.ts';
import {
  eraseAnswersOfReceivers,
  eraseReasonsOfDeclines,
  hasOpenDelivery,
  lockOrder,
  readTransitionTexts,
  writeErasedOrder,
  writeErasedTransitions,
} from './erase-personal-data-sql.ts';
import { type FoundOrder, findAnyOrder } from './order-row-sql.ts';

/** @throws ApiError `not_found`; `delivery_not_finished` while one of the order's deliveries is open */
export function erasePersonalDataOfOrder(
  { pool }: Pick<Database, 'pool'>,
  orderId: string,
): Promise<FoundOrder> {
  return retryTransient(() => withTransaction(pool, (transaction) => erase(transaction, orderId)));
}

async function erase(transaction: SqlExecutor, orderId: string): Promise<FoundOrder> {
  await lockOrder(transaction, orderId);
  const found = await findAnyOrder(transaction, orderId);
  if (found === null) throw new ApiError('not_found');
  if (await hasOpenDelivery(transaction, orderId)) {
    const message = 'A webhook of this order is still under way or waiting; try again when it has ended.';
    throw new ApiError('delivery_not_finished', { message });
  }

  const order = { ...erasePersonalData(found.order), personalDataErasedAt: found.now };
  await writeErasedOrder(transaction, order);
  const transitions = await readTransitionTexts(transaction, orderId);
  await writeErasedTransitions(
    transaction,
    transitions.map(({ id, reason, body }) => ({
      id,
      reason: eraseReason(reason),
      body: erasePersonalDataFromBody(body),
    })),
  );
  await eraseAnswersOfReceivers(transaction, orderId);
  await eraseReasonsOfDeclines(transaction, orderId);
  return { ...found, order };
}
