import { readdirSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** What a process has cost so far, as Linux counts it. */
export interface ProcessUse {
  /** Resident memory now, in bytes. */
  readonly rssBytes: number;
  /** The most it ever had. */
  readonly peakRssBytes: number;
  readonly sockets: number;
  /** Processor time since its start, in ms. */
  readonly cpuMs: number;
}

/** `sysconf(_SC_CLK_TCK)`, which is 100 wherever Linux runs Node. */
const MS_PER_TICK = 10;

/** Reads `/proc`; there is none but on Linux. */
export async function readProcessUse(pid: number): Promise<ProcessUse> {
  const [status, { cpuMs }] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readProcessTimes(pid),
  ]);
  return {
    rssBytes: readKilobytes(status, 'VmRSS'),
    peakRssBytes: readKilobytes(status, 'VmHWM'),
    sockets: countSockets(pid),
    cpuMs,
  };
}

export interface ProcessTimes {
  /** Processor time since its start, in ms. */
  readonly cpuMs: number;
  /** The same of its children that have ended. */
  readonly endedChildrenCpuMs: number;
}

/** As `readProcessUse`, and cheaper. */
export async function readProcessTimes(pid: number): Promise<ProcessTimes> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold spaces; user and system time are the 14th and 15th field, then those of children.
  const [user, system, childrenUser, childrenSystem] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map((ticks) => Number(ticks) * MS_PER_TICK);
  return {
    cpuMs: (user ?? 0) + (system ?? 0),
    endedChildrenCpuMs: (childrenUser ?? 0) + (childrenSystem ?? 0),
  };
}

function readKilobytes(status: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
  if (found === null) throw new Error(`There is no ${field} in:\n${status}`);
  return Number(found[1]) * 1024;
}

/** At once: a thread of Node's pool for each of hundreds would take more of the machine than what is watched. */
function countSockets(pid: number): number {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).filter((name) => readLink(`${directory}/${name}`).startsWith('socket:'))
    .length;
}

/** Empty for one that was closed meanwhile. */
function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
