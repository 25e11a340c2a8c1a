/** What its owner or an operator wants of an endpoint. Whether it works is its health. */
export const ENDPOINT_STATES = [
  'active',
  /** Closed on purpose: its deliveries are kept until it is resumed. */
  'paused',
  /** Closed because it was gone for good: its deliveries are kept until it is enabled. */
  'disabled',
] as const;

/** Which changes an endpoint is told of while it lags behind. */
export const ENDPOINT_MODES = [
  'every_step',
  /** A newer change replaces those of the same order that were not sent yet. */
  'latest_only',
] as const;

export type EndpointState = (typeof ENDPOINT_STATES)[number];
export type EndpointMode = (typeof ENDPOINT_MODES)[number];

export const MAX_ENDPOINTS_PER_CUSTOMER_SERVER = 10;

/** One retry for each delay; the bounds hold for each. */
export const RETRY_DELAY_BOUNDS = { maxCount: 10, minMs: 100, maxMs: 24 * 3_600_000 } as const;

/** From the name look-up to the response headers. */
export const TIMEOUT_BOUNDS = { minMs: 500, maxMs: 10_000 } as const;
