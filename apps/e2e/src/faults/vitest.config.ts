import { defineConfig } from 'vitest/config';

const { env } = process;

/** `npm run test:faults`, which takes an hour; with `FAULTS_FORM=short` what `npm test` does of it, in a minute and a half. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../../..`,
    include: [`apps/e2e/src/faults/faults.${env['FAULTS_FORM'] === 'short' ? 'e2e.test' : 'measure'}.ts`],
    globalSetup: 'apps/platform/src/testing/global-setup.ts',
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
    // Systems at a time: most of what a part does is waiting.
    maxConcurrency: 2,
    // The table is for whoever reads it, not for a reporter.
    disableConsoleIntercept: true,
    reporters: ['verbose'],
  },
});
