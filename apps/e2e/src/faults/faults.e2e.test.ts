/**
 * The short form of `npm run test:faults`: every kind of fault once, one after the other, on a system under load, and
 * what the system did judged at the end. Both queues at once.
 */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../history/testing/create-random.ts';
import { FAULTS } from './faults.ts';
import { runFaults } from './run-faults.ts';
import { showReport } from './show-report.ts';

/** It takes a fraction of that; but a start of a process takes as long as it takes. */
const LIMIT_MS = 300_000;

describe.concurrent.for(testQueueBackends())('$title', ({ name, skipReason }) => {
  test.skipIf(skipReason !== null)(
    'nothing is lost, nothing out of order, whatever dies',
    { timeout: LIMIT_MS },
    async () => {
      const seed = createRandom(Date.now()).below(2 ** 31);
      const planned = FAULTS.filter(({ backends }) => backends.includes(name));
      const report = await runFaults({
        backend: name,
        seed,
        planned,
        fewestChanges: 1_000,
        longestHangMs: 3_000,
        walkers: 4,
        pauseMs: 60,
        restMs: 200,
      });
      showReport([{ ...report, title: `queue in ${name}, FAULTS_SEED=${seed}` }]);
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.rows).toHaveLength(planned.length);
    },
  );
});
