import { parseArgs } from 'node:util';
import { buildDailyLoad, type Load } from './scale-model.ts';

export interface ScaleOptions {
  readonly load: Load;
  /** A file with unit costs; null: those of unit-costs.ts. */
  readonly costsFile: string | null;
  /** A result of the bench that the unit costs are taken from; null: none. */
  readonly resultFile: string | null;
  readonly printsCosts: boolean;
  readonly seed: number;
}

export const SCALE_USAGE = `Says what a load takes, and what is full first, by the model of the chapter "Beyond one machine".

  npm run bench:scale
  npm run bench:scale -- --orders-per-day 250000 --peak 5 --answer 120

  --orders-per-day <number>  of one customer (default 1000000)
  --peak <factor>            how many times the mean the busiest hour is (default 3)
  --endpoints <number>       of the customer, each told of every change (default 1)
  --answer <milliseconds>    what its servers take to answer (default 50)
  --attempts <number>        of a delivery, on average (default 1.02)
  --result <file>            take the unit costs from what \`npm run bench -- --json <file>\` wrote
  --costs <file>             take them from a file like the one that --print-costs prints
  --print-costs              print the unit costs and nothing else
  --seed <number>            of the simulation (default 1)
`;

/** The command line cannot be used. */
export class ScaleUsageError extends Error {
  override readonly name = 'ScaleUsageError';
}

/**
 * Reads the command line of `npm run bench:scale`; null when help was asked for.
 * @throws ScaleUsageError with a sentence about what is wrong
 */
export function parseScaleOptions(args: readonly string[]): ScaleOptions | null {
  const values = readValues(args);
  if (values.help) return null;
  const endpoints = toNumber('--endpoints', values.endpoints ?? '1', 1);
  if (!Number.isInteger(endpoints)) throw new ScaleUsageError('--endpoints must be a whole number.');
  return {
    load: {
      ...buildDailyLoad(
        toNumber('--orders-per-day', values['orders-per-day'] ?? '1000000', 1),
        toNumber('--peak', values.peak ?? '3', 1),
      ),
      endpoints,
      endpointsPerChange: endpoints,
      busiestShare: 1 / endpoints,
      answerMs: toNumber('--answer', values.answer ?? '50', 0),
      attemptsPerDelivery: toNumber('--attempts', values.attempts ?? '1.02', 1),
    },
    costsFile: values.costs ?? null,
    resultFile: values.result ?? null,
    printsCosts: values['print-costs'] ?? false,
    seed: toNumber('--seed', values.seed ?? '1', 0),
  };
}

function readValues(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        'orders-per-day': { type: 'string' },
        peak: { type: 'string' },
        endpoints: { type: 'string' },
        answer: { type: 'string' },
        attempts: { type: 'string' },
        result: { type: 'string' },
        costs: { type: 'string' },
        'print-costs': { type: 'boolean' },
        seed: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new ScaleUsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function toNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least) {
    throw new ScaleUsageError(`${name} must be a number, ${least} or more, not ${text}.`);
  }
  return value;
}
