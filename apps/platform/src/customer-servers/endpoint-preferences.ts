import type { EndpointMode } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';

/** What the owner of an endpoint chooses besides its URL. */
export interface EndpointPreferences {
  /** The statuses it is told of; null means all. */
  readonly statuses: readonly OrderStatus[] | null;
  readonly mode: EndpointMode;
  /** The wait before each retry; null means the setting's. */
  readonly retryDelaysMs: readonly number[] | null;
  /** Time to the response headers; null means the setting's. */
  readonly timeoutMs: number | null;
  /** Whether its webhooks carry the customer server's shared secret besides the signature. */
  readonly sendSharedSecret: boolean;
}

/** The columns of those preferences that are given. */
export function toPreferenceColumns(preferences: Partial<EndpointPreferences>) {
  const { statuses, mode, retryDelaysMs, timeoutMs, sendSharedSecret } = preferences;
  return {
    ...(statuses !== undefined && { allStatuses: statuses === null, statuses: [...(statuses ?? [])] }),
    ...(mode !== undefined && { mode }),
    ...(retryDelaysMs !== undefined && {
      ownRetryDelays: retryDelaysMs !== null,
      retryDelaysMs: [...(retryDelaysMs ?? [])],
    }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(sendSharedSecret !== undefined && { sendSharedSecret }),
  };
}
