/** One round of one side, ours or the bare part's. */
export interface Round {
  /** What is compared: a rate a second, or a time in ms. */
  readonly value: number;
  /** How much work was done while `cpu` was counted. */
  readonly units: number;
  readonly cpu: readonly CpuUse[];
  readonly samples: readonly Sample[];
}

export interface CpuUse {
  readonly process: string;
  readonly seconds: number;
}

/** Something that ended. */
export interface Sample {
  /** When, from the beginning of the round. */
  readonly atMs: number;
  /** Null where only the time of the end means something. */
  readonly latencyMs: number | null;
}

/** How many ended in a second, from the beginning of the round to the last of them. */
export function toRate(samples: readonly Sample[]): number {
  return (samples.length * 1_000) / Math.max(...samples.map(({ atMs }) => atMs));
}

/** From the shortest to the longest. */
export function sortLatencies(samples: readonly Sample[]): number[] {
  return samples.flatMap(({ latencyMs }) => latencyMs ?? []).toSorted((a, b) => a - b);
}
