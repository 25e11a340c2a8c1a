/** So many changes are to be promised, by all runs together that share it: the faster one makes more of them. */
export interface ChangeGoal {
  /** One more run. @param promised says how many it has so far */
  join(promised: () => number): void;
  isReached(): boolean;
}

export function createChangeGoal(changes: number): ChangeGoal {
  const runs: (() => number)[] = [];
  return {
    join: (promised) => void runs.push(promised),
    isReached: () => runs.reduce((sum, promised) => sum + promised(), 0) >= changes,
  };
}
