import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom } from '../history/testing/create-random.ts';
import type { RunningProcess } from '../system/start-process.ts';

const { env } = process;

/** `FAULTS_SEED`: of everything that is chosen. Printed by who takes it, so that a run can be done again. */
export const seed = Number(env['FAULTS_SEED'] ?? createRandom(Date.now()).below(2 ** 31));

/** Keeps what the processes of a run have logged in a folder of `FAULTS_LOGS`; without that setting, nothing. */
export async function keepLogs(run: string, processes: readonly RunningProcess[]): Promise<void> {
  const kept = env['FAULTS_LOGS'];
  if (kept === undefined) return;
  const folder = path.join(kept, run.replaceAll(/\W+/g, '-'));
  await mkdir(folder, { recursive: true });
  for (const { name, log } of processes) await writeFile(path.join(folder, `${name}.log`), log.text);
}
