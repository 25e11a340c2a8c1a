import { createEndpointSigningSecret } from '@vendor-server/platform/customer-servers/create-webhook-endpoint.ts';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';

/** How long both secrets sign when nothing else is asked for. */
const DEFAULT_OVERLAP_HOURS = 24;

export interface RotatedSigningSecret {
  readonly endpointId: string;
  /** `whsec_…`; stored encrypted only, so this is the one time to show it. */
  readonly signingSecret: string;
  /** Until then webhooks carry a signature by the old secret, too; null when it ended at once. */
  readonly overlapUntil: Date | null;
}

/**
 * Gives an endpoint a new signing secret. For `overlapHours` by the database's clock each webhook carries two
 * signatures, so that a receiver may change over whenever it likes (Standard Webhooks 1.0, "webhook-signature").
 * A secret that an earlier rotation had left over is dropped.
 *
 * @throws ApiError `not_found`
 */
export async function rotateSigningSecretForCustomerServer(
  { database, secretBox }: Pick<AppDeps, 'database' | 'secretBox'>,
  customerServerId: string,
  endpointId: string,
  overlapHours = DEFAULT_OVERLAP_HOURS,
): Promise<RotatedSigningSecret> {
  const signingSecret = createEndpointSigningSecret();
  const { rows } = await database.pool.query<{ overlapUntil: Date | null }>({
    name: 'rotate-signing-secret',
    text: `
      update webhook_endpoints
         set previous_signing_secret_ciphertext = case when $4::float8 > 0 then signing_secret_ciphertext end,
             signing_overlap_until = case when $4::float8 > 0
               then date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => $4::float8 * 3600) end,
             signing_secret_ciphertext = $3, updated_at = date_trunc('milliseconds', now())
       where id = $2 and customer_server_id = $1 and deleted_at is null
      returning signing_overlap_until as "overlapUntil"`,
    values: [customerServerId, endpointId, secretBox.seal(signingSecret, endpointId), overlapHours],
  });
  const [row] = rows;
  if (row === undefined) throw new ApiError('not_found');
  return { endpointId, signingSecret, overlapUntil: row.overlapUntil };
}
