/**
 * Everybody who moves deliveries at once, statement by statement, in orders that nobody thought of.
 *
 * A failing run is printed with its seed and path. To run that one again, or more of them:
 *
 *   MODEL_SEED=<seed> MODEL_PATH=<path> npm test -- --project integration apps/e2e/src/model
 *   MODEL_RUNS=5000 npm test -- --project integration apps/e2e/src/model
 */
import fc from 'fast-check';
import { test } from 'vitest';
import { CALM, HELD, LOSSY } from './commands.ts';
import { createModelWorld } from './create-model-world.ts';
import { searchProperty } from './search.ts';

const { MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env;
const RUNS = Number(MODEL_RUNS ?? 25);

test.each([
  ['without losses, everything goes on without a relay', CALM],
  ['whoever holds a row and lets it go, nothing overtakes it or is left standing', HELD],
  ['with deaths, lost jobs and leases that run out, the relay brings everything on', LOSSY],
])('%s', { timeout: 60_000 + RUNS * 2_000 }, async (_what, mix) => {
  const world = await createModelWorld({});
  await fc.assert(searchProperty(world, mix), {
    numRuns: RUNS,
    // A run that failed is made shorter for as long as that.
    plugins: [fc.interruptAfterTimeLimit(30_000 + RUNS * 1_500)],
    ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
    ...(MODEL_PATH === undefined ? {} : { path: MODEL_PATH }),
  });
});
