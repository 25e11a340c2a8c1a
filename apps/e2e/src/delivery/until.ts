import { vi } from 'vitest';

/** Waits until a check passes, for suites whose tests run side by side: `expect.poll` is for one test at a time. */
export function until(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 });
}
