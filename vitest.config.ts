import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['apps/*/src/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/*.e2e.test.ts'],
        },
      },
      { test: { name: 'integration', include: ['apps/*/src/**/*.integration.test.ts'] } },
      { test: { name: 'e2e', include: ['apps/e2e/src/**/*.e2e.test.ts'], fileParallelism: false } },
    ],
  },
});
