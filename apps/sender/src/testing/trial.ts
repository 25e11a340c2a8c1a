import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { senderForTest } from './sender-for-test.ts';
import type { WireServer } from './wire-server.ts';

/** An endpoint that does one thing, and the reason that the attempt must end with. */
export interface Trial {
  readonly reason: AttemptReason;
  readonly name: string;
  /** It waits for a limit of ours to end it. */
  readonly takesTime?: true;
  prepare(): Promise<Target> | Target;
}

export interface Target {
  readonly url: string;
  /** Whose counts are looked at; none where nobody listens. */
  readonly server?: WireServer;
  readonly withinMs?: number;
  readonly sender?: Parameters<typeof senderForTest>[0];
  /** Whether the connection may carry the next request; default false. */
  readonly isKept?: boolean;
  /** How many requests the endpoint must have seen; default one where there is a server. */
  readonly requests?: number;
}
