import type { Receipt } from '@vendor-server/e2e/receiver/create-raw-receiver.ts';

/** What the receiver can be asked for. */
export type ReceiverCalls = {
  /** Starts to listen. @param input.hangs takes requests and never answers @returns the port */
  readonly listen: (input: { readonly hangs: boolean }) => Promise<number>;
  /** Forgets what came, and begins to count anew. */
  readonly forget: (input: object) => Promise<void>;
  /** How many webhooks have come since. */
  readonly count: (input: object) => Promise<number>;
  /** Waits until so many have come, or so long. @returns how many have come */
  readonly waitFor: (input: { readonly count: number; readonly limitMs: number }) => Promise<number>;
  /** What has come since, in order. */
  readonly receipts: (input: object) => Promise<readonly Receipt[]>;
};
