/**
 * The search would notice: without each of these it finds a run that breaks a rule. Seeded, so always the same one; each
 * with a seed that finds it soon. Where a statement was written anew and one is not found any more, another may find it.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CALM, HELD, LOSSY } from './commands.ts';
import { createModelWorld } from './create-model-world.ts';
import {
  CLAIM_IGNORES_TOKEN,
  CLAIMS_SHARE_A_TOKEN,
  NEXT_IS_NOT_HELD,
  NEXT_IS_THE_NEWEST,
  NO_LANE_INDEX,
  NOBODY_LOOKS,
  RECORD_IGNORES_TOKEN,
  RECORDS_SHARE_A_FATE,
  RELAY_KEEPS_GENERATION,
} from './mutations.ts';
import { searchProperty } from './search.ts';

const MAX_RUNS = 60;

test.each([
  ['the look after commit', NOBODY_LOOKS, CALM, 1, /are left standing/],
  ['the token in the claim', CLAIM_IGNORES_TOKEN, LOSSY, 10, /was claimed/],
  [
    'the token in the record',
    RECORD_IGNORES_TOKEN,
    LOSSY,
    2,
    /is recorded under the claim of|had no claim that could end|is not in the table/,
  ],
  [
    'a token of its own for each claim of a batch',
    CLAIMS_SHARE_A_TOKEN,
    CALM,
    8,
    /is claimed, and nobody is about it/,
  ],
  ['an end of its own for each record of a batch', RECORDS_SHARE_A_FATE, CALM, 4, /nobody accepted it/],
  ['the lowest version as a lane’s next', NEXT_IS_THE_NEWEST, CALM, 1, /although version \d+ has not ended/],
  ['what somebody holds as a lane’s next', NEXT_IS_NOT_HELD, HELD, 1, /although version \d+ has not ended/],
  ['the relay’s new generation', RELAY_KEEPS_GENERATION, LOSSY, 1, /goes from generation/],
  ['the lane’s index', NO_LANE_INDEX, CALM, 7, /is in a lane with two heads/],
] as const)('without %s a rule is broken', { timeout: 120_000 }, async (_what, mutation, mix, seed, rule) => {
  const world = await createModelWorld(mutation);
  const { failed, numRuns, errorInstance } = await fc.check(searchProperty(world, mix), {
    seed,
    numRuns: MAX_RUNS,
    endOnFailure: true,
  });
  expect(failed, `${numRuns} runs`).toBe(true);
  expect(String(errorInstance)).toMatch(rule);
});
