/** What a history can be accused of. */
export const VIOLATION_KINDS = {
  lost: 'a promised change did not reach an endpoint, and nothing that the endpoint did explains it',
  gap: 'the same of a change that was committed but promised to nobody',
  out_of_order:
    'a webhook began before one was done with that its lane has before it, or while another was answered',
  two_bodies: 'the bytes sent are not those that were committed',
  bad_signature: 'an independent library does not accept the signature of the bytes received',
  phantom: 'a webhook of a change or delivery that was never committed, or to the wrong endpoint',
  unasked: 'a change was committed that nobody asked for',
  sent_while_held: 'a webhook came long after its endpoint had been paused or deleted',
  duplicate_without_interruption: 'sent again after a 2xx in time, by nobody who had died',
  duplicate_not_allowed_here: 'sent again after a 2xx in time, by an interruption that no fault explains',
  attempts_disagree: 'the recorded attempts and what the receiver saw are not the same',
  failed_at_good_receiver: 'a delivery failed at an endpoint that always accepts',
  backlog_left: 'a delivery is still open',
  open_claim: 'a delivery is still claimed',
  queued_without_job: 'a delivery is queued, and the queue has no job for it',
  row_anomaly: 'a row contradicts itself or its attempts',
} as const;

export type ViolationKind = keyof typeof VIOLATION_KINDS;

export interface Violation {
  readonly kind: ViolationKind;
  readonly orderId?: string;
  readonly version?: number;
  readonly endpointId?: string;
  readonly deliveryId?: string;
  /** One sentence: what is there, and what should be. */
  readonly message: string;
}
