import type {
  AttemptRow,
  ChangeRow,
  DeliveryRow,
  EndpointRow,
  FaultSpan,
  History,
  SeenRequest,
} from './history.ts';

/** A webhook together with what it claims to be. */
export interface Arrival extends SeenRequest {
  readonly attemptNumber: number;
}

/** One delivery with everything that is known of it. */
export interface DeliveryStory {
  readonly delivery: DeliveryRow;
  readonly change: ChangeRow;
  readonly endpoint: EndpointRow;
  readonly isGood: boolean;
  /** The change was promised to a caller. */
  readonly isPromised: boolean;
  /** By number. */
  readonly attempts: readonly AttemptRow[];
  /** By the time they began; only those that are what they claim to be (see find-false-webhooks.ts). */
  readonly arrivals: readonly Arrival[];
  /**
   * Before then its attempts were of the first budget. What was opened again several times keeps the last time only,
   * so the first request that can have opened it counts.
   */
  readonly firstBudgetUntil: number;
}

export interface HistoryIndex {
  readonly changes: ReadonlyMap<string, ChangeRow>;
  readonly endpoints: ReadonlyMap<string, EndpointRow>;
  readonly stories: ReadonlyMap<string, DeliveryStory>;
  /** The stories of each endpoint and order, by version. */
  readonly lanes: readonly (readonly DeliveryStory[])[];
  /** When each promised change was promised, by `keyOf`. */
  readonly promisedAt: ReadonlyMap<string, number>;
  readonly faults: readonly FaultSpan[];
}

export function keyOf({ orderId, version }: { orderId: string; version: number }): string {
  return `${orderId}/${version}`;
}

/** What can be asked of every history. Rows whose change or endpoint is missing are not in it. */
export function indexHistory(history: History): HistoryIndex {
  const changes = new Map(history.changes.map((change) => [keyOf(change), change]));
  const endpoints = new Map(history.endpoints.map((endpoint) => [endpoint.endpointId, endpoint]));
  const good = new Set(history.scripts.filter(({ isGood }) => isGood).map(({ endpointId }) => endpointId));
  const attempts = Map.groupBy(history.attempts, ({ deliveryId }) => deliveryId);
  const requests = Map.groupBy(history.requests, ({ headers }) => headers['webhook-id']);
  const promisedAt = readPromises(history);

  const stories = new Map<string, DeliveryStory>();
  for (const delivery of history.deliveries) {
    const change = changes.get(keyOf(delivery));
    const endpoint = endpoints.get(delivery.endpointId);
    if (change === undefined || endpoint === undefined) continue;
    const { deliveryId, endpointId } = delivery;
    stories.set(deliveryId, {
      delivery,
      change,
      endpoint,
      isGood: good.has(endpointId),
      isPromised: promisedAt.has(keyOf(change)),
      attempts: (attempts.get(deliveryId) ?? []).toSorted((one, other) => one.number - other.number),
      arrivals: (requests.get(deliveryId) ?? [])
        .filter((request) => isOf(request, delivery, endpoint))
        .map((request) => ({ ...request, attemptNumber: Number(request.headers['x-webhook-attempt']) }))
        .toSorted((one, other) => one.begunAt - other.begunAt),
      firstBudgetUntil: findFirstReopening(history, delivery),
    });
  }
  const lanes = Map.groupBy(stories.values(), ({ delivery }) => `${delivery.endpointId}/${delivery.orderId}`);
  return {
    changes,
    endpoints,
    stories,
    lanes: [...lanes.values()].map((lane) =>
      lane.toSorted((one, other) => one.delivery.version - other.delivery.version),
    ),
    promisedAt,
    faults: history.faults,
  };
}

/** Whether a request is what its headers say: this delivery, at its endpoint. */
export function isOf({ path, headers }: SeenRequest, delivery: DeliveryRow, endpoint: EndpointRow): boolean {
  return (
    path === endpoint.path &&
    headers['x-webhook-order-id'] === delivery.orderId &&
    headers['x-webhook-version'] === String(delivery.version)
  );
}

export function isSuccess(answer: SeenRequest['answer']): answer is NonNullable<SeenRequest['answer']> {
  return answer !== null && answer.status >= 200 && answer.status < 300;
}

/**
 * An answer written so close before the time-out may well have been read after it, and so may one that was written
 * when the request had been under way for as long.
 */
const LATE_MARGIN_MS = 150;

/** Whether an answer came within the time-out for sure: counted from the claim, which comes before the request. */
export function isInTime(
  answer: NonNullable<SeenRequest['answer']>,
  { startedAt }: AttemptRow,
  { timeoutMs }: EndpointRow,
): boolean {
  return answer.writtenAt - startedAt <= timeoutMs - LATE_MARGIN_MS;
}

/** Ids for a violation. */
export function idsOf({ delivery }: DeliveryStory) {
  const { orderId, version, endpointId, deliveryId } = delivery;
  return { orderId, version, endpointId, deliveryId };
}

function readPromises({ answers }: History): Map<string, number> {
  const promisedAt = new Map<string, number>();
  for (const { got, endedAt } of answers) {
    if (got.kind !== 'acknowledged') continue;
    const key = keyOf(got);
    promisedAt.set(key, Math.min(endedAt, promisedAt.get(key) ?? Number.POSITIVE_INFINITY));
  }
  return promisedAt;
}

function findFirstReopening({ answers }: History, delivery: DeliveryRow): number {
  if (delivery.openedBy === 'change') return Number.POSITIVE_INFINITY;
  const asked = answers
    .filter(({ asked, got }) => got.kind !== 'refused' && canReopen(asked, delivery))
    .map(({ begunAt }) => begunAt);
  return Math.min(delivery.openedAt, ...asked);
}

function canReopen(
  asked: History['answers'][number]['asked'],
  { deliveryId, endpointId }: DeliveryRow,
): boolean {
  if (asked.kind === 'resend') return asked.deliveryId === deliveryId;
  return asked.kind === 'replay' && asked.endpointId === endpointId;
}
