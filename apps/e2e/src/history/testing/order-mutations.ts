import { attemptsSinceOpening } from '../find-untold-changes.ts';
import type { DeliveryRow } from '../history.ts';
import type { Arrival, DeliveryStory } from '../index-history.ts';
import type { MutableHistory } from './mutable-history.ts';
import {
  deliveryOf,
  hasAnswer,
  idOf,
  indexOf,
  type Mutation,
  swap,
  wasPlainlyDelivered,
} from './mutation.ts';

/** Less than the time-out and what may be late of an answer. */
const SURELY_IN_TIME_MS = 300;

/** The webhook of a delivery that was sent once since a replay opened it again; nothing of any other. */
function findOnlySend({ delivery, attempts, arrivals }: DeliveryStory) {
  const { openedBy, replayId } = delivery;
  const [attempt, ...more] = attemptsSinceOpening(delivery, attempts);
  const arrival = arrivals.find(({ attemptNumber }) => attemptNumber === attempt?.number);
  if (openedBy !== 'replay' || more.length > 0 || arrival === undefined || !hasAnswer(arrival)) return [];
  return [{ replayId, arrival }];
}

function answerAt(history: MutableHistory, moved: Arrival, begunAt: number, writtenAt: number): boolean {
  const { answer } = moved;
  const at = history.requests.findIndex((each) => each.headers === moved.headers);
  const request = history.requests[at];
  if (request === undefined || answer === null) return false;
  history.requests[at] = { ...request, begunAt, answer: { ...answer, writtenAt } };
  return true;
}

/** A webhook is answered for so long that the one begins meanwhile that came after it in its lane. */
function overlap(fits: (row: DeliveryRow, next: DeliveryRow) => boolean): Mutation['apply'] {
  return (history, random) => {
    const pairs = indexOf(history).lanes.flatMap((lane) => {
      const all = lane
        .flatMap(({ delivery, arrivals }) => arrivals.map((arrival) => ({ delivery, arrival })))
        .toSorted((one, other) => one.arrival.begunAt - other.arrival.begunAt);
      return all.slice(1).flatMap((next, at) => {
        const before = all[at];
        return before === undefined || !fits(before.delivery, next.delivery)
          ? []
          : [[before.arrival, next.arrival] as const];
      });
    });
    const fitting = pairs.filter(
      ([before, next]) =>
        hasAnswer(before) &&
        before.answer?.isCut === false &&
        next.begunAt < before.begunAt + SURELY_IN_TIME_MS,
    );
    if (fitting.length === 0) return false;
    const [before, next] = random.pick(fitting);
    return answerAt(history, before, before.begunAt, next.begunAt + 1);
  };
}

/** Webhooks that came before their turn. */
export const ORDER_MUTATIONS: readonly Mutation[] = [
  {
    title: 'a webhook came before the one before it',
    kind: 'out_of_order',
    apply: (history, random) => {
      const lanes = indexOf(history).lanes.map((lane) =>
        lane.filter(({ delivery }) => wasPlainlyDelivered(delivery)),
      );
      const pairs = lanes.flatMap((lane) => lane.slice(1).map((later, at) => [lane[at], later] as const));
      const adjacent = pairs.filter(
        ([earlier, later]) =>
          earlier !== undefined && later.delivery.version === earlier.delivery.version + 1,
      );
      if (adjacent.length === 0) return false;
      const [earlier, later] = random.pick(adjacent);
      const before = earlier?.arrivals[0]?.begunAt ?? 0;
      const moved = history.requests.find((request) => idOf(request) === later.delivery.deliveryId);
      if (moved === undefined || moved.answer === null) return false;
      const writtenAt = before - 0.5;
      history.requests[history.requests.indexOf(moved)] = {
        ...moved,
        begunAt: before - 1,
        answer: { ...moved.answer, writtenAt },
      };
      return true;
    },
  },
  {
    title: 'a webhook began while the one before it was being answered',
    kind: 'out_of_order',
    apply: swap(
      'requests',
      (request, all) => {
        const { orderId, endpointId, version } = deliveryOf(all, request);
        const isNext = (row: DeliveryRow) =>
          row.orderId === orderId && row.endpointId === endpointId && row.version === version + 1;
        const next = all.deliveries.find(isNext);
        return (
          wasPlainlyDelivered(deliveryOf(all, request)) && next !== undefined && wasPlainlyDelivered(next)
        );
      },
      (request) => ({
        ...request,
        answer: { status: 200, isCut: false, writtenAt: request.begunAt + 400 },
      }),
    ),
  },
  {
    title: 'of two that one replay opened, the later version came first',
    kind: 'out_of_order',
    apply: (history, random) => {
      const pairs = indexOf(history).lanes.flatMap((lane) => {
        const sent = lane.flatMap(findOnlySend);
        return sent.slice(1).map((later, at) => [sent[at], later] as const);
      });
      const ofOne = pairs.flatMap(([one, later]) =>
        one?.replayId === later.replayId ? [[one, later] as const] : [],
      );
      if (ofOne.length === 0) return false;
      const [{ arrival: earlier }, { arrival: later }] = random.pick(ofOne);
      return answerAt(history, later, earlier.begunAt - 1, earlier.begunAt - 0.5);
    },
  },
  {
    title: 'an earlier version began again while a later one was being answered',
    kind: 'out_of_order',
    apply: overlap(({ version }, next) => next.version < version && next.openedBy !== 'change'),
  },
  {
    title: 'a version began while an earlier one was being answered again',
    kind: 'out_of_order',
    apply: overlap((row, next) => row.openedBy !== 'change' && next.openedBy === 'change'),
  },
];
