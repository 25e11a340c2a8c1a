/**
 * What is known of a run when it is over, as plain data: what the customer's servers saw, what the API's callers were
 * told, and the rows of the database. `checkHistory` judges it and knows nothing else of the system.
 *
 * Times are in ms since 1970. Those of rows are the database's, all others the test's: never compare the two closer
 * than two clocks of one machine agree.
 */
import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import type { DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';

export interface History {
  readonly requests: readonly SeenRequest[];
  readonly answers: readonly ApiAnswer[];
  readonly changes: readonly ChangeRow[];
  readonly deliveries: readonly DeliveryRow[];
  readonly attempts: readonly AttemptRow[];
  readonly endpoints: readonly EndpointRow[];
  readonly scripts: readonly ReceiverScript[];
  /** What was done to the system, in any order. */
  readonly faults: readonly FaultSpan[];
  /** Ids of the jobs that the queue still has and will run. */
  readonly liveJobs: readonly string[];
}

/** A webhook as the receiver saw it, complete with its body. */
export interface SeenRequest {
  /** Which endpoint's URL it came to. */
  readonly path: string;
  readonly begunAt: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** Null: none was written. */
  readonly answer: {
    readonly status: number;
    /** When its headers had been written. */
    readonly writtenAt: number;
    /** The connection was reset right behind the headers, so that the sender may never have read them. */
    readonly isCut: boolean;
  } | null;
}

/** One call of the API: what was asked, and what the caller knows of it since. */
export interface ApiAnswer {
  readonly begunAt: number;
  readonly endedAt: number;
  readonly asked: AskedChange | AskedReopening | AskedHold;
  readonly got: Got;
}

export interface AskedChange {
  readonly kind: 'change';
  /** Null: the order is to be created. */
  readonly orderId: string | null;
  /** The status it is to lead to. */
  readonly to: string;
}

/** A resend of one delivery, or a replay of an endpoint's. */
export type AskedReopening =
  | { readonly kind: 'resend'; readonly deliveryId: string }
  | { readonly kind: 'replay'; readonly endpointId: string };

/** That an endpoint is sent nothing from now on, or again what it is to be sent. */
export interface AskedHold {
  readonly kind: 'pause' | 'resume' | 'delete';
  readonly endpointId: string;
}

export type Got =
  /** The change is promised: the order had this status at this version. */
  | {
      readonly kind: 'acknowledged';
      readonly orderId: string;
      readonly version: number;
      readonly status: string;
    }
  /** What was asked is done; a resend or replay was taken on. */
  | { readonly kind: 'accepted' }
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly status: number }
  /** No answer, or one of a server in trouble: it may or may not have been done. `why` is what there was instead. */
  | { readonly kind: 'unknown'; readonly why?: string };

export interface ChangeRow {
  readonly orderId: string;
  readonly customerServerId: string;
  readonly version: number;
  readonly status: string;
  readonly body: string;
}

export interface DeliveryRow {
  readonly deliveryId: string;
  readonly orderId: string;
  readonly version: number;
  readonly endpointId: string;
  readonly state: DeliveryState;
  readonly generation: number;
  readonly attemptCount: number;
  readonly isClaimed: boolean;
  readonly openedBy: 'change' | 'resend' | 'replay';
  /** When it was opened last. */
  readonly openedAt: number;
  /** Which replay opened it last; null when none did. */
  readonly replayId: string | null;
  readonly replacesOlder: boolean;
  readonly finishedAt: number | null;
}

export interface AttemptRow {
  readonly deliveryId: string;
  /** From 1. */
  readonly number: number;
  readonly trigger: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Null while under way. */
  readonly outcome: AttemptOutcome | null;
  readonly responseStatus: number | null;
}

export interface EndpointRow {
  readonly endpointId: string;
  readonly customerServerId: string;
  /** Of its URL. */
  readonly path: string;
  readonly signingSecret: string;
  /** Else of every step. */
  readonly wantsLatestOnly: boolean;
  /** Null: told of all. */
  readonly statuses: readonly string[] | null;
  readonly timeoutMs: number;
  /** How many after the first attempt. */
  readonly retries: number;
  readonly deletedAt: number | null;
}

/** How the receiver answers an endpoint's webhooks. What it did to each stands in the requests. */
export interface ReceiverScript {
  readonly endpointId: string;
  /** 2xx, at once, to all of them. */
  readonly isGood: boolean;
}

/** A fault, from its beginning to when the system had recovered. */
export interface FaultSpan {
  readonly kind: string;
  readonly begunAt: number;
  readonly endedAt: number;
  /** A process died or stopped that may have had an answer it did not record. */
  readonly allowsDuplicates: boolean;
  /** A process that lives may have been kept from recording the answers it had. */
  readonly delaysRecords: boolean;
}
