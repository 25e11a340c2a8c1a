import path from 'node:path';
import { vi } from 'vitest';
import { type RunningProcess, startProcess } from './start-process.ts';

const ROOT = path.resolve(import.meta.dirname, '../../../..');

/** Runs `npm run <script>` as a person does at a terminal: with a process group of its own. */
export function startNpmScript(
  script: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): RunningProcess {
  return startProcess({
    name: `npm run ${script}`,
    command: 'npm',
    args: ['run', script, '--', ...args],
    env: { NO_COLOR: '1', npm_config_update_notifier: 'false', ...env },
    cwd: ROOT,
    ownGroup: true,
  });
}

/** Waits until the process has written something that matches. @returns the first group, or the match */
export function waitForText({ name, log }: RunningProcess, pattern: RegExp): Promise<string> {
  return vi.waitFor(
    () => {
      const match = pattern.exec(log.text);
      if (match === null) throw new Error(`${name} did not write ${String(pattern)}:\n${log.text}`);
      return match[1] ?? match[0];
    },
    { timeout: 60_000, interval: 50 },
  );
}
