/** From a value to its place in a chart. */
export interface Scale {
  readonly toPlace: (value: number) => number;
  /** Values that an axis names, ascending. */
  readonly ticks: readonly number[];
}

/** The most ticks that are named on an axis. */
const MAX_TICKS = 6;
const TICK_STEPS = [1, 2, 2.5, 5, 10];

/** From zero to a round number that is no less than `most`. */
export function createLinearScale(most: number, from: number, to: number): Scale {
  const step = findStep(most > 0 ? most : 1);
  const count = Math.max(1, Math.ceil((most > 0 ? most : 1) / step - 1e-9));
  const end = step * count;
  return {
    toPlace: (value) => from + ((to - from) * value) / end,
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
  };
}

function findStep(most: number): number {
  const raw = most / (MAX_TICKS - 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * (TICK_STEPS.find((step) => step * power >= raw * (1 - 1e-9)) ?? 10);
}

/** Every factor takes as much room as any other of its size. @param least and `most` above 0 */
export function createLogScale(least: number, most: number, from: number, to: number): Scale {
  const low = Math.log10(least);
  const span = Math.log10(most) - low || 1;
  const firstPower = Math.ceil(low - 1e-9);
  const lastPower = Math.floor(low + span + 1e-9);
  return {
    toPlace: (value) => from + ((to - from) * (Math.log10(value) - low)) / span,
    ticks: Array.from({ length: Math.max(0, lastPower - firstPower + 1) }, (_, n) => 10 ** (firstPower + n)),
  };
}
