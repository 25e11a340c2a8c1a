import { defineConfig } from 'vitest/config';

/** `npm run test:faults`, which takes an hour and is no part of `npm test`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../../..`,
    include: ['apps/e2e/src/faults/faults.measure.ts'],
    globalSetup: 'apps/platform/src/testing/global-setup.ts',
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    // The table is for whoever reads it, not for a reporter.
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
});
