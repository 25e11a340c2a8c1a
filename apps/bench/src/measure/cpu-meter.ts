/** Processor time of the processes that a round keeps busy (Linux; elsewhere nothing is known of it). */
import { listChildren } from '@vendor-server/e2e/system/list-children.ts';
import { readProcessTimes } from '@vendor-server/e2e/system/watch-process.ts';
import type { CpuUse } from './round.ts';

export interface CpuSource {
  readonly process: string;
  /** Since its start, in ms; null when nothing is known of it. */
  readonly readMs: () => Promise<number | null>;
}

/** One process by itself. */
export function ofProcess(process: string, pid: number): CpuSource {
  return { process, readMs: () => ignoreUnknown(async () => (await readProcessTimes(pid)).cpuMs) };
}

/** A server and all processes that it has started for its sessions, those that have ended included. */
export function ofServer(process: string, pid: number): CpuSource {
  return {
    process,
    readMs: () =>
      ignoreUnknown(async () => {
        const own = await readProcessTimes(pid);
        const children = await Promise.all((await listChildren(pid)).map(readChild));
        return own.cpuMs + own.endedChildrenCpuMs + children.reduce((sum, ms) => sum + ms, 0);
      }),
  };
}

/** One that ended since it was listed has moved to its parent's count, which was read before. */
async function readChild(pid: number): Promise<number> {
  return (await ignoreUnknown(async () => (await readProcessTimes(pid)).cpuMs)) ?? 0;
}

async function ignoreUnknown(read: () => Promise<number>): Promise<number | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}

/** Begins to count; the function that it gives ends it. */
export async function countCpu(sources: readonly CpuSource[]): Promise<() => Promise<CpuUse[]>> {
  const read = () => Promise.all(sources.map(({ readMs }) => readMs()));
  const before = await read();
  return async () => {
    const after = await read();
    return sources.flatMap(({ process }, index) => {
      const [from, to] = [before[index] ?? null, after[index] ?? null];
      return from === null || to === null ? [] : [{ process, seconds: (to - from) / 1_000 }];
    });
  };
}
