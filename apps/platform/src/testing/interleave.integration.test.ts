import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTransaction, runInterleaved } from './interleave.ts';
import { createStage, type Party } from './party.ts';
import { createTestDatabase } from './test-database.ts';

let subject: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  subject = await createTestDatabase();
});
afterAll(() => subject.drop());

const lock = (party: Party, key: number) => party.client.query('select pg_advisory_xact_lock($1)', [key]);

test('a step that waits goes on when the other has let go, also when it then holds that one up', async () => {
  const createParty = await createStage(subject.url);
  const [first, second] = [await createParty('first'), await createParty('second')];
  const ended: string[] = [];
  // Takes and lets go of the lock again and again, within one step.
  const again = (party: Party) => async () => {
    for (let round = 0; round < 20; round += 1) {
      await party.begin();
      await lock(party, 1);
      await party.commit();
    }
    ended.push(party.name);
  };
  await runInterleaved(
    [
      { party: first, steps: [again(first)] },
      { party: second, steps: [again(second)] },
      inTransaction(await createParty('third'), async () => undefined),
    ],
    [2, 0, 1, 2, 2],
  );
  expect(ended.toSorted()).toEqual(['first', 'second']);
});

test('parties that wait for each other are an error', async () => {
  const createParty = await createStage(subject.url);
  const [first, second] = [await createParty('first'), await createParty('second')];
  const takeBoth = (party: Party, keys: readonly [number, number]) => ({
    party,
    steps: [
      () => party.begin(),
      () => lock(party, keys[0]),
      () => lock(party, keys[1]),
      () => party.commit(),
    ],
  });
  const run = runInterleaved([takeBoth(first, [1, 2]), takeBoth(second, [2, 1])], [0, 0, 1, 1, 0, 1, 0, 1]);
  await expect(run).rejects.toMatchObject({ code: '40P01' });
});
