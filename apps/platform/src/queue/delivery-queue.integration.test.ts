import { createWires, type Wires } from '@vendor-server/e2e/faults/tools/create-wires.ts';
import type { TcpProxy } from '@vendor-server/e2e/system/create-tcp-proxy.ts';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createId } from '../ids/create-id.ts';
import { createLoggerTo } from '../logging/create-logger.ts';
import { createTestDatabase } from '../testing/test-database.ts';
import { testQueueBackends } from '../testing/test-redis.ts';
import { type DeliveryConsumer, startDeliveryConsumer } from './delivery-consumer.ts';
import { buildDeliveryJobId, type DeliveryJobData, type DeliveryJobRequest } from './delivery-job.ts';
import { createDeliveryQueue, type DeliveryQueue } from './delivery-queue.ts';

type Run = (job: Job<DeliveryJobData, string | null>, token: string) => Promise<string | void>;

function buildJob(delayMs = 0, generation = 1): DeliveryJobRequest {
  const data = { orderId: createId(), version: 1, status: 'pending', endpointHost: '127.0.0.1:9' };
  return { delayMs, data: { deliveryId: createId(), generation, ...data } };
}

/** Waits for a condition; `expect.poll` would need the test's own `expect`. */
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 20 });

describe.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('the delivery queue', () => {
    let subject: Awaited<ReturnType<typeof createTestDatabase>>;
    let wires: Wires;
    let proxy: TcpProxy;
    let queue: DeliveryQueue;
    let consumers: DeliveryConsumer[];
    const logLines: string[] = [];

    beforeAll(async () => {
      subject = await createTestDatabase();
    });
    afterAll(() => subject.drop());
    beforeEach(async () => {
      wires = await createWires(subject.url, redisUrl);
      proxy = wires.queue;
      consumers = [];
      logLines.length = 0;
    });
    afterEach(async () => {
      await proxy.restore();
      for (const consumer of consumers) {
        await consumer.drain();
        await consumer.close();
      }
      await queue.close();
      await wires.close();
    });

    function buildOptions() {
      const logger = createLoggerTo(
        { write: (line) => void logLines.push(line) },
        { name: 'test', level: 'warn' },
      );
      const { DATABASE_URL: databaseUrl, REDIS_URL = null } = wires.env;
      return { redisUrl: REDIS_URL, databaseUrl, logger };
    }

    async function openQueue(): Promise<void> {
      queue = createDeliveryQueue(buildOptions());
      await until(() => queue.ping());
    }

    /** Starts a consumer; gives the jobs it was given, oldest first. */
    function consume(run: Run = async () => undefined): DeliveryJobData[] {
      const ran: DeliveryJobData[] = [];
      consumers.push(
        startDeliveryConsumer({
          ...buildOptions(),
          concurrency: 10,
          backoffMs: (error) => Number(error?.message),
          process: async (job, token) => {
            ran.push(job.data);
            return (await run(job, token)) ?? null;
          },
        }),
      );
      return ran;
    }

    const stateOf = ({ data }: DeliveryJobRequest) => queue.stateOf(data.deliveryId, data.generation);

    test('a job is begun before all that wait were taken', async () => {
      await openQueue();
      await queue.add(Array.from({ length: 10 }, () => buildJob()));
      const active: number[] = [];
      const ran = consume(async () => void active.push((await queue.counts()).active));
      await until(() => expect(ran).toHaveLength(10));
      await until(() => expect(active[0]).toBeLessThan(10));
    });

    test('says of a job whether it will run without help', async () => {
      await openQueue();
      const [waiting, delayed, unknown] = [buildJob(), buildJob(60_000), buildJob()];
      await queue.add([waiting, delayed]);
      expect(await stateOf(waiting)).toBe('live');
      expect(await stateOf(delayed)).toBe('scheduled');
      expect(await stateOf(unknown)).toBe('gone');

      const { promise, resolve } = Promise.withResolvers<void>();
      const ran = consume(() => promise);
      await until(() => expect(ran).toEqual([waiting.data]));
      expect(await stateOf(waiting)).toBe('scheduled');
      resolve();
      await until(async () => expect(await stateOf(waiting)).toBe('gone'));
    });

    test('runs a job once, however often it is added, and one of another generation besides', async () => {
      await openQueue();
      const job = buildJob();
      const next = { ...job, data: { ...job.data, generation: 2 } };
      await queue.add([job]);
      await queue.add([job, job]);
      const ran = consume();
      await until(() => expect(ran).toEqual([job.data]));
      await until(async () => expect(await stateOf(job)).toBe('gone'));
      // Also when it is finished: the queue remembers.
      await queue.add([job]);
      await queue.add([next]);
      await until(() => expect(ran).toEqual([job.data, next.data]));
    });

    test('runs a job again after the wait its error asks for, under the same id', async () => {
      await openQueue();
      const job = buildJob();
      const failedAt: number[] = [];
      const ran = consume(async () => {
        failedAt.push(performance.now());
        if (failedAt.length < 3) throw new Error(failedAt.length === 1 ? '300' : '100');
      });
      await queue.add([job]);
      await until(() => expect(ran).toEqual([job.data, job.data, job.data]));
      const [first = 0, second = 0, third = 0] = failedAt;
      expect(second - first).toBeGreaterThanOrEqual(295);
      expect(third - second).toBeGreaterThanOrEqual(95);
      await until(async () => expect(await stateOf(job)).toBe('gone'));
    });

    test('runs a job again that was put off, and never one that was failed for good', async () => {
      await openQueue();
      const [putOff, failed] = [buildJob(), buildJob()];
      const ran = consume(async (job, token) => {
        if (job.data.deliveryId === failed.data.deliveryId) throw new UnrecoverableError('rejected');
        if (ran.filter(({ deliveryId }) => deliveryId === putOff.data.deliveryId).length > 1) return;
        await job.moveToDelayed(Date.now() + 50, token);
        throw new DelayedError();
      });
      await queue.add([putOff, failed]);
      await until(() => expect(ran).toHaveLength(3));
      await until(async () => expect(await stateOf(putOff)).toBe('gone'));
      await until(async () => expect(await stateOf(failed)).toBe('gone'));
      expect(ran.filter(({ deliveryId }) => deliveryId === failed.data.deliveryId)).toHaveLength(1);
    });

    test('shows what came of a job from its log, or from its return value when it has none', async () => {
      await openQueue();
      const [waiting, ended, retried] = [buildJob(60_000), buildJob(), buildJob()];
      await queue.add([waiting, ended, retried]);
      consume(async (job) => {
        if (job.data.deliveryId === ended.data.deliveryId) return 'attempt 1: delivered';
        await job.log(`attempt ${job.attemptsMade + 1}: rejected 503`);
        if (job.attemptsMade === 0) throw new Error('10');
        return 'attempt 2: delivered';
      });
      for (const job of [ended, retried]) await until(async () => expect(await stateOf(job)).toBe('gone'));
      const readLog = ({ data }: DeliveryJobRequest) =>
        queue.inspector.readLog(buildDeliveryJobId(data.deliveryId, data.generation));
      expect(await readLog(waiting)).toEqual([]);
      expect(await readLog(ended)).toEqual(['attempt 1: delivered']);
      expect(await readLog(retried)).toEqual(['attempt 1: rejected 503', 'attempt 2: rejected 503']);
    });

    test('lets no consumer go before its jobs are done', async () => {
      await openQueue();
      const { promise, resolve } = Promise.withResolvers<void>();
      const ran = consume(() => promise);
      const job = buildJob();
      await queue.add([job]);
      await until(() => expect(ran).toHaveLength(1));
      let isDrained = false;
      const drained = consumers[0]?.drain().then(() => {
        isDrained = true;
      });
      expect(await stateOf(job)).toBe('scheduled');
      expect(isDrained).toBe(false);
      resolve();
      await drained;
      expect(await stateOf(job)).toBe('gone');
      const later = buildJob();
      await queue.add([later]);
      expect(await stateOf(later)).toBe('live');
      expect(ran).toEqual([job.data]);
    });

    describe('that is away', () => {
      test('rejects at once, and takes jobs again when it is back', async () => {
        await openQueue();
        await proxy.cut();
        await expect(queue.add([buildJob()])).rejects.toBeInstanceOf(Error);
        await expect(queue.add([buildJob(), buildJob()])).rejects.toBeInstanceOf(Error);
        await expect(stateOf(buildJob())).rejects.toBeInstanceOf(Error);
        await expect(queue.ping()).rejects.toBeInstanceOf(Error);
        await proxy.restore();
        await until(() => queue.add([buildJob()]));
      });

      test('when producer and consumer are made: both find it when it comes', async () => {
        await proxy.cut();
        queue = createDeliveryQueue(buildOptions());
        const ran = consume();
        await expect(queue.add([buildJob()])).rejects.toBeInstanceOf(Error);
        await expect(queue.add([buildJob()])).rejects.toBeInstanceOf(Error);
        await proxy.restore();
        const job = buildJob();
        await until(() => queue.add([job]));
        await until(() => expect(ran).toContainEqual(job.data));
      });

      test('in the middle of their first contacts: both ask again', async () => {
        const first = { statement: /./, side: 'before' } as const;
        const traps = [wires.catchAt(first), wires.catchAt(first)];
        queue = createDeliveryQueue(buildOptions());
        const ran = consume();
        await Promise.all([
          queue.ping().catch(() => undefined),
          ...traps.map(async ({ sprung }) => (await sprung).cut()),
        ]);
        const job = buildJob();
        await until(() => queue.add([job]));
        await until(() => expect(ran).toContainEqual(job.data));
      });

      test('from the moment on when a consumer is made: it lets others work, and goes on', async () => {
        await openQueue();
        const ran = consume();
        await proxy.cut();
        // A consumer that asked again and again without a pause would keep this from ever coming.
        const turns = await new Promise<number>((resolve) => {
          const startedAt = performance.now();
          let count = 0;
          const turn = () => {
            count += 1;
            if (performance.now() - startedAt > 300) resolve(count);
            else setImmediate(turn);
          };
          turn();
        });
        expect(turns).toBeGreaterThan(10);
        await proxy.restore();
        const job = buildJob();
        await until(() => queue.add([job]));
        await until(() => expect(ran).toContainEqual(job.data));
      });

      test('hanging rejects within about a second', async () => {
        await openQueue();
        proxy.hang();
        const startedAt = performance.now();
        await expect(queue.add([buildJob()])).rejects.toBeInstanceOf(Error);
        expect(performance.now() - startedAt).toBeLessThan(3_000);
        await proxy.restore();
        await until(() => queue.add([buildJob()]));
      });

      test('says how many jobs it holds in each state', async () => {
        await openQueue();
        const before = await queue.counts();
        const jobs = [buildJob(), buildJob()];
        await queue.add([...jobs, buildJob(600_000)]);
        const after = await queue.counts();
        expect(after).toEqual({ ...before, waiting: before.waiting + 2, delayed: before.delayed + 1 });
        // Nothing is left for the other tests but what is delayed.
        const ran = consume();
        await until(() => expect(ran).toEqual(expect.arrayContaining(jobs.map(({ data }) => data))));
      });

      test('in the middle of a job: the job is finished when it is back', async () => {
        await openQueue();
        const { promise, resolve } = Promise.withResolvers<void>();
        const ran = consume(() => promise);
        const job = buildJob();
        await queue.add([job]);
        await until(() => expect(ran).toContainEqual(job.data));
        await proxy.cut();
        resolve();
        await expect(queue.ping()).rejects.toBeInstanceOf(Error);
        await proxy.restore();
        await until(async () => expect(await stateOf(job)).toBe('gone'));
        expect(logLines.length).toBeLessThan(200);
      });
    });
  });
});
