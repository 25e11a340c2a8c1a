/**
 * What a job of the delivery queue carries. The row is the truth: the consumer acts on `deliveryId` and
 * `generation` only. The rest is there for operators who look at the queue, and holds no personal data.
 */
export interface DeliveryJobData {
  readonly deliveryId: string;
  /** The entry into `queued` this job was made for; a job of an older generation does nothing. */
  readonly generation: number;
  readonly orderId: string;
  readonly version: number;
  readonly status: string;
  readonly endpointHost: string;
}

/** A job to add, and how long from now it shall wait, in milliseconds. */
export interface DeliveryJobRequest {
  readonly data: DeliveryJobData;
  readonly delayMs: number;
}

/**
 * Every entry into `queued` has a job id of its own, because BullMQ ignores an add whose id it still
 * remembers, finished jobs included. BullMQ forbids `:` and plain integers.
 */
export function buildDeliveryJobId(deliveryId: string, generation: number): string {
  return `${deliveryId}-${generation}`;
}

/** Tells a job this version understands from anything else that may lie in the queue. */
export function isDeliveryJobData(value: unknown): value is DeliveryJobData {
  if (typeof value !== 'object' || value === null) return false;
  const { deliveryId, generation } = value as Record<string, unknown>;
  return typeof deliveryId === 'string' && /^[0-9a-f]{24}$/.test(deliveryId) && Number.isInteger(generation);
}
