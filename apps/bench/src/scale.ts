/** `npm run bench:scale`: what a load takes and what is full first, by unit costs and a simulation. */
import { readFile } from 'node:fs/promises';
import type { BenchResult } from './result/bench-result.ts';
import {
  parseScaleOptions,
  SCALE_USAGE,
  type ScaleOptions,
  ScaleUsageError,
} from './scale/parse-scale-options.ts';
import { parseUnitCosts } from './scale/parse-unit-costs.ts';
import { readUnitCosts } from './scale/read-unit-costs.ts';
import { showScale } from './scale/show-scale.ts';
import { MEASURED, type UnitCosts } from './scale/unit-costs.ts';

async function loadCosts({ costsFile, resultFile }: ScaleOptions): Promise<UnitCosts> {
  if (costsFile !== null) return parseUnitCosts(await readFile(costsFile, 'utf8'));
  if (resultFile === null) return MEASURED;
  return readUnitCosts(JSON.parse(await readFile(resultFile, 'utf8')) as BenchResult, MEASURED);
}

try {
  const options = parseScaleOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(SCALE_USAGE);
  } else {
    const costs = await loadCosts(options);
    if (options.printsCosts) process.stdout.write(`${JSON.stringify(costs, null, 2)}\n`);
    else showScale(costs, options.load, options.seed);
  }
} catch (error) {
  if (error instanceof ScaleUsageError) {
    process.stderr.write(`${error.message}\n\n${SCALE_USAGE}`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`Cannot say: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
