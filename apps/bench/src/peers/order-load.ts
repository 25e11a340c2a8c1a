/** What is done to orders while something is measured: the same over HTTP and by the bare statements. */
import type { Sample } from '../measure/round.ts';

/** What follows an order's creation, until it is completed: five changes. */
export const CHANGE_STEPS = ['accept', 'start', 'request-payment', 'confirm-payment', 'complete'] as const;

export type OrderStep = 'create' | (typeof CHANGE_STEPS)[number];

/** An order to be taken through the steps, and who does it. */
export interface OrderTask {
  /** Null when `create` is the first step. */
  readonly orderId: string | null;
  readonly customerServer: { readonly id: string; readonly secret: string };
  readonly vendor: { readonly id: string; readonly apiKey: string };
}

export interface OrderLoad {
  readonly steps: readonly OrderStep[];
  readonly tasks: readonly OrderTask[];
  /** They take the tasks in turn, and each does one step at a time. */
  readonly clients: number;
  /** From then on no step is begun; null: until all is done. */
  readonly seconds: number | null;
}

/** Tasks begun at even distances, whether or not earlier ones have ended. */
export interface PacedLoad {
  readonly steps: readonly OrderStep[];
  readonly tasks: readonly OrderTask[];
  readonly perSecond: number;
}

/** What the processes that load can be asked for. */
export type LoadCalls = {
  /** @param input.url of the API, or of the database */
  readonly connect: (input: { readonly url: string; readonly connections: number }) => Promise<void>;
  /** @returns every step, when it ended and how long it took */
  readonly drive: (input: OrderLoad) => Promise<readonly Sample[]>;
  readonly pace: (input: PacedLoad) => Promise<readonly Sample[]>;
};
