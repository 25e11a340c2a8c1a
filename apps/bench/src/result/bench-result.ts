/** What one run of the bench measured: written as JSON for programs, printed as a table and drawn for people. */

export interface BenchResult {
  readonly meta: BenchMeta;
  readonly rows: readonly BenchRow[];
  readonly curves: readonly BenchCurve[];
}

/** What was measured, on what. */
export interface BenchMeta {
  /** When it began, RFC 3339. */
  readonly date: string;
  readonly tookSeconds: number;
  /** Fewer and shorter rounds: good for a look, not for a comparison. */
  readonly quick: boolean;
  /** The processor's name. */
  readonly machine: string;
  readonly cores: number;
  readonly memoryMib: number;
  /** `Linux 6.1.0 x64` */
  readonly system: string;
  /** `node`, `postgres`, `redis` where there is one, and the libraries that the hot paths use. */
  readonly versions: Readonly<Record<string, string>>;
  /** Null outside a working copy; with a `+` when there were changes that are not committed. */
  readonly commit: string | null;
  readonly database: 'embedded' | 'given';
  readonly queue: 'redis' | 'postgres';
}

/** One thing of ours held against the bare part that it is made of, measured in the same run and in turns. */
export interface BenchRow {
  /** `P1`; unique among the rows. */
  readonly id: string;
  readonly title: string;
  /** What the bare part is. */
  readonly bareTitle: string;
  /** Of `ours` and `bare`: `changes/s`, `ms`. */
  readonly unit: string;
  readonly ours: Spread;
  readonly bare: Spread;
  /** The median of ours by that of the bare part. */
  readonly ratio: number;
  readonly aim: Aim;
  readonly met: boolean;
  /** What one unit of work cost each process, the load driver and the receiver included. */
  readonly cpu: { readonly ours: readonly CpuShare[]; readonly bare: readonly CpuShare[] };
  /** Over the time of the median round. */
  readonly series: readonly TimeSeries[];
  /** Over all rounds. */
  readonly latencies: readonly LatencyDistribution[];
  /** What a reader has to know to take the figures for what they are, a sentence each. */
  readonly notes: readonly string[];
}

/** One value from each round. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In the order in which they were measured. */
  readonly rounds: readonly number[];
}

/** What `ratio` is to be: of a rate at least, of a time at most. */
export interface Aim {
  readonly kind: 'at least' | 'at most';
  readonly ratio: number;
}

export interface CpuShare {
  /** `api`, `worker`, `postgres` (its server and all its sessions), `redis`, `driver`, `receiver`. */
  readonly process: string;
  /** Processor time over all rounds. */
  readonly seconds: number;
  /** The same for one unit of work. */
  readonly msPerUnit: number;
}

export interface TimeSeries {
  /** `ours`, `bare`, or what else the row tells apart. */
  readonly name: string;
  readonly points: readonly SeriesPoint[];
}

/** What ended in a part of a round. */
export interface SeriesPoint {
  /** The end of the part, from the beginning of the round. */
  readonly atSeconds: number;
  readonly perSecond: number;
  /** Null when nothing ended. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface LatencyDistribution {
  readonly name: string;
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Ascending; each counts what took longer than the one before says, and no longer than `upToMs`. */
  readonly buckets: readonly { readonly upToMs: number; readonly count: number }[];
}

/** How a cost goes with a size. */
export interface BenchCurve {
  readonly id: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** One line each. */
  readonly lines: readonly {
    readonly name: string;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
  readonly notes: readonly string[];
}
