import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { ApiError } from '../errors/api-error.ts';
import { type AttemptRow, readNewestAttempts } from './attempts-sql.ts';
import type { DeliveryRow } from './delivery-row-sql.ts';

/**
 * The newest attempts of a delivery that was read before, oldest first.
 *
 * @throws ApiError `not_found` when retention has removed it since: it is never shown without the attempts it counts
 */
export async function readAttemptsOf(
  executor: SqlExecutor,
  { deliveryId, attemptCount }: Pick<DeliveryRow, 'deliveryId' | 'attemptCount'>,
): Promise<AttemptRow[]> {
  const attempts = await readNewestAttempts(executor, deliveryId);
  if (attempts.length === 0 && attemptCount > 0) throw new ApiError('not_found');
  return attempts;
}
