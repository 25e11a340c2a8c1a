/** A delivery in one of these is still to be sent; each names what it waits for. */
export const OPEN_DELIVERY_STATES = [
  /** Behind an earlier delivery of its lane (same endpoint, same order). */
  'blocked',
  /** Head of its lane, until it is due and its endpoint has room. */
  'waiting',
  /** In the queue, or being attempted. */
  'queued',
] as const;

/** A delivery in one of these has ended; a resend or replay opens it again, except `cancelled`. */
export const FINAL_DELIVERY_STATES = [
  'delivered',
  'failed',
  /** A newer change replaced it (endpoints in `latest_only` mode). */
  'superseded',
  /** Its endpoint was deleted. */
  'cancelled',
] as const;

export const DELIVERY_STATES = [...OPEN_DELIVERY_STATES, ...FINAL_DELIVERY_STATES] as const;

export type OpenDeliveryState = (typeof OPEN_DELIVERY_STATES)[number];
export type DeliveryState = (typeof DELIVERY_STATES)[number];
