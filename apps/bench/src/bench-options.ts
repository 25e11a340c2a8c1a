import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** The benchmarks to run; null means all of them. */
  readonly only: readonly string[] | null;
  readonly quick: boolean;
  /** The queue lives in PostgreSQL although there may be a Redis. */
  readonly isQueueInPostgres: boolean;
  /** A file for the numbers, besides the one in `out`. */
  readonly json: string | null;
  /** A directory for everything that is written, made when missing; null: `bench` in the data directory. */
  readonly out: string | null;
  /** A directory for CPU profiles of all API and worker processes; null: none is taken. */
  readonly cpuProf: string | null;
}

export const BENCH_USAGE = `Measures Vendor Server against the bare parts it is made of.

  npm run bench
  npm run bench -- --quick --only P1,P3

  --quick          fewer and shorter rounds, without P1d and the curves: under two minutes
  --only <ids>     only these, separated by commas
  --postgres-queue the queue in PostgreSQL, also where there is a Redis
  --json <file>    write the numbers there, too
  --cpu-prof <folder>
                   write a CPU profile of every API and worker there; what is measured meanwhile is slower
  --out <folder>   write the numbers and the report there; otherwise into bench in the data directory (.data)

DATABASE_URL and REDIS_URL are used when they are set: the first names a server of whose databases nothing is touched but
those that the bench creates (as a superuser), the second a Redis database that is empty. What is not set is started for
the time of the bench; without a redis-server the queue lives in PostgreSQL.
`;

/** The command line cannot be used. */
export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError';
}

/**
 * Reads the command line of `npm run bench`; null when help was asked for.
 * @param known the ids that there are
 * @throws BenchUsageError with a sentence about what is wrong
 */
export function parseBenchOptions(args: readonly string[], known: readonly string[]): BenchOptions | null {
  const values = readValues(args);
  if (values.help) return null;
  const only = values.only?.split(',').map((id) => id.trim()) ?? null;
  const unknown = only?.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new BenchUsageError(`--only: there is no ${unknown}, but ${known.join(', ')}.`);
  }
  return {
    only,
    quick: values.quick ?? false,
    isQueueInPostgres: values['postgres-queue'] ?? false,
    json: values.json ?? null,
    out: values.out ?? null,
    cpuProf: values['cpu-prof'] ?? null,
  };
}

function readValues(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean' },
        'postgres-queue': { type: 'boolean' },
        json: { type: 'string' },
        out: { type: 'string' },
        'cpu-prof': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new BenchUsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
