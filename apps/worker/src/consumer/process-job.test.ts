import { DelayedError, UnrecoverableError } from 'bullmq';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import type { AttemptEnd } from '../deliveries/attempt-delivery.ts';
import { decideBackoffMs, processJob, RetryLater } from './process-job.ts';

const logger = pino({ level: 'silent' });
const running = new AbortController().signal;
const data = { deliveryId: '0123456789abcdef01234567', generation: 3 };

const summary = 'attempt 2: rejected 503 after 12 ms';

function createJob(jobData: unknown = data, attemptsMade = 0) {
  const log = vi.fn(async () => 1);
  return { id: 'job', data: jobData, attemptsMade, moveToDelayed: vi.fn(async () => undefined), log };
}

async function run(end: AttemptEnd, job = createJob()): Promise<unknown> {
  return processJob({ attempt: async () => end, logger, stopping: running }, job, 'lock').catch(
    (error: unknown) => error,
  );
}

describe('processJob', () => {
  test('attempts the delivery and generation that the job names', async () => {
    const attempt = vi.fn(async (): Promise<AttemptEnd> => ({ kind: 'done', summary }));
    await processJob({ attempt, logger, stopping: running }, createJob(), 'lock');
    expect(attempt).toHaveBeenCalledWith({ ...data, isRepeat: false });
  });

  test('a finished or stale delivery completes the job, which says what came of the attempt', async () => {
    expect(await run({ kind: 'done', summary })).toBe(summary);
    expect(await run({ kind: 'skipped' })).toBeNull();
  });

  test('each attempt leaves a line on the job, but for a first one that went well', async () => {
    const [first, later, retried, failed] = [createJob(), createJob(data, 1), createJob(), createJob()];
    await run({ kind: 'done', summary }, first);
    await run({ kind: 'done', summary }, later);
    await run({ kind: 'retry', delayMs: 1, reason: 'rejected 503', summary }, retried);
    await run({ kind: 'failed', reason: 'rejected 400', summary }, failed);
    expect(first.log).not.toHaveBeenCalled();
    for (const { log } of [later, retried, failed]) expect(log.mock.calls).toEqual([[summary]]);
  });

  test('a line that cannot be kept changes nothing, and nobody waits for it', async () => {
    const rejecting = createJob(data, 1);
    rejecting.log.mockRejectedValue(new Error('queue away'));
    expect(await run({ kind: 'done', summary }, rejecting)).toBe(summary);
    const hanging = createJob(data, 1);
    hanging.log.mockReturnValue(Promise.withResolvers<number>().promise);
    expect(await run({ kind: 'done', summary }, hanging)).toBe(summary);
  });

  test('a retry comes back by the backoff, after the wait that was recorded', async () => {
    const error = await run({ kind: 'retry', delayMs: 2_000, reason: 'rejected 503', summary });
    expect(error).toBeInstanceOf(RetryLater);
    expect(decideBackoffMs(error as Error, 1)).toBe(2_000);
    expect(String(error)).toContain('rejected 503');
  });

  test('a final failure is not retried and shows no stack of ours', async () => {
    const error = await run({ kind: 'failed', reason: 'rejected 400', summary });
    expect(error).toBeInstanceOf(UnrecoverableError);
    expect((error as Error).stack).toBe('');
  });

  test('a delivery that may not be sent yet is put off, which counts as no attempt', async () => {
    const job = createJob();
    const before = Date.now();
    expect(await run({ kind: 'not_yet', retryInMs: 5_000 }, job)).toBeInstanceOf(DelayedError);
    const [timestamp, token] = job.moveToDelayed.mock.calls[0] as unknown as [number, string];
    expect(timestamp).toBeGreaterThanOrEqual(before + 5_000);
    expect(token).toBe('lock');
  });

  test('a fault of ours is logged and waits a little longer each time', async () => {
    const lines: string[] = [];
    const loud = pino({}, { write: (line: string) => void lines.push(line) });
    const fault = new Error('database away');
    const attempt = async () => {
      throw fault;
    };
    const error: unknown = await processJob(
      { attempt, logger: loud, stopping: running },
      createJob(),
      'lock',
    ).catch((thrown: unknown) => thrown);
    // The queue shows it to whoever looks.
    expect(error).toMatchObject({ message: expect.not.stringContaining('database away'), stack: '' });
    expect(lines.join('')).toContain('database away');
    expect([0, 1, 2, 60].map((runs) => decideBackoffMs(fault, runs))).toEqual([1_000, 1_000, 2_000, 10_000]);
  });

  test('a process that is being stopped begins nothing new', async () => {
    const job = createJob();
    const attempt = vi.fn(async (): Promise<AttemptEnd> => ({ kind: 'done', summary }));
    await expect(
      processJob({ attempt, logger, stopping: AbortSignal.abort() }, job, 'lock'),
    ).rejects.toBeInstanceOf(DelayedError);
    expect(attempt).not.toHaveBeenCalled();
    expect(job.moveToDelayed).toHaveBeenCalledOnce();
  });

  test.each([[null], [{}], [{ deliveryId: 'x', generation: 1 }], [{ deliveryId: data.deliveryId }]])(
    'a job of an unknown shape is left alone: %j',
    async (unknownData) => {
      const job = createJob(unknownData);
      expect(await run({ kind: 'done', summary }, job)).toBeInstanceOf(DelayedError);
      expect(job.moveToDelayed).toHaveBeenCalledOnce();
    },
  );
});
