/**
 * The short form of `npm run test:faults`: every kind of fault once on one of the two queues, one after the other, on
 * systems under load, and what they did judged at the end. Both at once.
 */
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { describe, expect, test } from 'vitest';
import { sumDisturbances } from './count-disturbances.ts';
import { createChangeGoal } from './create-change-goal.ts';
import { dealFaults } from './deal-faults.ts';
import { type FaultReport, runFaults } from './run-faults.ts';
import { seed } from './run-settings.ts';
import { showReport } from './show-report.ts';

const CHANGES = 2_000;
/** It takes a fraction of that; but a start of a process takes as long as it takes. */
const LIMIT_MS = 300_000;

const backends = testQueueBackends();
const goal = createChangeGoal(CHANGES);
const dealt = dealFaults(
  backends.filter(({ skipReason }) => skipReason === null).map(({ name }) => name),
  seed,
);

const reports: FaultReport[] = [];

console.log(`FAULTS_SEED=${seed}`);

describe.concurrent.for(backends)('$title', ({ name, skipReason }) => {
  test.skipIf(skipReason !== null)(
    'nothing is lost, nothing out of order, whatever dies',
    { timeout: LIMIT_MS },
    async () => {
      const planned = dealt.get(name) ?? [];
      const report = await runFaults({
        title: `queue in ${name}, FAULTS_SEED=${seed}`,
        backend: name,
        seed,
        planned,
        goal,
        longestHangMs: 3_000,
        walkers: 6,
        pauseMs: 60,
        restMs: 100,
        catchUpMs: 0,
      });
      showReport([report]);
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.rows).toHaveLength(planned.length);
      const { resends, replays, deletions, pauses } = report.disturbances;
      expect(
        Math.min(resends, replays, deletions, pauses),
        JSON.stringify(report.disturbances),
      ).toBeGreaterThan(0);
      reports.push(report);
    },
  );
});

// How many webhooks come to the endpoint that fails depends on the faults that a system was dealt.
test('answers were cut off and refused, and an endpoint was broken, on one of the two', () => {
  const { cuts, refusals, probes } = sumDisturbances(reports.map(({ disturbances }) => disturbances));
  expect(Math.min(cuts, refusals, probes), JSON.stringify({ cuts, refusals, probes })).toBeGreaterThan(0);
});
