/** What actors do: the production code itself, on the actor's own connection, with the world's queue and receiver. */
import type { AppDeps } from '@vendor-server/api/app-deps.ts';
import { ApiError } from '@vendor-server/api/errors/api-error.ts';
import { createOfferEvents } from '@vendor-server/api/offers/offer-events.ts';
import { changeOrderStatus } from '@vendor-server/api/orders/change-order-status.ts';
import { createOrderReads } from '@vendor-server/api/orders/create-order-reads.ts';
import { createOrderWrites } from '@vendor-server/api/orders/create-order-writes.ts';
import {
  changeEndpointState,
  deleteEndpoint,
} from '@vendor-server/api/webhook-endpoints/change-endpoint-state.ts';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { createDispatcher, type Dispatcher } from '@vendor-server/platform/deliveries/create-dispatcher.ts';
import { reopenForResend } from '@vendor-server/platform/deliveries/reopen.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createApiMetrics } from '@vendor-server/platform/metrics/api-metrics.ts';
import { createMetricsRegistry } from '@vendor-server/platform/metrics/create-registry.ts';
import { createWorkerMetrics } from '@vendor-server/platform/metrics/worker-metrics.ts';
import type { DeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import { toPatientExecutor } from '@vendor-server/platform/testing/to-patient-executor.ts';
import { NO_TRACER } from '@vendor-server/platform/tracing/tracer.ts';
import type { Sender, SendRequest } from '@vendor-server/sender/create-sender.ts';
import { attemptDelivery } from '@vendor-server/worker/deliveries/attempt-delivery.ts';
import { createClaims } from '@vendor-server/worker/deliveries/create-claims.ts';
import { createEndpointHealthNotes } from '@vendor-server/worker/deliveries/note-endpoint-health.ts';
import { createRecorder } from '@vendor-server/worker/deliveries/record-attempt.ts';
import { createRelayTick } from '@vendor-server/worker/relay/relay-tick.ts';
import { TIMED_OUT } from '@vendor-server/worker/testing/attempt-results.ts';
import { createQueueDouble } from '@vendor-server/worker/testing/queue-double.ts';
import { createMeeting, type MeetingPlace } from './create-meeting.ts';
import type { ModelWorld } from './create-model-world.ts';
import type { Hands } from './create-stepped-actor.ts';

export type Task = (hands: Hands) => Promise<void>;

const logger = createLoggerTo({ write: () => undefined }, { name: 'model', level: 'fatal' });
const metrics = createWorkerMetrics(createMetricsRegistry());
const apiMetrics = createApiMetrics(createMetricsRegistry());
const ADMIN = { type: 'admin', id: null } as const;
/** Longer than any run. */
const WAIT_MS = 600_000;

/** Changes of orders: to and fro, without end. What an API is asked for in one moment it reads and writes together. */
export function change(world: ModelWorld, orderIds: readonly string[]): Task {
  return async (hands) => {
    const deps = {
      ...createDeps(world, hands),
      metrics: apiMetrics,
      offerEvents: createOfferEvents(),
      orderReads: createOrderReads(hands.pool),
      orderWrites: createOrderWrites({ pool: hands.pool, waiting: hands.pool }),
    };
    const ends = await Promise.allSettled(
      orderIds.map((orderId) =>
        changeOrderStatus(deps as unknown as AppDeps, {
          find: () => deps.orderReads.findAnyOrder(orderId),
          request: ({ order }) =>
            order.status === 'pending'
              ? { action: 'assign', to: 'assigned', actor: ADMIN, vendorId: world.vendorId }
              : { action: 'unassign', to: 'pending', actor: ADMIN },
          requestId: 'model',
          traceparent: null,
        }),
      ),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
}

/** A job, and how the receiver answers the request that it leads to. */
export interface AnsweredJob {
  readonly job: DeliveryJobData;
  readonly answer: AttemptResult;
}

/**
 * A worker runs jobs side by side: what several of them ask for in one moment goes in one statement. Those that are sent
 * are answered in one moment, too.
 */
export function attempt(world: ModelWorld, jobs: readonly AnsweredJob[]): Task {
  return async (hands) => {
    const { database, dispatcher, secretBox } = createDeps(world, hands);
    const executor = toPatientExecutor(database.pool);
    const shared = {
      executor,
      claims: createClaims(executor, 10_000),
      dispatcher,
      secretBox,
      settings: { webhookRetryDelaysMs: [1_000], debugWebhooks: false },
      logger,
      metrics,
      recorder: createRecorder({ executor, dispatcher, logger }),
      endpointHealth: createEndpointHealthNotes({ database, logger, random: () => 0.5 }),
      tracer: NO_TRACER,
      takeTurn: async () => undefined,
    };
    const meeting = createMeeting(jobs.length, () => hands.inTurn('get the answer', () => undefined));
    const ends = await Promise.allSettled(
      jobs.map(async ({ job, answer }) => {
        const place = meeting.takePlace();
        const sender = createModelSender(world, hands, answer, place);
        try {
          const end = await attemptDelivery({ ...shared, sender }, job);
          world.queue.put(job, end.kind === 'retry' || end.kind === 'not_yet' ? 'delayed' : 'ended');
        } catch (error) {
          world.queue.put(job, 'delayed');
          throw error;
        } finally {
          place.leave();
        }
      }),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
}

/** Somebody holds a delivery's row for a while, and changes nothing: a transaction that fails, or is forgotten. */
export function hold(deliveryId: string): Task {
  return async ({ pool }) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query({
        name: 'hold-delivery',
        text: 'select id from deliveries where id = $1 for no key update',
        values: [deliveryId],
      });
      await client.query({ name: 'let-go', text: 'select 1' });
    } finally {
      await client.query('rollback');
      client.release();
    }
  };
}

export function resend(world: ModelWorld, delivery: { deliveryId: string; orderId: string }): Task {
  return async (hands) => {
    const { database, dispatcher } = createDeps(world, hands);
    const reopened = await reopenForResend(database, delivery);
    if (reopened === null || reopened.state === null) return;
    await dispatcher.dispatch({ jobs: [], lanes: [reopened] });
  };
}

export function changeEndpoint(
  world: ModelWorld,
  endpointId: string,
  action: 'pause' | 'resume' | 'enable' | 'delete',
): Task {
  return async (hands) => {
    const deps = createDeps(world, hands) as unknown as AppDeps;
    const by = { actor: ADMIN, log: logger };
    try {
      if (action === 'delete') await deleteEndpoint(deps, endpointId, by);
      else await changeEndpointState(deps, endpointId, action, by);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  };
}

/** Ticks of one relay, which remembers from one to the next what it saw. */
export function createRelay(world: ModelWorld): Task {
  let current: Hands | null = null;
  const hands = (): Hands => {
    if (current === null) throw new Error('no tick is under way');
    return current;
  };
  const pool = {
    query: (...statement: Parameters<Hands['pool']['query']>) => hands().pool.query(...statement),
    connect: () => hands().pool.connect(),
  } as unknown as Hands['pool'];
  const tick = createRelayTick({
    database: { pool },
    executor: { ...toPatientExecutor(pool), isCalmFor: () => true },
    claimRestMs: 0,
    queue: {
      ...createQueueDouble(),
      add: (jobs) => hands().inTurn('add jobs', () => world.queue.add(jobs)),
      stateOf: (deliveryId, generation) =>
        hands().inTurn('ask for a job', () => world.queue.stateOf(deliveryId, generation)),
    },
    logger,
    metrics,
  });
  return async (taken) => {
    current = taken;
    await tick();
  };
}

function createDeps(world: ModelWorld, hands: Hands) {
  const database = { pool: hands.pool };
  const queue = {
    add: (jobs: Parameters<ModelWorld['queue']['add']>[0]) =>
      hands.inTurn('add jobs', () => world.queue.add(jobs)),
  };
  const dispatcher = createDispatcher({ database, queue, logger, metrics, waitMs: WAIT_MS });
  return {
    database,
    dispatcher: world.mutation.nobodyLooks ? withoutLooks(dispatcher) : dispatcher,
    secretBox: world.secretBox,
    logger,
    metrics,
    tracer: NO_TRACER,
  };
}

function withoutLooks(dispatcher: Dispatcher): Dispatcher {
  return { ...dispatcher, dispatch: ({ jobs }) => dispatcher.dispatch({ jobs, lanes: [] }) };
}

/** Writes a request while there is time, and gets its answer in time or none. */
function createModelSender(
  { model }: ModelWorld,
  hands: Hands,
  answer: AttemptResult,
  place: MeetingPlace,
): Sender {
  return {
    async send({ headers, deadline }: SendRequest) {
      const exchange = {
        actor: hands.actor,
        deliveryId: headers['webhook-id'] ?? '',
        attemptNumber: Number(headers['x-webhook-attempt']),
        deadline,
      };
      const isLate = () => performance.now() >= deadline;
      const isWritten = await hands.inTurn('write the request', () => {
        if (!isLate()) model.beginExchange(exchange);
        return !isLate();
      });
      if (!isWritten) {
        place.leave();
        return TIMED_OUT;
      }
      await place.meet();
      const result = isLate() ? TIMED_OUT : answer;
      model.endExchange(exchange, result.outcome === 'acknowledged');
      return result;
    },
    async close() {},
  };
}
