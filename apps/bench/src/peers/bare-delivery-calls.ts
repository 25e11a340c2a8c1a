import type { Sample } from '../measure/round.ts';

export interface Posts {
  /** They take turns. */
  readonly urls: readonly string[];
  readonly count: number;
}

/** What the bare part of a delivery can be asked for. */
export type BareDeliveryCalls = {
  readonly open: (input: { readonly redisUrl: string | null; readonly databaseUrl: string }) => Promise<void>;
  /** Adds jobs to those that wait. */
  readonly fill: (input: Posts) => Promise<void>;
  /** Takes jobs, until `pause`. */
  readonly resume: (input: object) => Promise<void>;
  readonly pause: (input: object) => Promise<void>;
  /** Posts at even distances, without a queue. @returns each round trip */
  readonly pace: (input: Posts & { readonly perSecond: number }) => Promise<readonly Sample[]>;
};
