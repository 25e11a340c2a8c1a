/**
 * Everything that is done to a system under load, one entry a kind. What a fault needs beyond a signal is made by a tool
 * (see `tools`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { CLOCK_FAULTS } from './clock-faults.ts';
import { DATABASE_FAULTS } from './database-faults.ts';
import type { Fault } from './fault.ts';
import { POINT_FAULTS } from './point-faults.ts';
import { QUEUE_FAULTS } from './queue-faults.ts';
import { TIMEOUT_MS } from './stage/add-endpoints.ts';
import type { FaultStage } from './stage/create-fault-stage.ts';

const BOTH = ['redis', 'postgres'] as const;
/** The lease is the time-out and five seconds; a second more, and the relay has ended it. */
const PAST_THE_LEASE_MS = TIMEOUT_MS + 6_500;

/** A process that died is started again, as a supervisor does. */
async function killWorker({ workers }: FaultStage): Promise<void> {
  await workers.kill(workers.latest());
  await workers.start();
}

async function killApi({ apis }: FaultStage): Promise<void> {
  await apis.kill(apis.latest());
  await apis.start();
}

export const FAULTS: readonly Fault[] = [
  {
    kind: 'SIGKILL of the worker',
    backends: BOTH,
    lastsMs: 0,
    allowsDuplicates: true,
    delaysRecords: false,
    inject: killWorker,
  },
  {
    kind: 'SIGKILL of the API',
    backends: BOTH,
    lastsMs: 0,
    allowsDuplicates: false,
    delaysRecords: false,
    inject: killApi,
  },
  {
    kind: 'SIGKILL of both',
    backends: BOTH,
    lastsMs: 0,
    allowsDuplicates: true,
    delaysRecords: false,
    async inject(stage, random) {
      const kills = [killWorker, killApi];
      const [first, second] = random.chance(0.5) ? kills : kills.toReversed();
      const firstDone = first?.(stage);
      await delay(random.below(200));
      await Promise.all([firstDone, second?.(stage)]);
    },
  },
  {
    kind: 'SIGTERM of the worker',
    backends: BOTH,
    lastsMs: 0,
    allowsDuplicates: false,
    delaysRecords: false,
    async inject({ workers }) {
      const old = workers.latest();
      await Promise.all([workers.stop(old), workers.start()]);
    },
  },
  {
    kind: 'SIGTERM of the API',
    backends: BOTH,
    lastsMs: 0,
    allowsDuplicates: false,
    delaysRecords: false,
    async inject({ apis }) {
      const old = apis.latest();
      // The callers go to the new one before the old one hangs up.
      await apis.start();
      await apis.stop(old);
    },
  },
  {
    kind: 'a worker stopped past its lease, and continued',
    backends: BOTH,
    lastsMs: PAST_THE_LEASE_MS,
    allowsDuplicates: true,
    delaysRecords: true,
    async inject({ workers }) {
      const stopped = workers.latest();
      stopped.signal('SIGSTOP');
      try {
        const [other] = await Promise.all([workers.start(), delay(PAST_THE_LEASE_MS)]);
        stopped.signal('SIGCONT');
        await delay(500);
        await workers.stop(other);
      } finally {
        stopped.signal('SIGCONT');
      }
    },
  },
  {
    kind: 'a worker stopped for less than its lease',
    backends: BOTH,
    lastsMs: 1_500,
    allowsDuplicates: false,
    delaysRecords: true,
    async inject({ workers }, random) {
      const stopped = workers.latest();
      stopped.signal('SIGSTOP');
      await delay(500 + random.below(1_000));
      stopped.signal('SIGCONT');
    },
  },
  {
    kind: 'two workers, then four, of which three go again',
    backends: BOTH,
    lastsMs: 0,
    allowsDuplicates: true,
    delaysRecords: false,
    async inject(stage, random) {
      const { workers } = stage;
      await workers.start();
      await stage.waitForChanges(20);
      await Promise.all([workers.start(), workers.start()]);
      await stage.waitForChanges(20);
      await workers.kill(random.pick(workers.running));
      await Promise.all([
        workers.stop(random.pick(workers.running)),
        workers.stop(random.pick(workers.running)),
      ]);
    },
  },
  ...POINT_FAULTS,
  ...CLOCK_FAULTS,
  ...DATABASE_FAULTS,
  ...QUEUE_FAULTS,
];
