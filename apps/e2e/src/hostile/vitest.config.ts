import { defineConfig } from 'vitest/config';

/** The measurement of `npm run test:hostile`, which takes minutes and is no part of `npm test`. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../../..`,
    include: ['apps/e2e/src/hostile/hostile.measure.ts'],
    globalSetup: 'apps/platform/src/testing/global-setup.ts',
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // The table is for whoever reads it, not for a reporter.
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
});
