import { defineConfig } from 'vitest/config';

const { env } = process;

/** `npm run test:faults`, which takes an hour and is no part of `npm test`; with `FAULTS_FORM=short` a minute and a half. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../../..`,
    include: [`apps/e2e/src/faults/${env['FAULTS_FORM'] === 'short' ? 'short-form' : 'faults'}.measure.ts`],
    globalSetup: 'apps/platform/src/testing/global-setup.ts',
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    // The table is for whoever reads it, not for a reporter.
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
});
