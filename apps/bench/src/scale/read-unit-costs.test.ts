import { expect, test } from 'vitest';
import type { BenchRow } from '../result/bench-result.ts';
import { buildSampleResult, SAMPLE_ROW } from '../result/testing/sample-result.ts';
import { readUnitCosts, TOGETHER } from './read-unit-costs.ts';
import { MEASURED, STATEMENTS_OF_ATTEMPT } from './unit-costs.ts';

const { change, attempt, bystanders } = MEASURED;

function buildRow(id: string, ms: Readonly<Record<string, number>>): BenchRow {
  const ours = Object.entries(ms).map(([process, msPerUnit]) => ({ process, msPerUnit, seconds: 1 }));
  return { ...SAMPLE_ROW, id, cpu: { ours, bare: [] } };
}

const withStatements = (ms: number, statementMs: number, together: number) =>
  ms + (STATEMENTS_OF_ATTEMPT * statementMs) / together;

const toAttemptMs = (together: number) => ({
  postgres: withStatements(attempt.postgresMs, attempt.statementMs, together),
  worker: withStatements(attempt.workerMs, attempt.workerStatementMs, together),
});

const P1 = buildRow('P1', { api: 1, postgres: change.postgresMs, driver: bystanders.changeMs });
const DRAINED = toAttemptMs(TOGETHER.drain);
const P2 = buildRow('P2', { ...DRAINED, redis: attempt.redisMs, receiver: bystanders.attemptMs });
const ON_PATH = toAttemptMs(TOGETHER.path);
const P8 = buildRow('P8', { ...ON_PATH, postgres: change.postgresMs + ON_PATH.postgres, api: change.apiMs });

test('costs come out of the rows as they went into them', () => {
  const costs = readUnitCosts(buildSampleResult([P1, P2, P8]), {
    ...MEASURED,
    attempt: { ...attempt, statementMs: 9 },
  });
  expect(costs.change.apiMs).toBe(change.apiMs);
  expect(costs.bystanders).toEqual(bystanders);
  for (const name of ['workerMs', 'workerStatementMs', 'postgresMs', 'statementMs', 'redisMs'] as const) {
    expect(costs.attempt[name]).toBeCloseTo(attempt[name], 6);
  }
  expect(costs.atMost).toMatchObject({ cores: 2, changesPerSecond: 1234.5, deliveredChangesPerSecond: 7407 });
});

test('without P8 a statement costs what it is said to', () => {
  const costs = readUnitCosts(buildSampleResult([P1, P2]), MEASURED);
  expect(costs.attempt.statementMs).toBe(attempt.statementMs);
  expect(costs.attempt.workerMs).toBeCloseTo(attempt.workerMs, 6);
  expect(costs.change.apiMs).toBe(1);
  expect(costs.atMost.deliveredChangesPerSecond).toBeNull();
});

test('says what row it lacks', () => {
  expect(() => readUnitCosts(buildSampleResult([P1]), MEASURED)).toThrow('the result has no row P2');
});
