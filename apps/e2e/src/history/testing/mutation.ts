/** Single breaches of the promise, each done to a sound history: what the checker must find, and nothing besides. */
import type { DeliveryRow, SeenRequest } from '../history.ts';
import { type DeliveryStory, type HistoryIndex, indexHistory, isSuccess } from '../index-history.ts';
import type { ViolationKind } from '../violation.ts';
import type { Random } from './create-random.ts';
import type { MutableHistory } from './mutable-history.ts';

export interface Mutation {
  readonly title: string;
  readonly kind: ViolationKind;
  /** @returns false when this history has nothing to do it to */
  apply(history: MutableHistory, random: Random): boolean;
}

type Part = keyof MutableHistory;

/** Puts something else in the place of a random row that fits; undefined takes it away. */
export function swap<P extends Part>(
  part: P,
  fits: (row: MutableHistory[P][number], history: MutableHistory) => boolean,
  change: (row: MutableHistory[P][number], history: MutableHistory) => MutableHistory[P][number] | undefined,
): Mutation['apply'] {
  return (history, random) => {
    const rows: MutableHistory[P][number][] = history[part];
    const fitting = rows.filter((row) => fits(row, history));
    if (fitting.length === 0) return false;
    const old = random.pick(fitting);
    const changed = change(old, history);
    rows.splice(rows.indexOf(old), 1, ...(changed === undefined ? [] : [changed]));
    return true;
  };
}

/** Of each history as it was before anything was done to it. */
const indexes = new WeakMap<MutableHistory, HistoryIndex>();

export function indexOf(history: MutableHistory): HistoryIndex {
  const index = indexes.get(history) ?? indexHistory(history);
  indexes.set(history, index);
  return index;
}

export function storyOf(history: MutableHistory, deliveryId: string): DeliveryStory {
  const story = indexOf(history).stories.get(deliveryId);
  if (story === undefined) throw new Error('A sound history has a story of each delivery.');
  return story;
}

export const pathOf = (history: MutableHistory, { deliveryId }: DeliveryRow) =>
  storyOf(history, deliveryId).endpoint.path;

/** Delivered by its only attempt, on its first budget. */
export const wasPlainlyDelivered = ({ state, attemptCount, openedBy }: DeliveryRow) =>
  state === 'delivered' && attemptCount === 1 && openedBy === 'change';

export const isPromised = ({ deliveryId }: DeliveryRow, history: MutableHistory) =>
  storyOf(history, deliveryId).isPromised;

export const idOf = ({ headers }: SeenRequest) => headers['webhook-id'] ?? '';

export const deliveryOf = (history: MutableHistory, request: SeenRequest) =>
  storyOf(history, idOf(request)).delivery;

export const withHeaders = (request: SeenRequest, headers: SeenRequest['headers']): SeenRequest => ({
  ...request,
  headers: { ...request.headers, ...headers },
});

export const withoutArrivals = (row: DeliveryRow, history: MutableHistory): DeliveryRow => {
  history.requests = history.requests.filter((request) => idOf(request) !== row.deliveryId);
  return row;
};

export const withoutAttempts = (
  row: DeliveryRow,
  history: MutableHistory,
  changes: Partial<DeliveryRow>,
): DeliveryRow => {
  withoutArrivals(row, history);
  history.attempts = history.attempts.filter(({ deliveryId }) => deliveryId !== row.deliveryId);
  return { ...row, attemptCount: 0, ...changes };
};

export const hasAnswer = ({ answer }: SeenRequest) => isSuccess(answer);
