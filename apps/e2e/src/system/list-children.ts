import { readdir, readFile } from 'node:fs/promises';

/** The ids of the processes that a process has started and that still run (Linux). */
export async function listChildren(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  // The second field is a name in parentheses, which may hold anything; the fourth is the parent.
  return stats
    .filter((stat) => Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]) === parent)
    .map((stat) => Number.parseInt(stat, 10));
}
