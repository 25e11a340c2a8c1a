import { expect, test } from 'vitest';
import { startProcess } from '../../system/start-process.ts';
import type { Wires } from '../tools/create-wires.ts';
import { createRole } from './create-role.ts';

const createRoleOf = (program: string) =>
  createRole('worker', async () => {
    const started = startProcess({
      name: 'worker',
      command: process.execPath,
      args: ['-e', program],
      env: {},
      ownGroup: true,
    });
    return Object.assign(started, { url: '', wires: {} as Wires });
  });

test('whoever runs is killed, and runs no more', async () => {
  const role = createRoleOf('setInterval(() => {}, 1_000)');
  const started = await role.start();
  await role.kill(started);
  expect(await started.ended).toBe('signal SIGKILL');
  expect(role.running).toEqual([]);
});

test('whoever has ended by itself is not killed: the fault did not happen, and another one did', async () => {
  const role = createRoleOf('console.log("why"); process.exitCode = 3');
  const started = await role.start();
  await started.ended;
  await expect(role.kill(started)).rejects.toThrow(/ended by itself \(exit code 3\):\nwhy/);
});
