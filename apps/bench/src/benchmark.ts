import type { BenchCurve, BenchRow } from './result/bench-result.ts';
import type { CreateStage } from './stage/create-stage.ts';

/** A part of the bench that is run, or left out, as a whole. It gives rows of the table, curves, or both. */
export interface Benchmark {
  /** As it is asked for on the command line: `P1`. */
  readonly id: string;
  readonly title: string;
  /** What it asks `share` for. */
  readonly shares?: SharedPart<unknown>;
  readonly run: (context: BenchContext) => Promise<Measured>;
}

export interface Measured {
  readonly rows?: readonly BenchRow[];
  readonly curves?: readonly BenchCurve[];
}

/**
 * A stage that several benchmarks are measured on, one after the other: what runs for a while is as it is in production,
 * its code compiled and its plans made. It is stopped after the last of them.
 */
export interface SharedPart<Part> {
  readonly create: (createStage: CreateStage) => Promise<Part>;
}

export interface BenchContext {
  /** As short as it may be and still show something. */
  readonly quick: boolean;
  /** Else the queue lives in PostgreSQL, and is slower: less is put into it. */
  readonly hasRedis: boolean;
  /** Sets the system up once more, on a database of its own; it is stopped when the benchmark ends, at the latest. */
  readonly createStage: CreateStage;
  /** Gives what the benchmarks that name it in `shares` have in common; the first who asks makes it. */
  readonly share: <Part>(shared: SharedPart<Part>) => Promise<Part>;
  /** Of the benchmarks that have run before. */
  readonly earlier: readonly BenchRow[];
  /** Says at once what came of something: a run that ends early has shown what it had. */
  readonly say: (line: string) => void;
}
