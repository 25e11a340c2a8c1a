import { expect, test } from 'vitest';
import { createSharedRun } from './create-shared-run.ts';

function createStage() {
  const runs: PromiseWithResolvers<void>[] = [];
  const ask = createSharedRun(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  return { runs, ask };
}

test('whoever asks meanwhile shares one run that begins afterwards', async () => {
  const { runs, ask } = createStage();
  const first = ask();
  const later = [ask(), ask(), ask()];
  expect(runs).toHaveLength(1);
  let ended = 0;
  for (const one of later) void one.then(() => (ended += 1));
  runs[0]?.resolve();
  await first;
  await expect.poll(() => runs.length).toBe(2);
  expect(ended).toBe(0);
  runs[1]?.resolve();
  await Promise.all(later);
  expect(runs).toHaveLength(2);
});

test('a failed run is told to those who shared it, and the next is another', async () => {
  const { runs, ask } = createStage();
  const first = ask();
  const second = ask();
  runs[0]?.reject(new Error('the database is away'));
  await expect(first).rejects.toThrow('the database is away');
  await expect.poll(() => runs.length).toBe(2);
  runs[1]?.resolve();
  await second;
  const third = ask();
  expect(runs).toHaveLength(3);
  runs[2]?.resolve();
  await third;
});
