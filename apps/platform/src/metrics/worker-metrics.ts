import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import type { AttemptOutcome } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
import {
  ATTEMPT_REASON_CODES,
  type AttemptReason,
  ruleOf,
} from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { listStatuses } from '@vendor-server/domain/deliveries/status-reason.ts';
import { ANSWER_BUCKETS } from './create-registry.ts';
import { createDeliveryMetrics, type DeliveryMetrics } from './delivery-metrics.ts';
import { createRetentionMetrics, type RetentionMetrics } from './retention-metrics.ts';

/** From what feels immediate to what a receiver finds in its backlog the next hour. */
const LATENCY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];
const NO_STATUS = 'none';

/** What a relay tick did. */
export interface RelayWork {
  readonly remadeJobs: number;
  readonly endedClaims: number;
  /** Of the ended claims, those whose deliveries were given up. */
  readonly givenUp: number;
  readonly promoted: number;
  /** Probes of broken endpoints that were started. */
  readonly probes: number;
}

/** What a worker counts. Label values come from closed sets: never a URL, nor an id of anything. */
export interface WorkerMetrics extends DeliveryMetrics, RetentionMetrics {
  /** An attempt that ended, recorded or not. */
  countAttempt(attempt: {
    readonly outcome: AttemptOutcome;
    readonly reason: AttemptReason;
    readonly responseStatus: number | null;
    readonly durationMs: number;
  }): void;
  /** From the change to the endpoint's acceptance; of deliveries that a change opened, not a resend or replay. */
  observeLatency(latencyMs: number): void;
  /** An answer came after its claim had ended: its receiver may get the same webhook again. */
  countLateAnswer(): void;
  /** A fault of ours kept a webhook from being sent. */
  countOwnFault(): void;
  /** A claim was given back unsent, because the database took too long to answer it. */
  countLateClaim(): void;
  countRelayTick(work: RelayWork): void;
}

export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const attempts = new Counter({
    name: 'vendor_server_delivery_attempts_total',
    help: 'Ended attempts by outcome, its reason, and class of the response status ("2xx" to "5xx", or "none").',
    labelNames: ['outcome', 'reason', 'response_class'],
    registers,
  });
  const durations = new Histogram({
    name: 'vendor_server_delivery_attempt_duration_seconds',
    help: 'Time from the name look-up to the end of an attempt, by outcome.',
    labelNames: ['outcome'],
    buckets: ANSWER_BUCKETS,
    registers,
  });
  const latencies = new Histogram({
    name: 'vendor_server_delivery_latency_seconds',
    help: 'Time from a change to its acceptance by an endpoint, retries and waits included; no resends or replays.',
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const deliveries = createDeliveryMetrics(registry);
  const lateAnswers = new Counter({
    name: 'vendor_server_late_answers_total',
    help: 'Answers that came after their claim had ended; their webhooks may have been sent twice.',
    registers,
  });
  const ownFaults = new Counter({
    name: 'vendor_server_delivery_own_faults_total',
    help: 'Webhooks that could not be sent by a fault of ours, such as a secret that cannot be opened.',
    registers,
  });
  const lateClaims = new Counter({
    name: 'vendor_server_delivery_late_claims_total',
    help: 'Attempts that were put off unsent because the database, or a lock in it, took too long to begin them.',
    registers,
  });
  const relayMoves = new Counter({
    name: 'vendor_server_relay_moves_total',
    help: 'What the relay did: "remade_job" and "ended_claim" are repairs, "promoted" is also ordinary, "probe" tries a broken endpoint.',
    labelNames: ['kind'],
    registers,
  });
  const relayTick = new Gauge({
    name: 'vendor_server_relay_last_tick_timestamp_seconds',
    help: 'When this worker last finished a relay tick; 0 while another worker does them.',
    registers,
  });
  // From the start, so that the first one is an increase.
  for (const reason of ATTEMPT_REASON_CODES) {
    const { outcome, statuses } = ruleOf(reason);
    const [status = null] = listStatuses(statuses);
    attempts.inc({ outcome, reason, response_class: toResponseClass(status) }, 0);
  }
  for (const kind of ['remade_job', 'ended_claim', 'promoted', 'probe']) relayMoves.inc({ kind }, 0);

  return {
    countAttempt({ outcome, reason, responseStatus, durationMs }) {
      attempts.inc({ outcome, reason, response_class: toResponseClass(responseStatus) });
      durations.observe({ outcome }, durationMs / 1000);
    },
    ...deliveries,
    ...createRetentionMetrics(registry),
    observeLatency: (latencyMs) => latencies.observe(Math.max(latencyMs, 0) / 1000),
    countLateAnswer: () => lateAnswers.inc(),
    countOwnFault: () => ownFaults.inc(),
    countLateClaim: () => lateClaims.inc(),
    countRelayTick({ remadeJobs, endedClaims, givenUp, promoted, probes }) {
      relayMoves.inc({ kind: 'remade_job' }, remadeJobs);
      relayMoves.inc({ kind: 'ended_claim' }, endedClaims);
      relayMoves.inc({ kind: 'promoted' }, promoted);
      relayMoves.inc({ kind: 'probe' }, probes);
      attempts.inc({ outcome: 'interrupted', reason: 'interrupted', response_class: NO_STATUS }, endedClaims);
      deliveries.countFinished('failed', givenUp);
      relayTick.setToCurrentTime();
    },
  };
}

/** `2xx` to `5xx`; `none` without an answer and for numbers that no HTTP status has. */
export function toResponseClass(status: number | null): string {
  return status !== null && status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : NO_STATUS;
}
