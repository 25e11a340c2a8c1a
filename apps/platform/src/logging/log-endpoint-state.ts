import type { EndpointHealthState } from '@vendor-server/domain/endpoints/endpoint-health.ts';
import type { EndpointState } from '@vendor-server/domain/endpoints/webhook-endpoint.ts';
import type { Logger } from 'pino';

export interface EndpointStateChange {
  readonly endpointId: string;
  readonly customerServerId: string;
  readonly from: EndpointState | EndpointHealthState;
  readonly to: EndpointState | EndpointHealthState | 'deleted';
  readonly reason: string | null;
  /** When a broken endpoint is tried next. */
  readonly until?: Date | null;
  /** Whose doing it is; `worker` for what attempts showed, `settings` for what a start found changed there. */
  readonly actor: { readonly type: string; readonly id: string | null };
}

const NEEDS_SOMEBODY: ReadonlySet<string> = new Set(['struggling', 'broken', 'disabled']);

/** The one line about an endpoint that was opened or closed, or whose health changed. */
export function logEndpointState(logger: Pick<Logger, 'info' | 'warn'>, change: EndpointStateChange): void {
  const level = NEEDS_SOMEBODY.has(change.to) ? 'warn' : 'info';
  logger[level](change, 'Webhook endpoint state changed');
}
