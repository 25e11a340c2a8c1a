import { describe, expect, test, vi } from 'vitest';
import { createTurns, type TurnsOptions } from './create-turns.ts';

const OPTIONS: TurnsOptions = { perTurn: 2, pauseMs: 20, oneIn: 10 };

/** So many come at once. @returns who went on together, in order */
async function watchTurns(options: TurnsOptions, count: number): Promise<number[][]> {
  const takeTurn = createTurns(options);
  const turns: number[][] = [];
  let current: number[] | null = null;
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      await takeTurn();
      if (current === null) {
        current = [];
        turns.push(current);
        setImmediate(() => {
          current = null;
        });
      }
      current.push(n);
    }),
  );
  return turns;
}

describe('createTurns', () => {
  test('all go on in the order in which they came, a few at a time', async () => {
    expect(await watchTurns(OPTIONS, 5)).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('of very many, more go on at once', async () => {
    const turns = await watchTurns({ ...OPTIONS, pauseMs: 1 }, 50);
    expect(turns.slice(0, 4).map((turn) => turn.length)).toEqual([5, 5, 4, 4]);
    expect(turns.flat()).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test('nobody waits once there is a hurry, nor those who did before', async () => {
    const hurry = new AbortController();
    const takeTurn = createTurns({ perTurn: 1, pauseMs: 10_000, oneIn: 1_000, hurry: hurry.signal });
    await takeTurn();
    const before = [takeTurn(), takeTurn()];
    hurry.abort();
    await expect(Promise.all([...before, takeTurn()])).resolves.toHaveLength(3);
  });

  test('who comes alone goes on at once, and who comes right after that a pause later', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
    try {
      const takeTurn = createTurns(OPTIONS);
      await takeTurn();
      let hasGoneOn = false;
      const second = takeTurn().then(() => {
        hasGoneOn = true;
      });
      vi.advanceTimersByTime(19);
      await new Promise(setImmediate);
      expect(hasGoneOn).toBe(false);
      vi.advanceTimersByTime(1);
      await second;
    } finally {
      vi.useRealTimers();
    }
  });
});
