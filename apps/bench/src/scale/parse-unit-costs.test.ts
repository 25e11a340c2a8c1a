import { describe, expect, test } from 'vitest';
import { parseUnitCosts } from './parse-unit-costs.ts';
import { MEASURED } from './unit-costs.ts';

describe('parseUnitCosts', () => {
  test('reads what --print-costs prints', () => {
    expect(parseUnitCosts(JSON.stringify(MEASURED, null, 2))).toEqual(MEASURED);
  });

  test('may lack the rate of delivered changes, which is not always measured', () => {
    const costs = { ...MEASURED, atMost: { ...MEASURED.atMost, deliveredChangesPerSecond: null } };
    expect(parseUnitCosts(JSON.stringify(costs))).toEqual(costs);
  });

  test.each([
    ['a cost that is missing', { ...MEASURED.attempt, workerStatementMs: undefined }],
    ['a text', { ...MEASURED.attempt, workerStatementMs: '0.1' }],
    ['a cost below 0', { ...MEASURED.attempt, workerStatementMs: -1 }],
  ])('names %s', (_title, attempt) => {
    expect(() => parseUnitCosts(JSON.stringify({ ...MEASURED, attempt }))).toThrow(
      'attempt.workerStatementMs',
    );
  });

  test.each(['null', '{}', '{"measured":"x"}'])('refuses %s', (text) => {
    expect(() => parseUnitCosts(text)).toThrow('missing');
  });
});
