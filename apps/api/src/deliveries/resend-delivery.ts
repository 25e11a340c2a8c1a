/** The use case behind both resend routes. */
import { reopenForResend } from '@vendor-server/platform/deliveries/reopen.ts';
import type { FastifyBaseLogger } from 'fastify';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import type { DeliveryRow } from './delivery-row-sql.ts';

/**
 * Opens a delivery again and looks at its lane.
 *
 * @param find reads the delivery within the caller's scope; null answers 404
 * @param log of the request that asked
 * @param by who asked, for the log; null when it was the customer server
 * @returns the delivery as it is afterwards
 * @throws ApiError `not_found`, `delivery_not_finished`, `endpoint_deleted` or `personal_data_erased`
 */
export async function resendDelivery(
  { database, dispatcher }: Pick<AppDeps, 'database' | 'dispatcher'>,
  find: () => Promise<DeliveryRow | null>,
  log: Pick<FastifyBaseLogger, 'info'>,
  by: { readonly operator: string | null } | null,
): Promise<DeliveryRow> {
  const delivery = await find();
  if (delivery === null) throw new ApiError('not_found');
  const reopened = await reopenForResend(database, delivery);
  if (reopened === null) throw new ApiError('not_found');
  if (reopened.refusal !== null) throw new ApiError(reopened.refusal);
  const { deliveryId, endpointId, orderId, state } = reopened;
  log.info({ deliveryId, endpointId, orderId, state, ...by }, 'Delivery opened again for a resend');
  // Commit, then look.
  await dispatcher.dispatch({ jobs: [], lanes: [{ endpointId, orderId }] });
  const after = await find();
  if (after === null) throw new ApiError('not_found');
  return after;
}
