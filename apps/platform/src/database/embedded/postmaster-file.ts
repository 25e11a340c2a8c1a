import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** What a running server says about itself in `postmaster.pid` (format: PostgreSQL's `miscadmin.h`). */
export type PostmasterFile = {
  pid: number;
  /** `starting`, `ready`, `stopping` or `standby`; empty before it is known. */
  status: string;
};

const STATUS_LINE = 7;

/** Null when there is none: no server runs here, and the last one ended in order. */
export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | null> {
  const text = await readFile(path.join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n');
  return { pid: Number(lines[0]), status: (lines[STATUS_LINE] ?? '').trim() };
}

/**
 * Removes a `postmaster.pid` left by a crash when its process id now belongs to some other program (after a
 * reboot, or in a new container with the same numbers): the server would take that for itself still running.
 * Every other leftover is the server's own to judge, which also looks for survivors in its shared memory.
 */
export async function removeMisleadingPostmasterFile(clusterDir: string): Promise<void> {
  const file = await readPostmasterFile(clusterDir);
  if (file === null || !Number.isInteger(file.pid)) return;
  const command = await commandOf(file.pid);
  if (command !== null && !command.includes('postgres')) {
    await rm(path.join(clusterDir, 'postmaster.pid'), { force: true });
  }
}

/** The command line of a live process; null when there is no such process, or no way to know. */
async function commandOf(pid: number): Promise<string | null> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // macOS has no /proc.
    const ps = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => null);
    return ps?.stdout ?? null;
  }
}
