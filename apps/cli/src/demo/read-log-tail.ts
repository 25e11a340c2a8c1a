import { readFile } from 'node:fs/promises';

const LINE_COUNT = 20;
const MAX_LINE_LENGTH = 600;

/** The last lines of a log that say what went wrong, or, when none does, the last lines. */
export async function readLogTail(path: string): Promise<string[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  const problems = lines.filter((line) => !/"level":"(trace|debug|info)"/.test(line));
  return (problems.length > 0 ? problems : lines)
    .slice(-LINE_COUNT)
    .map((line) => line.slice(0, MAX_LINE_LENGTH));
}
