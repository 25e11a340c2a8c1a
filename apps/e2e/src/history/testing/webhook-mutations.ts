import type { DeliveryRow } from '../history.ts';
import type { MutableHistory } from './mutable-history.ts';
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

/** The customer was told so long before the last webhook of one of its endpoints came. */
const heldBefore =
  (kind: 'pause' | 'delete'): Mutation['apply'] =>
  (history, random) => {
    const { endpointId, path, timeoutMs } = random.pick(history.endpoints);
    const came = history.requests.filter((request) => request.path === path).map(({ begunAt }) => begunAt);
    const [last = 0, secondLast = 0] = came.toSorted((one, other) => other - one);
    if (last - secondLast < 2) return false;
    const endedAt = last - timeoutMs - 4_001;
    history.answers = history.answers.filter(
      ({ asked }) => asked.kind !== 'pause' && asked.kind !== 'resume',
    );
    const got = { kind: 'accepted' } as const;
    // What was resumed before says nothing.
    history.answers.push(
      { begunAt: endedAt - 3, endedAt: endedAt - 2, asked: { kind: 'resume', endpointId }, got },
      { begunAt: endedAt - 1, endedAt, asked: { kind, endpointId }, got },
    );
    return true;
  };

/** Webhooks that should not have come as they did. */
export const WEBHOOK_MUTATIONS: readonly Mutation[] = [
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
  { title: 'a webhook came long after a pause', kind: 'sent_while_held', apply: heldBefore('pause') },
  { title: 'a webhook came long after a deletion', kind: 'sent_while_held', apply: heldBefore('delete') },
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
