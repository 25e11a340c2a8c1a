import { createTcpProxy, type TcpProxy } from '@vendor-server/e2e/system/create-tcp-proxy.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { startDeliveryConsumer } from '@vendor-server/platform/queue/delivery-consumer.ts';
import type { DeliveryJobData } from '@vendor-server/platform/queue/delivery-job.ts';
import { createDeliveryQueue, type DeliveryQueue } from '@vendor-server/platform/queue/delivery-queue.ts';
import { UnrecoverableError } from 'bullmq';
import type { FastifyInstance } from 'fastify';
import { vi } from 'vitest';
import { buildApp } from '../app.ts';
import { createTestApi, OPERATOR_KEY, type TestApi } from './create-test-api.ts';

/** What a browser sends of an operator. */
export const BASIC = `Basic ${Buffer.from(`admin:${OPERATOR_KEY}`).toString('base64')}`;

/** The app over a real queue that holds one job that failed, with its log, and one that waits. */
export interface BoardStage {
  readonly api: TestApi;
  readonly app: FastifyInstance;
  readonly failed: DeliveryJobData;
  readonly waiting: DeliveryJobData;
  /** The way to the queue. */
  readonly proxy: TcpProxy;
  /** One more producer over the same way; whoever asks closes it. */
  openQueue(): DeliveryQueue;
  close(): Promise<void>;
}

/** @param redisUrl null: the queue lives in PostgreSQL */
export async function createBoardStage(redisUrl: string | null): Promise<BoardStage> {
  const api = await createTestApi({ RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: '0' });
  const proxy = await createTcpProxy(redisUrl ?? api.databaseUrl);
  const { logger } = api.deps;
  const queueOptions =
    redisUrl === null
      ? { redisUrl, databaseUrl: proxy.url, logger }
      : { redisUrl: proxy.url, databaseUrl: api.databaseUrl, logger };
  const queue = createDeliveryQueue(queueOptions);
  const app = buildApp({ ...api.deps, queue });
  const [failed, waiting] = [buildJobData(), buildJobData()];
  await vi.waitFor(() => queue.add([{ delayMs: 0, data: failed }]), { timeout: 10_000 });
  await failIt();
  await queue.add([{ delayMs: 0, data: waiting }]);

  async function failIt(): Promise<void> {
    const consumer = startDeliveryConsumer({
      ...queueOptions,
      concurrency: 1,
      backoffMs: () => 0,
      async process(job) {
        await job.log('attempt 1: rejected 400 after 12 ms, failed for good: rejected');
        throw Object.assign(new UnrecoverableError('rejected 400'), { stack: '' });
      },
    });
    await vi.waitFor(
      async () => {
        if ((await queue.stateOf(failed.deliveryId, 1)) !== 'gone') throw new Error('not failed yet');
      },
      { timeout: 10_000 },
    );
    await consumer.drain();
    await consumer.close();
  }

  return {
    api,
    app,
    failed,
    waiting,
    proxy,
    openQueue: () => createDeliveryQueue(queueOptions),
    async close() {
      await app.close();
      await queue.close();
      await proxy.close();
      await api.close();
    },
  };
}

function buildJobData(): DeliveryJobData {
  const data = { generation: 1, version: 2, status: 'assigned', endpointHost: 'customer.example' };
  return { ...data, deliveryId: createId(), orderId: createId() };
}
