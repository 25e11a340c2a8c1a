import type { Aim, BenchRow } from '../result/bench-result.ts';
import type { Round } from './round.ts';
import { findMedianRound, toCpuShares, toDistribution, toSeriesPoints, toSpread } from './statistics.ts';

/** What is measured in turns: `ours`, `bare`, or what else a row tells apart. */
type Sides<Name extends string> = Readonly<Record<Name, MeasureRound>>;

/** @param isWarmUp the round is not counted, and may be shorter */
export type MeasureRound = (isWarmUp: boolean) => Promise<Round>;

/**
 * Measures each side in turns, so that whatever else the machine does meanwhile hits all of them: ours, bare; bare,
 * ours; and so on. One round of each goes before and is not counted: code is compiled, plans are kept, pools are filled.
 */
export async function measureInTurns<Name extends string>(
  rounds: number,
  sides: Sides<Name>,
): Promise<Record<Name, Round[]>> {
  const names = Object.keys(sides) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as Round[]])) as Record<Name, Round[]>;
  for (const name of names) await sides[name](true);
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      measured[name].push(await sides[name](false));
    }
  }
  return measured;
}

export interface RowText extends Pick<BenchRow, 'id' | 'title' | 'bareTitle' | 'unit' | 'notes'> {
  readonly aim: Aim;
}

/** @param measured at least one round of each */
export function buildRow(
  text: RowText,
  { ours, bare }: { readonly ours: readonly Round[]; readonly bare: readonly Round[] },
): BenchRow {
  const oursSpread = toSpread(ours.map(({ value }) => value));
  const bareSpread = toSpread(bare.map(({ value }) => value));
  const ratio = oursSpread.median / bareSpread.median;
  const sides = [
    ['ours', ours],
    ['bare', bare],
  ] as const;
  return {
    ...text,
    ours: oursSpread,
    bare: bareSpread,
    ratio,
    met: text.aim.kind === 'at least' ? ratio >= text.aim.ratio : ratio <= text.aim.ratio,
    cpu: { ours: toCpuShares(ours), bare: toCpuShares(bare) },
    series: sides.map(([name, rounds]) => ({
      name,
      points: toSeriesPoints(findMedianRound(rounds)?.samples ?? []),
    })),
    latencies: sides
      .map(([name, rounds]) =>
        toDistribution(
          name,
          rounds.flatMap(({ samples }) => samples),
        ),
      )
      .filter(({ count }) => count > 0),
  };
}
