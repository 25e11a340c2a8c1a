import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createProcessLog, type ProcessLog } from './process-log.ts';

export interface ProcessOptions {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** All of it: of this process's own environment nothing but PATH is passed on. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /**
   * A process group of its own, as a shell at a terminal makes one for each command; otherwise the process
   * gets a channel instead, over which it learns that the tests are gone, however they ended.
   */
  readonly ownGroup?: boolean;
}

/** How a process ended: `exit code 0`, `signal SIGKILL`. */
export type ProcessEnd = string;

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly log: ProcessLog;
  /** How it ended; null while it runs. */
  readonly end: ProcessEnd | null;
  /** Resolves when it has ended and its output is complete. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends a signal, to the process alone or to the group it leads. */
  signal(signal: NodeJS.Signals, to?: 'process' | 'group'): void;
  /**
   * Ends it as a deployment does, also while it is held by SIGSTOP. Throws when it has to be killed, when it
   * fails, and when it had ended by itself.
   */
  stop(): Promise<void>;
  /** Ends it, or the group it leads, without giving it a chance. */
  kill(): Promise<void>;
}

/** More than the processes give themselves. */
const STOP_LIMIT_MS = 20_000;

/** Where Node keeps what it compiled: starting a process takes twice the CPU without it. */
const COMPILE_CACHE = path.resolve(import.meta.dirname, '../../../../node_modules/.cache/e2e-compile');

/** Starts a process; its end is the caller's business (see `stop`). */
export function startProcess(options: ProcessOptions): RunningProcess {
  const { name, command, args, env, cwd, ownGroup = false } = options;
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
    cwd,
    detached: ownGroup,
    stdio: ['ignore', 'pipe', 'pipe', ...(ownGroup ? [] : ['ipc' as const])],
  });
  const log = createProcessLog(name);
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => log.add(chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => log.add(chunk));
  let wasKilled = false;
  let end: ProcessEnd | null = null;
  const ended = waitForEnd(child).then((how) => {
    end = how;
    return how;
  });

  function signal(name: NodeJS.Signals, to: 'process' | 'group' = 'process'): void {
    if (to === 'process') child.kill(name);
    else process.kill(-pidOf(child), name);
  }

  return {
    name,
    pid: pidOf(child),
    log,
    get end() {
      return end;
    },
    ended,
    signal,
    async stop() {
      if (wasKilled) return void (await ended);
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      let inTime = true;
      const timer = setTimeout(() => {
        inTime = !child.kill('SIGKILL');
      }, STOP_LIMIT_MS);
      const how = await ended;
      clearTimeout(timer);
      if (!inTime) throw new Error(`${name} did not stop:\n${log.text}`);
      if (how !== 'exit code 0') throw new Error(`${name} did not stop cleanly, but by ${how}:\n${log.text}`);
    },
    async kill() {
      wasKilled = true;
      const isRunning = child.exitCode === null && child.signalCode === null;
      if (isRunning) signal('SIGKILL', ownGroup ? 'group' : 'process');
      await ended;
    },
  };
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} could not be started.`);
  return child.pid;
}

async function waitForEnd(child: ChildProcess): Promise<ProcessEnd> {
  // `close` comes when the output is complete, `exit` earlier.
  await once(child, 'close');
  return child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
}
