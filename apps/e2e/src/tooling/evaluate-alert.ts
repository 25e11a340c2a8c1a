import type { Sample } from '@vendor-server/platform/testing/parse-exposition.ts';
import { parsePromql, type Selector } from './parse-promql.ts';

/** What an alert would be raised for: the labels it is grouped by, and the value. */
export interface Firing {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** `max by (a, b) (metric{…}) > 1`, or the time since it. */
const OVER_GAUGES =
  /^(?<since>time\(\) - )?(?<aggregate>max|min)(?: by \([^)]*\))? ?\(.*\) (?<comparison>>|<|==) (?<bound>[\d.]+)$/;

/** `sum(increase(metric{…}[10m])) > 1` */
const OVER_INCREASE = /^sum\(increase\(.*\[\w+\]\)\) (?<comparison>>) (?<bound>[\d.]+)$/;

/**
 * Evaluates an alert rule over gauges as Prometheus does, for one scrape.
 *
 * @param nowSeconds what `time()` says
 * @returns null for an expression of another form, e.g. over the rate of a counter
 */
export function evaluateAlert(
  expression: string,
  samples: readonly Sample[],
  nowSeconds: number,
): Firing[] | null {
  const { since, aggregate, comparison, bound } =
    OVER_GAUGES.exec(expression.replaceAll(/\s+/g, ' ').trim())?.groups ?? {};
  if (aggregate === undefined) return null;
  const { selectors, groupLabels } = parsePromql(expression);
  const groups = Map.groupBy(
    samples.filter((sample) => selectors.some((selector) => isSelected(sample, selector))),
    ({ labels }) => JSON.stringify(groupLabels.map((label) => [label, labels[label] ?? ''])),
  );
  return [...groups].flatMap(([key, group]) => {
    const values = group.map(({ value }) => value);
    const aggregated = aggregate === 'max' ? Math.max(...values) : Math.min(...values);
    const value = since === undefined ? aggregated : nowSeconds - aggregated;
    const labels: Record<string, string> = Object.fromEntries(JSON.parse(key));
    return compare(value, comparison, Number(bound)) ? [{ labels, value }] : [];
  });
}

/**
 * Evaluates an alert rule over the increase of counters, of which two scrapes are known within its range.
 *
 * @returns null for an expression of another form
 */
export function evaluateIncreaseAlert(
  expression: string,
  before: readonly Sample[],
  after: readonly Sample[],
): Firing[] | null {
  const { comparison, bound } = OVER_INCREASE.exec(expression.replaceAll(/\s+/g, ' ').trim())?.groups ?? {};
  if (comparison === undefined) return null;
  const { selectors } = parsePromql(expression);
  const sum = (samples: readonly Sample[]) =>
    samples
      .filter((sample) => selectors.some((selector) => isSelected(sample, selector)))
      .reduce((total, { value }) => total + value, 0);
  const value = sum(after) - sum(before);
  return compare(value, comparison, Number(bound)) ? [{ labels: {}, value }] : [];
}

export function isSelected({ name, labels }: Sample, { metric, matchers }: Selector): boolean {
  return (
    name === metric &&
    matchers.every(({ label, operator, value }) => {
      const pattern = operator.endsWith('~') ? value : RegExp.escape(value);
      return new RegExp(`^(?:${pattern})$`).test(labels[label] ?? '') !== operator.startsWith('!');
    })
  );
}

function compare(value: number, comparison: string | undefined, bound: number): boolean {
  if (comparison === '>') return value > bound;
  return comparison === '<' ? value < bound : value === bound;
}
