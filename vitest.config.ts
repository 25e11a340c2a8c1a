import { defineConfig } from 'vitest/config';

/** Starts PostgreSQL and, where there is one, Redis; unit tests need neither. */
const globalSetup = 'apps/platform/src/testing/global-setup.ts';

export default defineConfig({
  test: {
    // The reason of a skipped suite is in its title: show all of it.
    taskTitleValueFormatTruncate: 0,
    // By default one processor is left free: on a machine of two that is half of them.
    maxWorkers: '100%',
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
          name: 'e2e',
          include: ['apps/e2e/src/**/*.e2e.test.ts'],
          fileParallelism: false,
          // Most of a concurrent test is waiting; five at a time would wait for each other.
          maxConcurrency: 10,
          globalSetup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
