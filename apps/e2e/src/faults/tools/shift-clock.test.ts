import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { shiftedClockEnv } from './shifted-clock-env.ts';

const TEN_MINUTES_MS = 600_000;

/** What a process with that clock says. */
async function tell(shiftMs: number, expression: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', `console.log(JSON.stringify(${expression}))`],
    {
      env: shiftedClockEnv(shiftMs),
    },
  );
  return JSON.parse(stdout);
}

test.for([TEN_MINUTES_MS, -TEN_MINUTES_MS])('a process is told another time, %i ms from ours', async (ms) => {
  const asked = Date.now();
  const told = await tell(
    ms,
    '[Date.now(), +new Date(), Date.parse(Date().replace(/ \\(.*/, "")), new Date().constructor.now()]',
  );
  for (const time of told as number[]) {
    expect(time - ms).toBeGreaterThan(asked - 2_000);
    expect(time - ms).toBeLessThan(Date.now() + 2_000);
  }
});

test('times that it is given, its timers and its types are as always', async () => {
  const told = await tell(
    TEN_MINUTES_MS,
    `[
      new Date(0).toISOString(), new Date('2026-11-26T00:00:00Z').getTime(), Date.UTC(2026, 10, 26),
      new Date() instanceof Date, structuredClone(new Date()) instanceof Date, typeof Date(),
      performance.now() < 60000,
    ]`,
  );
  const day = Date.UTC(2026, 10, 26);
  expect(told).toEqual(['1970-01-01T00:00:00.000Z', day, day, true, true, 'string', true]);
});
