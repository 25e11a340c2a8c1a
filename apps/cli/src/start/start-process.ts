import type { ChildProcess, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ProcessDescription {
  /** For messages: `api`, `worker`. */
  name: string;
  /** The module to run. */
  url: URL;
  args?: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Where stdout and stderr go: to this process's own, or to an open file. */
  output: 'inherit' | number;
}

export interface RunningProcess {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves when the process has ended, for whatever reason, to how it ended (`exit code 1`). */
  readonly ended: Promise<string>;
  /** Asks the process to stop and waits for it; kills it when it has not ended in time. */
  stop(): Promise<void>;
}

/** A little more than the processes give themselves, so that they report what they could not finish. */
const STOP_DEADLINE_MS = 18_000;

/**
 * Starts a Node process that lives no longer than this one: it holds an IPC channel, and `runProcess` stops
 * when the other end is gone, however this process died.
 * It gets a process group of its own, because Ctrl-C signals a whole group: the order of stopping is ours, and
 * a second signal would make the processes exit at once.
 */
export function startProcess({ name, url, args = [], env, output }: ProcessDescription): RunningProcess {
  const stdio: StdioOptions = ['ignore', output, output, 'ipc'];
  const child = spawn(process.execPath, [fileURLToPath(url), ...args], { env, stdio, detached: true });
  const ended = waitForEnd(child);
  return {
    name,
    child,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** How a process ended, or null while it runs. */
export function describeEnd({ exitCode, signalCode }: ChildProcess): string | null {
  if (signalCode !== null) return `signal ${signalCode}`;
  return exitCode === null ? null : `exit code ${exitCode}`;
}

async function waitForEnd(child: ChildProcess): Promise<string> {
  try {
    await once(child, 'exit');
    return describeEnd(child) ?? 'unknown';
  } catch (error) {
    // The program could not be started at all.
    return error instanceof Error ? error.message : String(error);
  }
}
