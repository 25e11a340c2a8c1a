import type { Benchmark } from './benchmark.ts';
import { statusChanges } from './rows/status-changes.ts';

/** In the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [statusChanges];
