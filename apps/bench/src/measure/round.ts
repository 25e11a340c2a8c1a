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
  readonly latencyMs: number;
}
