import { MEASURED, type UnitCosts } from './unit-costs.ts';

/**
 * Reads a file of unit costs as `--print-costs` prints them.
 * @throws when a cost is missing or no number: a sum over it would be no number either, and would say nothing of why
 */
export function parseUnitCosts(text: string): UnitCosts {
  const costs: unknown = JSON.parse(text);
  const wrong = findWrong(MEASURED, costs, []);
  if (wrong !== null)
    throw new Error(`${wrong} is missing from the unit costs, or is no number of 0 or more.`);
  return costs as UnitCosts;
}

/** The path of the first part that is not of the example's kind; null when there is none. */
function findWrong(example: object, given: unknown, path: readonly string[]): string | null {
  for (const [name, part] of Object.entries<unknown>({ ...example })) {
    const value: unknown = (given as Record<string, unknown> | null)?.[name];
    const here = [...path, name];
    // The one cost that may not have been measured.
    if (name === 'deliveredChangesPerSecond' && value === null) continue;
    if (typeof part === 'object' && part !== null) {
      const wrong = findWrong(part, value, here);
      if (wrong !== null) return wrong;
    } else if (typeof value !== typeof part || (typeof value === 'number' && !(value >= 0))) {
      return here.join('.');
    }
  }
  return null;
}
