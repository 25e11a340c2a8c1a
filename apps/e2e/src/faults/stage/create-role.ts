import type { ListeningProcess } from '../../system/create-system.ts';
import type { Wires } from '../tools/create-wires.ts';

export interface StagedProcess extends ListeningProcess {
  /** Its own way to the database and to the queue. */
  readonly wires: Wires;
}

/** The processes of one kind that run on a stage. */
export interface Role {
  /** Oldest first. */
  readonly running: readonly StagedProcess[];
  /** One more. @param env settings of its own, such as a way through a proxy */
  start(env?: Readonly<Record<string, string>>): Promise<StagedProcess>;
  /** SIGKILL. @throws when it had ended by itself */
  kill(process: StagedProcess): Promise<void>;
  /** SIGTERM. @throws when it does not end by itself, well and in time */
  stop(process: StagedProcess): Promise<void>;
  /** The one that was started last. */
  latest(): StagedProcess;
}

/** What a process may take to stop, however busy it is. */
const STOPS_WITHIN_MS = 15_000;

export function createRole(
  name: string,
  startOne: (env?: Readonly<Record<string, string>>) => Promise<StagedProcess>,
): Role {
  const running: StagedProcess[] = [];
  const remove = (process: StagedProcess) => void running.splice(running.indexOf(process), 1);
  return {
    running,
    async start(env) {
      const process = await startOne(env);
      running.push(process);
      return process;
    },
    async kill(process) {
      remove(process);
      const end = process.end;
      await process.kill();
      if (end !== null) throw new Error(`${process.name} had ended by itself (${end}):\n${process.log.text}`);
    },
    async stop(process) {
      remove(process);
      const toldAt = performance.now();
      await process.stop();
      const tookMs = performance.now() - toldAt;
      if (tookMs > STOPS_WITHIN_MS) throw new Error(`${process.name} took ${tookMs} ms to stop.`);
    },
    latest() {
      const last = running.at(-1);
      if (last === undefined) throw new Error(`There is no ${name}.`);
      return last;
    },
  };
}
