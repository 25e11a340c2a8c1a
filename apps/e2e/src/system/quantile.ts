/** @param sorted from the smallest @param share from 0 to 1 @returns NaN of nothing */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}
