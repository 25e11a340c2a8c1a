import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Settings of a process whose clock is off by so much; negative: it is behind. */
export function shiftedClockEnv(shiftMs: number): { NODE_OPTIONS: string } {
  const preload = pathToFileURL(path.join(import.meta.dirname, 'shift-clock.ts'));
  preload.searchParams.set('ms', String(shiftMs));
  return { NODE_OPTIONS: `--import=${preload.href}` };
}
