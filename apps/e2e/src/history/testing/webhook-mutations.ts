import type { DeliveryRow } from '../history.ts';
import type { MutableHistory } from './build-sound-history.ts';
import {
  deliveryOf,
  hasAnswer,
  idOf,
  indexOf,
  type Mutation,
  storyOf,
  swap,
  wasPlainlyDelivered,
  withHeaders,
} from './mutation.ts';

/** Its first attempt again, as another one, right after the first was accepted. */
const sentAgain =
  (firstOutcome: 'acknowledged' | 'interrupted') => (row: DeliveryRow, history: MutableHistory) => {
    const { attempts, arrivals } = storyOf(history, row.deliveryId);
    const [attempt] = attempts;
    const [arrival] = arrivals;
    if (attempt === undefined || arrival === undefined || arrival.answer === null)
      throw new Error('It was sent.');
    const second = { ...attempt, number: 2, trigger: 'resume' };
    history.attempts = history.attempts.filter((each) => each !== attempt);
    history.attempts.push({ ...attempt, outcome: firstOutcome }, second);
    const writtenAt = arrival.answer.writtenAt + 1;
    history.requests.push({
      ...withHeaders(arrival, { 'x-webhook-attempt': '2' }),
      begunAt: writtenAt - 0.5,
      answer: { ...arrival.answer, writtenAt },
    });
    return { ...row, attemptCount: 2 };
  };

/** Webhooks that should not have come as they did. */
export const WEBHOOK_MUTATIONS: readonly Mutation[] = [
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
    title: 'a body has one byte more',
    kind: 'two_bodies',
    apply: swap('requests', hasAnswer, (request) => ({
      ...request,
      body: Buffer.concat([request.body, Buffer.from(' ')]),
    })),
  },
  {
    title: 'a signature is of something else',
    kind: 'bad_signature',
    apply: swap('requests', hasAnswer, (request, { requests }) =>
      withHeaders(request, {
        'webhook-signature': requests.find((other) => idOf(other) !== idOf(request))?.headers[
          'webhook-signature'
        ],
      }),
    ),
  },
  {
    title: 'a webhook is of no delivery',
    kind: 'phantom',
    apply: (history, random) => {
      history.requests.push(withHeaders(random.pick(history.requests), { 'webhook-id': random.id() }));
      return true;
    },
  },
  {
    title: 'a webhook is of a version that there is not',
    kind: 'phantom',
    apply: (history, random) => {
      history.requests.push(withHeaders(random.pick(history.requests), { 'x-webhook-version': '99' }));
      return true;
    },
  },
  {
    title: 'a webhook came to another endpoint',
    kind: 'phantom',
    apply: (history, random) => {
      history.requests.push({ ...random.pick(history.requests), path: '/elsewhere' });
      return true;
    },
  },
  {
    title: 'a webhook is of a status that its endpoint does not want',
    kind: 'phantom',
    apply: (history) => {
      const unwanted = 'completed';
      const endpoint = history.endpoints.find(({ statuses }) => statuses?.includes(unwanted));
      const stories = [...indexOf(history).stories.values()].filter(
        ({ change, endpoint: told }) => told === endpoint && change.status === unwanted,
      );
      if (endpoint === undefined || stories.flatMap(({ arrivals }) => arrivals).length !== 1) return false;
      history.endpoints[history.endpoints.indexOf(endpoint)] = { ...endpoint, statuses: ['pending'] };
      return true;
    },
  },
  {
    title: 'a webhook was sent again although its answer was recorded',
    kind: 'duplicate_without_interruption',
    apply: swap('deliveries', wasPlainlyDelivered, (row, all) => ({
      ...sentAgain('acknowledged')(row, all),
    })),
  },
  {
    title: 'one attempt sent its webhook again after it was accepted',
    kind: 'duplicate_without_interruption',
    apply: (history, random) => {
      const accepted = history.requests.filter(
        (request) => hasAnswer(request) && wasPlainlyDelivered(deliveryOf(history, request)),
      );
      if (accepted.length === 0) return false;
      const request = random.pick(accepted);
      const writtenAt = request.answer?.writtenAt ?? 0;
      history.requests.push({ ...request, begunAt: writtenAt + 0.5, answer: null });
      return true;
    },
  },
  {
    title: 'a webhook was sent again in a run that interrupts nobody',
    kind: 'duplicate_not_allowed_here',
    apply: (history, random) => {
      const again = swap('deliveries', wasPlainlyDelivered, sentAgain('interrupted'));
      const isSoFarNone = !history.attempts.some(({ outcome }) => outcome === 'interrupted');
      if (!isSoFarNone || !again(history, random)) return false;
      history.faults = history.faults.map((fault) => ({ ...fault, allowsDuplicates: false }));
      return true;
    },
  },
  {
    title: 'a webhook was sent again, and a worker killed long after its answer',
    kind: 'duplicate_not_allowed_here',
    apply: (history, random) => {
      if (history.attempts.some(({ outcome }) => outcome === 'interrupted')) return false;
      return swap('deliveries', wasPlainlyDelivered, (row, all) => {
        const killedAt = (storyOf(all, row.deliveryId).arrivals[0]?.answer?.writtenAt ?? 0) + 3_000;
        const changed = sentAgain('interrupted')(row, all);
        all.attempts = all.attempts.map((each) =>
          each.outcome === 'interrupted' ? { ...each, endedAt: killedAt + 3_000 } : each,
        );
        all.faults = all.faults.map((fault) => ({ ...fault, begunAt: killedAt, endedAt: killedAt + 500 }));
        return changed;
      })(history, random);
    },
  },
];
