import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Starts PostgreSQL and, where there is one, Redis; unit tests need neither. */
const globalSetup = 'apps/platform/src/testing/global-setup.ts';

/**
 * Whole-process tests that need the machine for themselves: they measure memory, hold times against a limit, give an
 * endpoint half a second to answer in, or wait for a relay to end a claim, which it does only after five seconds in
 * which the database kept nobody waiting.
 */
const ALONE = [
  'apps/e2e/src/faults/**/*.e2e.test.ts',
  'apps/e2e/src/hostile/*.e2e.test.ts',
  'apps/e2e/src/replay.e2e.test.ts',
  'apps/e2e/src/retries.e2e.test.ts',
  'apps/e2e/src/worker-death.e2e.test.ts',
];

/** Of tests that start real processes. */
const wholeProcesses = {
  globalSetup,
  // Most of a concurrent test is waiting; five at a time would wait for each other.
  maxConcurrency: 10,
  testTimeout: 60_000,
  hookTimeout: 90_000,
};

export default defineConfig({
  test: {
    // The reason of a skipped suite is in its title: show all of it.
    taskTitleValueFormatTruncate: 0,
    // Half of what an integration test does is waiting: while one waits, another one computes.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['apps/*/src/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/*.e2e.test.ts'],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['apps/*/src/**/*.integration.test.ts'],
          // One file after another in the same few processes: to import the whole API for each anew took more than
          // half of all CPU time. A file has a database of its own, and no module of ours keeps a state.
          isolate: false,
          globalSetup,
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          ...wholeProcesses,
          name: 'e2e',
          include: ['apps/e2e/src/**/*.e2e.test.ts'],
          exclude: ALONE,
          // Each file has processes, ports and databases of its own, and waits most of the time.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...wholeProcesses,
          name: 'e2e-alone',
          include: ALONE,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
