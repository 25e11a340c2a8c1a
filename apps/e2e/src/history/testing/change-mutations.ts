import type { DeliveryRow } from '../history.ts';
import {
  isPromised,
  type Mutation,
  pathOf,
  storyOf,
  swap,
  wasPlainlyDelivered,
  withoutArrivals,
  withoutAttempts,
} from './mutation.ts';

/** Of the same lane. */
const isNewer = (row: DeliveryRow, than: DeliveryRow) =>
  row.endpointId === than.endpointId && row.orderId === than.orderId && row.version > than.version;

/** What is lost, and what nobody asked for. */
export const CHANGE_MUTATIONS: readonly Mutation[] = [
  {
    title: 'a delivered webhook never came',
    kind: 'lost',
    apply: swap(
      'deliveries',
      (row, all) => wasPlainlyDelivered(row) && isPromised(row, all),
      withoutArrivals,
    ),
  },
  {
    title: 'a promised change has no delivery',
    kind: 'lost',
    apply: swap(
      'deliveries',
      // Without the newest the older ones of its lane were superseded by nothing.
      (row, all) => wasPlainlyDelivered(row) && isPromised(row, all) && pathOf(all, row) !== '/latest',
      (row, all) => {
        withoutAttempts(row, all, {});
        return undefined;
      },
    ),
  },
  {
    title: 'a promised change was not committed',
    kind: 'lost',
    apply: (history, random) => {
      const promises = history.answers.filter(({ got }) => got.kind === 'acknowledged');
      if (promises.length === 0) return false;
      const { got, ...call } = random.pick(promises);
      if (got.kind === 'acknowledged')
        history.answers.push({ ...call, got: { ...got, version: got.version + 100 } });
      return true;
    },
  },
  {
    title: 'a delivery was superseded by nothing',
    kind: 'lost',
    apply: swap(
      'deliveries',
      (row, all) => wasPlainlyDelivered(row) && isPromised(row, all) && pathOf(all, row) !== '/latest',
      (row, all) => withoutAttempts(row, all, { state: 'superseded' }),
    ),
  },
  {
    title: 'a delivery was superseded at an endpoint that is told of every step',
    kind: 'lost',
    apply: swap(
      'deliveries',
      (row, all) =>
        wasPlainlyDelivered(row) &&
        isPromised(row, all) &&
        pathOf(all, row) !== '/latest' &&
        all.deliveries.some((each) => isNewer(each, row)),
      (row, all) => {
        const at = all.deliveries.findIndex((each) => isNewer(each, row));
        const newer = all.deliveries[at];
        if (newer !== undefined) all.deliveries[at] = { ...newer, replacesOlder: true };
        return withoutAttempts(row, all, { state: 'superseded' });
      },
    ),
  },
  {
    title: 'a delivery was cancelled at an endpoint that is there',
    kind: 'lost',
    apply: swap(
      'deliveries',
      (row, all) =>
        wasPlainlyDelivered(row) &&
        isPromised(row, all) &&
        storyOf(all, row.deliveryId).endpoint.deletedAt === null,
      (row, all) => withoutAttempts(row, all, { state: 'cancelled' }),
    ),
  },
  {
    title: 'a delivery failed before its budget was used',
    kind: 'lost',
    apply: swap(
      'deliveries',
      (row, all) => row.attemptCount === 0 && row.state === 'cancelled' && isPromised(row, all),
      (row) => ({ ...row, state: 'failed' }),
    ),
  },
  {
    title: 'a change that nobody was promised has no delivery',
    kind: 'gap',
    apply: swap(
      'deliveries',
      (row, all) =>
        wasPlainlyDelivered(row) &&
        !isPromised(row, all) &&
        !['/latest', '/deleted'].includes(pathOf(all, row)),
      (row, all) => {
        withoutAttempts(row, all, {});
        return undefined;
      },
    ),
  },
  {
    title: 'a change that nobody was promised never came',
    kind: 'gap',
    apply: swap(
      'deliveries',
      (row, all) => wasPlainlyDelivered(row) && !isPromised(row, all),
      withoutArrivals,
    ),
  },
  {
    title: 'nobody asked for a change',
    kind: 'unasked',
    apply: swap(
      'answers',
      ({ asked, got }) => asked.kind === 'change' && got.kind === 'unknown',
      () => undefined,
    ),
  },
];
