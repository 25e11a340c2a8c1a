import { expect, test } from 'vitest';
import { createRateLimit } from './create-rate-limit.ts';

function createClock() {
  const clock = { ms: 1_000, now: () => clock.ms };
  return clock;
}

test('allows the limit in each window, and says how long until the next', () => {
  const clock = createClock();
  const use = createRateLimit({ limit: 2, windowMs: 60_000 }, clock.now);
  expect(use('a')).toMatchObject({ isAllowed: true, headers: { 'ratelimit-remaining': '1' } });
  clock.ms += 20_000;
  expect(use('a')).toMatchObject({ isAllowed: true, headers: { 'ratelimit-remaining': '0' } });
  clock.ms += 500;
  expect(use('a')).toEqual({
    isAllowed: false,
    resetSeconds: 40,
    headers: { 'ratelimit-limit': '2', 'ratelimit-remaining': '0', 'ratelimit-reset': '40' },
  });
  clock.ms += 39_499;
  expect(use('a')).toMatchObject({ isAllowed: false, resetSeconds: 1 });
  clock.ms += 1;
  expect(use('a')).toMatchObject({ isAllowed: true, resetSeconds: 60 });
});

test('counts each caller on its own', () => {
  const use = createRateLimit({ limit: 1, windowMs: 60_000 }, createClock().now);
  expect(use('a').isAllowed).toBe(true);
  expect(use('b').isAllowed).toBe(true);
  expect(use('a').isAllowed).toBe(false);
});

test('dropping ended windows keeps those that still run', () => {
  const clock = createClock();
  const use = createRateLimit({ limit: 1, windowMs: 60_000 }, clock.now);
  for (let caller = 0; caller < 999; caller += 1) use(`early-${caller}`);
  clock.ms += 30_000;
  use('late');
  clock.ms += 30_000;
  use('new');
  expect(use('late').isAllowed).toBe(false);
  expect(use('early-0').isAllowed).toBe(true);
});
