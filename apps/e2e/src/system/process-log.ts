import { vi } from 'vitest';

/** One JSON line of a process's log. */
export interface LogLine {
  readonly level: string;
  readonly name: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** What a process has written so far. */
export interface ProcessLog {
  /** Everything, stderr included, as it came. */
  readonly text: string;
  /** The JSON lines, oldest first. */
  readonly lines: readonly LogLine[];
  /** The first line, past or future, with that message and those fields. Rejects after `timeoutMs`. */
  waitFor(msg: string, fields?: Record<string, unknown>, timeoutMs?: number): Promise<LogLine>;
  /** Appends what a stream of the process gave. */
  add(chunk: string): void;
}

const DEFAULT_WAIT_MS = 20_000;
/** Enough of a log to see what went wrong. */
const MAX_SHOWN = 4_000;

export function createProcessLog(name: string): ProcessLog {
  const lines: LogLine[] = [];
  let text = '';
  let rest = '';

  return {
    get text() {
      return text;
    },
    lines,
    waitFor(msg, fields = {}, timeoutMs = DEFAULT_WAIT_MS) {
      const wanted = Object.entries({ ...fields, msg });
      return vi.waitFor(
        () => {
          const found = lines.find((line) => wanted.every(([field, value]) => line[field] === value));
          if (found !== undefined) return found;
          throw new Error(
            `${name} did not log ${JSON.stringify({ ...fields, msg })}:\n${text.slice(-MAX_SHOWN)}`,
          );
        },
        { timeout: timeoutMs, interval: 10 },
      );
    },
    add(chunk) {
      text += chunk;
      const complete = (rest + chunk).split('\n');
      rest = complete.pop() ?? '';
      lines.push(...complete.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)));
    },
  };
}
