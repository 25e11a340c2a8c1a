import { DelayedError, UnrecoverableError } from 'bullmq';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import type { AttemptEnd } from '../deliveries/attempt-delivery.ts';
import { decideBackoffMs, processJob, RetryLater } from './process-job.ts';

const logger = pino({ level: 'silent' });
const running = new AbortController().signal;
const data = { deliveryId: '0123456789abcdef01234567', generation: 3 };

function createJob(jobData: unknown = data) {
  return { id: 'job', data: jobData, moveToDelayed: vi.fn(async () => undefined) };
}

async function run(end: AttemptEnd, job = createJob()): Promise<unknown> {
  return processJob({ attempt: async () => end, logger, stopping: running }, job, 'lock').then(
    () => 'completed',
    (error: unknown) => error,
  );
}

describe('processJob', () => {
  test('attempts the delivery and generation that the job names', async () => {
    const attempt = vi.fn(async (): Promise<AttemptEnd> => ({ kind: 'done' }));
    await processJob({ attempt, logger, stopping: running }, createJob(), 'lock');
    expect(attempt).toHaveBeenCalledWith(data);
  });

  test('a finished or stale delivery completes the job', async () => {
    expect(await run({ kind: 'done' })).toBe('completed');
    expect(await run({ kind: 'skipped' })).toBe('completed');
  });

  test('a retry comes back by the backoff, after the wait that was recorded', async () => {
    const error = await run({ kind: 'retry', delayMs: 2_000, reason: 'rejected 503' });
    expect(error).toBeInstanceOf(RetryLater);
    expect(decideBackoffMs(error as Error, 1)).toBe(2_000);
    expect(String(error)).toContain('rejected 503');
  });

  test('a final failure is not retried and shows no stack of ours', async () => {
    const error = await run({ kind: 'failed', reason: 'rejected' });
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
    await expect(processJob({ attempt, logger: loud, stopping: running }, createJob(), 'lock')).rejects.toBe(
      fault,
    );
    expect(lines.join('')).toContain('database away');
    expect([0, 1, 2, 60].map((runs) => decideBackoffMs(fault, runs))).toEqual([1_000, 1_000, 2_000, 10_000]);
  });

  test('a process that is being stopped begins nothing new', async () => {
    const job = createJob();
    const attempt = vi.fn(async (): Promise<AttemptEnd> => ({ kind: 'done' }));
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
      expect(await run({ kind: 'done' }, job)).toBeInstanceOf(DelayedError);
      expect(job.moveToDelayed).toHaveBeenCalledOnce();
    },
  );
});
