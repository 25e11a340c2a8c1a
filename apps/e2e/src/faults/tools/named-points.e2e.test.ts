/**
 * Processes that die at the named points, and connections that are lost there: each time it met the point it is named
 * for, and the system goes on by itself. One story on one small system, told in the order of its tests.
 */
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import { createDeliveryQueue, type DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import {
  readAttempts,
  readDeliveries,
  readStates,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createReceiver, type Receiver } from '../../receiver/create-receiver.ts';
import { respond } from '../../receiver/steps.ts';
import { addCustomerServer, type CustomerServer, changeEndpoint } from '../../system/add-customer-server.ts';
import { openInbox, waitUntilEnded } from '../../system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from '../../system/create-system.ts';
import { cancelOrder, createOrder } from '../../system/walk-order.ts';
import { createWires, type Wires } from './create-wires.ts';
import { POINTS } from './points.ts';

const logger = createLoggerTo({ write: () => undefined }, { name: 'test', level: 'fatal' });

describe.concurrent.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('a death', { concurrent: false }, () => {
    let receiver: Receiver;
    let system: System;
    let wires: Wires;
    let queue: DeliveryQueue;
    let api: ListeningProcess;
    let worker: ListeningProcess;
    let customerServer: CustomerServer;
    const withoutJob: string[] = [];

    beforeAll(async () => {
      receiver = await createReceiver();
      system = await createSystem({ redisUrl });
      wires = await createWires(system.databaseUrl, redisUrl);
      queue = createDeliveryQueue({ databaseUrl: system.databaseUrl, redisUrl, logger });
    });
    afterAll(async () => {
      await queue.close();
      await system.stop();
      await wires.close();
      await receiver.close();
    });

    /** Kills the API while it creates an order, and gives that order's id, which nobody was told. */
    async function killWhileCreating(point: keyof typeof POINTS): Promise<string> {
      const trap = wires.catchAt(POINTS[point]);
      const answered = createOrder(customerServer).catch(() => 'no answer');
      const caught = await trap.sprung;
      await api.kill();
      caught.cut();
      await answered;
      const { id } = await system.database.prisma.order.findFirstOrThrow({ orderBy: { id: 'desc' } });
      return id;
    }

    const read = (orderId: string) => readDeliveries(system.database.pool, orderId);
    const inboxOf = (orderId: string) => openInbox(receiver, orderId).summary();

    test('of connections at a start does not end the process: it waits for the database', async () => {
      const first = wires.catchAt({ statement: /information_schema/, side: 'before' });
      const last = wires.catchAt({ statement: /pg_advisory_xact_lock/, side: 'after' });
      const starting = system.startApi(wires.env);
      for (const trap of [first, last]) (await trap.sprung).cut();
      api = await starting;
      const waits = api.log.lines.filter(({ msg }) => msg === 'Database is away; waiting for it');
      expect(waits).toHaveLength(2);

      customerServer = await addCustomerServer(system, receiver.url('/updates'));
      // The shortest lease there is.
      await changeEndpoint(system, customerServer, { timeoutMs: 500 });
    });

    test('of an API between its change and the job leaves a row without a job', async () => {
      const orderId = await killWhileCreating('change committed, job not added');
      const [delivery] = await read(orderId);
      expect(delivery).toMatchObject({ state: 'queued', claimToken: null });
      expect(await queue.stateOf(delivery!.id, delivery!.generation)).toBe('gone');
      withoutJob.push(orderId);
    });

    test('of an API that was not told of its job leaves the row and the job', async () => {
      api = await system.startApi(wires.env);
      const orderId = await killWhileCreating('job added, answer not arrived');
      const [delivery] = await read(orderId);
      expect(delivery).toMatchObject({ state: 'queued', claimToken: null });
      expect(await queue.stateOf(delivery!.id, delivery!.generation)).toBe('live');

      worker = await system.startWorker(wires.env);
      for (const id of [...withoutJob, orderId]) {
        await waitUntilEnded(system.database, id, 1);
        expect(inboxOf(id)).toEqual(['1 pending #1']);
      }
      await worker.log.waitFor('Relay moved deliveries', { remadeJobs: 1 });
    });

    test('of the connection that a record committed on costs nothing: the record is found', async () => {
      api = await system.startApi();
      const trap = wires.catchAt(POINTS['record committed, answer not arrived']);
      const orderId = await createOrder(customerServer);
      const caught = await trap.sprung;
      expect(await read(orderId)).toMatchObject([{ state: 'delivered' }]);
      caught.cut();
      const { deliveryId } = await worker.log.waitFor('Customer webhook sent successfully', { orderId });
      await worker.log.waitFor('Attempt could not be recorded yet', { deliveryId });
      expect(inboxOf(orderId)).toEqual(['1 pending #1']);
    });

    test('of a worker before it looks at its lane leaves the next one blocked, and the relay moves it', async () => {
      // Only a success hands its place on without a look.
      receiver.answer((request) => request.header('x-webhook-version') === '1', respond(400), respond(200));
      const beforeRecord = wires.catchAt(POINTS['answered, record not arrived']);
      const orderId = await createOrder(customerServer);
      const recording = await beforeRecord.sprung;
      await cancelOrder(customerServer, orderId);
      const beforeLook = wires.catchAt(POINTS['recorded, not looked at the lane']);
      recording.release();
      const looking = await beforeLook.sprung;
      await worker.kill();
      looking.cut();
      expect(await readStates(system.database.pool, orderId)).toEqual(['failed', 'blocked']);

      worker = await system.startWorker(wires.env);
      await waitUntilEnded(system.database, orderId, 2);
      expect(inboxOf(orderId)).toEqual(['1 pending #1', '2 cancelled #1']);
    });

    test('of a worker that was not told of its record leaves the next one without a job, and the relay makes it', async () => {
      const beforeRecord = wires.catchAt(POINTS['answered, record not arrived']);
      const orderId = await createOrder(customerServer);
      const recording = await beforeRecord.sprung;
      await cancelOrder(customerServer, orderId);
      const afterRecord = wires.catchAt(POINTS['record committed, answer not arrived']);
      recording.release();
      const recorded = await afterRecord.sprung;
      await worker.kill();
      recorded.cut();
      const [, next] = await read(orderId);
      expect(await readStates(system.database.pool, orderId)).toEqual(['delivered', 'queued']);
      expect(await queue.stateOf(next!.id, next!.generation)).toBe('gone');

      worker = await system.startWorker(wires.env);
      await waitUntilEnded(system.database, orderId, 2);
      expect(inboxOf(orderId)).toEqual(['1 pending #1', '2 cancelled #1']);
    });

    test('of a worker with a claim and with an answer: only what was answered comes twice', async () => {
      const beforeRecord = wires.catchAt(POINTS['answered, record not arrived']);
      const answeredId = await createOrder(customerServer);
      const recording = await beforeRecord.sprung;
      const afterClaim = wires.catchAt(POINTS['claim committed, answer not arrived']);
      const claimedId = await createOrder(customerServer);
      const claiming = await afterClaim.sprung;
      await worker.kill();
      recording.cut();
      claiming.cut();
      for (const orderId of [answeredId, claimedId]) {
        const [delivery] = await read(orderId);
        expect(delivery).toMatchObject({ state: 'queued', claimToken: expect.any(String), attemptCount: 1 });
        expect(await readAttempts(system.database.pool, delivery!.id)).toMatchObject([{ outcome: null }]);
      }
      expect([inboxOf(answeredId), inboxOf(claimedId)]).toEqual([['1 pending #1'], []]);

      worker = await system.startWorker();
      await Promise.all([answeredId, claimedId].map((id) => waitUntilEnded(system.database, id, 1)));
      expect(inboxOf(answeredId)).toEqual(['1 pending #1', '1 pending #2']);
      expect(inboxOf(claimedId)).toEqual(['1 pending #2']);
    });
  });
});
