import type { EndpointPreferences } from '@vendor-server/platform/customer-servers/endpoint-preferences.ts';
import type { EndpointPatchBody } from './schemas.ts';

/** The preferences that a body names. */
export function toPreferences(body: EndpointPatchBody): Partial<EndpointPreferences> {
  const { statuses, mode, retryDelaysMs, timeoutMs, sendSharedSecret } = body;
  return {
    ...(statuses !== undefined && { statuses }),
    ...(mode !== undefined && { mode }),
    ...(retryDelaysMs !== undefined && { retryDelaysMs }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(sendSharedSecret !== undefined && { sendSharedSecret }),
  };
}
