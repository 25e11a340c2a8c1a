/** One more worker for a while, whose clock is wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.ts';
import { shiftedClockEnv } from './tools/shifted-clock-env.ts';

const TEN_MINUTES_MS = 600_000;
/** Several rounds of whatever a worker does by the clock. */
const VISIT_MS = 10_000;

function wrongClock(how: string, shiftMs: number): Fault {
  return {
    kind: `a worker whose clock is ten minutes ${how}`,
    backends: ['redis', 'postgres'],
    lastsMs: VISIT_MS,
    allowsDuplicates: false,
    delaysRecords: false,
    async inject({ workers, hangMs }) {
      const visitor = await workers.start(shiftedClockEnv(shiftMs));
      await delay(hangMs(VISIT_MS));
      await workers.stop(visitor);
    },
  };
}

export const CLOCK_FAULTS: readonly Fault[] = [
  wrongClock('ahead', TEN_MINUTES_MS),
  wrongClock('behind', -TEN_MINUTES_MS),
];
