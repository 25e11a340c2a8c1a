import { writeFileSync } from 'node:fs';
import { printTable } from '../system/print-table.ts';
import type { Attack } from './measure-attack.ts';
import type { Drain } from './measure-drain.ts';
import type { Latency, Round } from './measure-round.ts';
import type { Watched } from './watch-system.ts';

/** A round without bad ones. */
export type Baseline = Pick<Round, 'latency' | 'stolenShare'>;

/** What one run measured, as it is written for programs. */
export interface HostileReport {
  /** `begin`: the seconds before the round, in which the bad ones' backlogs appear. */
  rounds: { title: string; baseline: Baseline; begin: Round; round: Round }[];
  drains: { title: string; drain: Drain }[];
  attack: Attack | null;
}

/** What a healthy endpoint's p99 may be of that in a round without bad ones. */
const AIMED_RATIO = 1.5;
const MIB = 1024 * 1024;

/** Says at once what came of a round: a run that ends early has shown what it had. */
export function showRound(
  title: string,
  without: Baseline | null,
  { sent, missing, latency, watched }: Round,
): void {
  const toText = ({ p50Ms, p99Ms }: Latency) => `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  const arrived = `${sent - missing}/${sent} received, ${toText(latency)}`;
  const before = without === null ? '' : ` (before: ${toText(without.latency)})`;
  console.log(`${title}: ${arrived}${before}, worker ${toMib(watched.mostRssBytes)} MiB`);
}

/** @param path of a file to write; undefined for none */
export function writeReport(report: HostileReport, path: string | undefined): void {
  if (path !== undefined) writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

export function showReport(report: HostileReport): void {
  const attack = report.attack && {
    title: `attacked for ${report.attack.seconds} s`,
    baseline: null,
    begin: null,
    round: report.attack.round,
  };
  printTable(
    `Healthy endpoints, from commit to receipt; p99 should stay within ${AIMED_RATIO} x of the runs without bad ones`,
    ROUND_COLUMNS,
    [...report.rounds, ...(attack ? [attack] : [])].map(({ title, baseline, begin, round }) => [
      title,
      ...toRoundCells(baseline, begin, round),
    ]),
  );
  printTable(
    'One endpoint against many: how fast the same backlog goes out',
    ['', 'deliveries', 'per s', 'worker ms each', 'transactions each'],
    report.drains.map(({ title, drain }) => [
      title,
      String(drain.deliveries),
      drain.perSecond.toFixed(0),
      drain.cpuMs.toFixed(2),
      drain.transactions.toFixed(1),
    ]),
  );
  if (report.attack === null) return;
  const { peakRssBytes, connections } = report.attack;
  console.log(
    `\nAttacked over ${connections.median} connections at once, up to ${connections.most}: the worker never had more than ${toMib(peakRssBytes)} MiB.`,
  );
}

const ROUND_COLUMNS = [
  '',
  'received',
  'p50 ms',
  'p99 ms',
  'without',
  'ratio',
  'at first',
  'stolen %, and without',
  'queued/window',
  'jobs',
  'queue MiB +',
  'worker MiB',
  'sockets',
  'worker ms each',
];

function toRoundCells(baseline: Baseline | null, begin: Round | null, round: Round): string[] {
  const { sent, missing, latency, watched } = round;
  const both = begin === null ? [watched] : [begin.watched, watched];
  const most = (read: (each: Watched) => number) => Math.max(...both.map(read));
  const endpoints = both.flatMap((each) => each.endpoints);
  const worst = endpoints.toSorted(
    (a, b) => b.mostAboveWindow - a.mostAboveWindow || b.mostQueued - a.mostQueued,
  )[0];
  return [
    `${sent - missing}/${sent}`,
    latency.p50Ms.toFixed(1),
    latency.p99Ms.toFixed(1),
    baseline === null ? '' : `${baseline.latency.p50Ms.toFixed(1)} ${baseline.latency.p99Ms.toFixed(1)}`,
    baseline === null ? '' : (latency.p99Ms / baseline.latency.p99Ms).toFixed(2),
    begin === null ? '' : begin.latency.p99Ms.toFixed(1),
    [round, ...(baseline === null ? [] : [baseline])]
      .map(({ stolenShare }) => (100 * stolenShare).toFixed(1))
      .join(' : '),
    worst === undefined ? '' : `${worst.mostQueued}/${worst.highestWindow}`,
    String(most(({ mostJobs }) => mostJobs)),
    toMib(most(({ queueBytes }) => queueBytes.most) - (both[0]?.queueBytes.first ?? 0)),
    toMib(most(({ mostRssBytes }) => mostRssBytes)),
    String(most(({ mostSockets }) => mostSockets)),
    (watched.workerCpuMs / sent).toFixed(1),
  ];
}

function toMib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
