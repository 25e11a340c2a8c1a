import { printTable } from '@vendor-server/e2e/system/print-table.ts';
import { quantile } from '@vendor-server/e2e/system/quantile.ts';
import { formatNumber } from '../report/format-number.ts';
import {
  calculateDemand,
  calculateUse,
  findFullest,
  PART_NAMES,
  type Part,
  planTopology,
} from './estimate-use.ts';
import { type Load, multiplyLoad, SMALLEST_APART, type Topology } from './scale-model.ts';
import { simulate } from './simulate.ts';
import { LIMITS, type UnitCosts } from './unit-costs.ts';

/** What the bench's rows P1 and P2 are measured with. */
const MEASURED_LOAD: Load = {
  changesPerSecond: 0,
  endpointsPerChange: 1,
  attemptsPerDelivery: 1,
  endpoints: 100,
  busiestShare: 0.01,
  answerMs: 0.1,
};
/** So many that their beginning and their end hardly count. */
const CHANGES_OF_P8 = 3_600;
/** How many times the load, from what one asks about to what nobody has. */
const FACTORS = [1, 10, 100];
/** Of the model's time; a larger load shows as much in less of it. */
const SECONDS_AT_1 = 20;
const LEAST_SECONDS = 3;

/** Prints what is full first and what it takes, at 1, 10 and 100 times the load. */
export function showScale(costs: UnitCosts, load: Load, seed: number): void {
  const loads = FACTORS.map((factor) => ({ factor, load: multiplyLoad(load, factor) }));
  console.log(`Unit costs: ${costs.measured}.`);
  console.log(
    `1 x: ${formatNumber(load.changesPerSecond)} changes a second, each told to ${load.endpointsPerChange} endpoint(s) that answer in ${formatNumber(load.answerMs)} ms.`,
  );
  showValidation(costs, seed);
  printTable(
    `One of each on a machine of its own (database: ${SMALLEST_APART.postgresCores} processors): what share is used; above 1 it falls behind`,
    ['', ...FACTORS.map((factor) => `${factor} x`)],
    [
      ...(Object.keys(PART_NAMES) as Part[]).map((part) => [
        PART_NAMES[part],
        ...loads.map((each) => calculateUse(costs, each.load, SMALLEST_APART)[part].toFixed(3)),
      ]),
      [
        'full first',
        ...loads.map((each) => PART_NAMES[findFullest(calculateUse(costs, each.load, SMALLEST_APART))]),
      ],
    ],
  );
  printTable(
    'What it takes, so that no processor is used to more than 0.6; and what a simulation of that shows',
    ['', ...FACTORS.map((factor) => `${factor} x`)],
    toColumns(loads.map((each) => describePlan(costs, each.load, each.factor, seed))),
  );
}

/** The machine that measured, as the model has it: its rates are to come out. */
function showValidation(costs: UnitCosts, seed: number): void {
  const { cores, changesPerSecond, attemptsPerSecond, deliveredChangesPerSecond } = costs.atMost;
  const machine: Topology = { ...SMALLEST_APART, postgresCores: cores, sharedCores: cores, networkMs: 0 };
  const common = { costs, load: MEASURED_LOAD, topology: machine, seed };
  const clients = { kind: 'clients', count: 32 } as const;
  const changes = simulate({ ...common, source: { ...clients, areTold: false, changes: null }, seconds: 10 });
  const drain = simulate({ ...common, source: { kind: 'backlog', deliveries: 10_000 }, seconds: 60 });
  const rows: [name: string, measured: number, simulated: number][] = [
    ['changes a second, 32 clients, no worker (P1)', changesPerSecond, changes.changesPerSecond],
    ['deliveries a second of a backlog (P2)', attemptsPerSecond, drain.deliveriesPerSecond],
  ];
  if (deliveredChangesPerSecond !== null) {
    const path = { ...clients, areTold: true, changes: CHANGES_OF_P8 };
    const { deliveriesPerSecond } = simulate({ ...common, source: path, seconds: 60 });
    rows.push(['changes with their webhooks a second (P8)', deliveredChangesPerSecond, deliveriesPerSecond]);
  }
  printTable(
    'The machine that measured, and the model of it',
    ['', 'measured', 'simulated', 'ratio'],
    rows.map(([name, measured, simulated]) => [
      name,
      formatNumber(measured),
      formatNumber(simulated),
      formatNumber(simulated / measured),
    ]),
  );
}

function describePlan(
  costs: UnitCosts,
  load: Load,
  factor: number,
  seed: number,
): [name: string, value: string][] {
  const topology = planTopology(costs, load, SMALLEST_APART);
  const demand = calculateDemand(costs, load, topology);
  const seconds = Math.max(LEAST_SECONDS, SECONDS_AT_1 / factor);
  const { latenciesMs, behindSeconds, deliveriesPerSecond, meanBatch } = simulate({
    costs,
    load,
    topology,
    source: { kind: 'open' },
    seconds,
    seed,
  });
  return [
    ['changes a second', formatNumber(demand.changes)],
    ['API processes', String(topology.apis)],
    ['workers', String(topology.workers)],
    ['queues, each with a Redis', String(topology.redises)],
    ['PostgreSQL processors', String(topology.postgresCores)],
    ['PostgreSQL connections', String(countConnections(topology))],
    ['commits a second', formatNumber(demand.commits)],
    ['log, MB a second', formatNumber(demand.logBytes / 1_000_000)],
    ['Redis commands a second', formatNumber(demand.redisCommands)],
    ['requests on their way', formatNumber(demand.inFlight)],
    ['what more processes do not help', describeWalls(costs, load, topology)],
    ['simulated: deliveries a second', formatNumber(deliveriesPerSecond)],
    ['simulated: commit to receipt, p50 ms', formatNumber(quantile(latenciesMs, 0.5))],
    ['simulated: commit to receipt, p99 ms', formatNumber(quantile(latenciesMs, 0.99))],
    ['simulated: attempts in a statement', formatNumber(meanBatch)],
    ['simulated: behind at the end, s', formatNumber(behindSeconds)],
  ];
}

function countConnections({ apis, workers }: Topology): number {
  return apis * LIMITS.apiConnections + workers * LIMITS.workerConnections;
}

const WALLS = ['log', 'endpoint', 'feed'] as const satisfies readonly Part[];

function describeWalls(costs: UnitCosts, load: Load, topology: Topology): string {
  const use = calculateUse(costs, load, topology);
  const full = WALLS.filter((part) => use[part] > 1);
  return full.length === 0 ? '–' : full.map((part) => PART_NAMES[part]).join(', ');
}

function toColumns(described: readonly (readonly [name: string, value: string][])[]): string[][] {
  const [first = []] = described;
  return first.map(([name], row) => [name, ...described.map((column) => column[row]?.[1] ?? '')]);
}
