import { readFile } from 'node:fs/promises';

/** The fields of `/proc/stat` that add up to all of the time, by their places in it (proc_stat(5)). */
const STOLEN = 7;
const FIELDS = 8;

/**
 * Begins to watch how much of its processors' time a virtual machine did not get, because its host gave it to others.
 * What is measured meanwhile tells of them, too.
 *
 * @returns reads the share since then, from 0 to 1
 * @throws on anything but Linux
 */
export async function watchStolenTime(): Promise<() => Promise<number>> {
  const before = await readTicks();
  return async () => {
    const after = await readTicks();
    const passed = after.map((ticks, field) => ticks - (before[field] ?? 0));
    const all = passed.reduce((sum, ticks) => sum + ticks, 0);
    return all === 0 ? 0 : (passed[STOLEN] ?? 0) / all;
  };
}

async function readTicks(): Promise<number[]> {
  const [total] = (await readFile('/proc/stat', 'utf8')).split('\n', 1);
  return (total ?? '')
    .trim()
    .split(/\s+/)
    .slice(1, 1 + FIELDS)
    .map(Number);
}
