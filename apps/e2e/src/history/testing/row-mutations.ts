import {
  hasAnswer,
  type Mutation,
  storyOf,
  swap,
  wasPlainlyDelivered,
  withHeaders,
  withoutAttempts,
} from './mutation.ts';

/** Rows that do not fit what happened, or that should not be there any more. */
export const ROW_MUTATIONS: readonly Mutation[] = [
  {
    title: 'an attempt is recorded with another status',
    kind: 'attempts_disagree',
    apply: swap(
      'attempts',
      ({ outcome }) => outcome === 'acknowledged',
      (row) => ({ ...row, responseStatus: 299 }),
    ),
  },
  {
    title: 'an attempt that was answered is recorded as a failed connection',
    kind: 'attempts_disagree',
    apply: swap(
      'attempts',
      ({ outcome, responseStatus }) => outcome === 'rejected' && responseStatus === 503,
      (row) => ({ ...row, outcome: 'connection_failed', responseStatus: null }),
    ),
  },
  {
    title: 'an attempt that was answered in time is recorded as timed out',
    kind: 'attempts_disagree',
    apply: (history, random) => {
      history.faults = [];
      if (history.attempts.some(({ outcome }) => outcome === 'interrupted')) return false;
      return swap(
        'attempts',
        ({ outcome, responseStatus }) => outcome === 'rejected' && responseStatus === 503,
        (row) => ({ ...row, outcome: 'timed_out', responseStatus: null }),
      )(history, random);
    },
  },
  {
    title: 'a request that was refused is recorded, and never came',
    kind: 'attempts_disagree',
    apply: swap(
      'requests',
      ({ answer }) => answer?.status === 503,
      () => undefined,
    ),
  },
  {
    title: 'a webhook carries the time of another attempt',
    kind: 'attempts_disagree',
    apply: swap('requests', hasAnswer, (request) =>
      withHeaders(request, { 'x-webhook-timestamp': new Date(0).toISOString() }),
    ),
  },
  {
    title: 'a webhook carries a number that no attempt has',
    kind: 'attempts_disagree',
    apply: (history, random) => {
      const silent = history.requests.filter(({ answer }) => answer === null);
      if (silent.length === 0) return false;
      const [request, number] = [random.pick(silent), '99'];
      history.requests.splice(
        history.requests.indexOf(request),
        1,
        withHeaders(request, { 'x-webhook-attempt': number }),
      );
      return true;
    },
  },
  {
    title: 'an attempt is of no delivery',
    kind: 'attempts_disagree',
    apply: (history, random) => {
      history.attempts.push({ ...random.pick(history.attempts), deliveryId: random.id() });
      return true;
    },
  },
  {
    title: 'a delivery failed where everything is accepted',
    kind: 'failed_at_good_receiver',
    apply: swap(
      'deliveries',
      ({ attemptCount, state }, _all) => state === 'cancelled' && attemptCount === 0,
      (row, history) => {
        history.scripts = history.scripts.map(({ endpointId, isGood }) => ({
          endpointId,
          isGood: isGood || endpointId === row.endpointId,
        }));
        return { ...row, state: 'failed' };
      },
    ),
  },
  {
    title: 'a delivery still waits',
    kind: 'backlog_left',
    apply: swap('deliveries', wasPlainlyDelivered, (row) => ({ ...row, state: 'waiting', finishedAt: null })),
  },
  {
    title: 'a delivery is blocked behind nothing',
    kind: 'backlog_left',
    apply: swap('deliveries', wasPlainlyDelivered, (row, all) =>
      withoutAttempts(row, all, { state: 'blocked', finishedAt: null }),
    ),
  },
  {
    title: 'a delivery is queued, and has its job',
    kind: 'backlog_left',
    apply: swap('deliveries', wasPlainlyDelivered, (row, { liveJobs }) => {
      liveJobs.push(`${row.deliveryId}-${row.generation}`);
      return { ...row, state: 'queued', finishedAt: null };
    }),
  },
  {
    title: 'a delivery is queued, and its job is of an earlier generation',
    kind: 'queued_without_job',
    apply: swap('deliveries', wasPlainlyDelivered, (row, { liveJobs }) => {
      liveJobs.push(`${row.deliveryId}-${row.generation - 1}`);
      return { ...row, state: 'queued', finishedAt: null };
    }),
  },
  {
    title: 'a claim was not ended',
    kind: 'open_claim',
    apply: swap('deliveries', wasPlainlyDelivered, (row) => ({ ...row, isClaimed: true })),
  },
  {
    title: 'an attempt has no end',
    kind: 'row_anomaly',
    apply: swap(
      'attempts',
      ({ outcome, deliveryId, number }, all) =>
        outcome === 'interrupted' &&
        storyOf(all, deliveryId).arrivals.every(({ attemptNumber }) => attemptNumber !== number),
      (row) => ({ ...row, outcome: null, endedAt: null }),
    ),
  },
  {
    title: 'an attempt is missing',
    kind: 'row_anomaly',
    apply: swap('deliveries', wasPlainlyDelivered, (row) => ({ ...row, attemptCount: 2 })),
  },
  {
    title: 'a delivery has ended since never',
    kind: 'row_anomaly',
    apply: swap('deliveries', wasPlainlyDelivered, (row) => ({ ...row, finishedAt: null })),
  },
  {
    title: 'a delivery has ended as delivered by nothing',
    kind: 'row_anomaly',
    apply: swap(
      'attempts',
      ({ deliveryId }, all) => wasPlainlyDelivered(storyOf(all, deliveryId).delivery),
      (row) => ({ ...row, outcome: 'interrupted', responseStatus: null }),
    ),
  },
];
