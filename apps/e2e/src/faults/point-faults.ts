/** A process that dies, or loses its connection, at one of the named points. */
import type { Fault } from './fault.ts';
import { catchInTime } from './tools/catch-in-time.ts';
import type { PointName } from './tools/points.ts';

/** Whom to catch there: those who come there often enough under any load. */
const NAMED_POINTS: readonly { readonly point: PointName; readonly role: 'apis' | 'workers' }[] = [
  { point: 'change committed, job not added', role: 'apis' },
  { point: 'job added, answer not arrived', role: 'apis' },
  { point: 'claim committed, answer not arrived', role: 'workers' },
  { point: 'answered, record not arrived', role: 'workers' },
  { point: 'record committed, answer not arrived', role: 'workers' },
  { point: 'recorded, not looked at the lane', role: 'workers' },
];

const NAMES = { apis: 'API', workers: 'worker' } as const;
const AT_ONCE = { backends: ['redis', 'postgres'], lastsMs: 0 } as const;

const kills = NAMED_POINTS.map(
  ({ point, role }): Fault => ({
    ...AT_ONCE,
    kind: `SIGKILL of the ${NAMES[role]}: ${point}`,
    allowsDuplicates: role === 'workers',
    delaysRecords: false,
    async inject({ [role]: processes }) {
      const victim = processes.latest();
      const caught = await catchInTime(victim.wires, point);
      await processes.kill(victim);
      caught.cut();
      await processes.start();
    },
  }),
);

const losses = NAMED_POINTS.map(
  ({ point, role }): Fault => ({
    ...AT_ONCE,
    kind: `connection of the ${NAMES[role]} lost: ${point}`,
    allowsDuplicates: false,
    delaysRecords: role === 'workers',
    async inject({ [role]: processes }) {
      const caught = await catchInTime(processes.latest().wires, point);
      caught.cut();
    },
  }),
);

const whileSending: Fault = {
  ...AT_ONCE,
  kind: 'SIGKILL of the workers: request written',
  allowsDuplicates: true,
  delaysRecords: false,
  async inject({ receiver, workers }) {
    await receiver.waitForCount(receiver.requests.length + 1);
    // Whose request it was is not to be seen from outside.
    const victims = [...workers.running];
    await Promise.all(victims.map((victim) => workers.kill(victim)));
    await Promise.all(victims.map(() => workers.start()));
  },
};

export const POINT_FAULTS: readonly Fault[] = [...kills, ...losses, whileSending];
