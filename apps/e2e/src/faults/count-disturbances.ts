import type { ApiAnswer, History } from '../history/history.ts';

/** How often what is no fault went on meanwhile: a run without it proves less. */
export interface Disturbances {
  /** Accepted, as the replays. */
  readonly resends: number;
  readonly replays: number;
  /** Of endpoints. */
  readonly deletions: number;
  /** Attempts at endpoints that were broken. */
  readonly probes: number;
  /** Answers that were broken off right behind the headers of a 200. */
  readonly cuts: number;
  /** Of endpoints that were resumed later. */
  readonly pauses: number;
  /** Answers with 503, as to every try with the head of a lane that is never accepted. */
  readonly refusals: number;
}

/** Reads them from what a run is known by. */
export function countDisturbances({ answers, endpoints, attempts, requests }: History): Disturbances {
  const countAccepted = (kind: ApiAnswer['asked']['kind']) =>
    answers.filter(({ asked, got }) => asked.kind === kind && got.kind === 'accepted').length;
  return {
    resends: countAccepted('resend'),
    replays: countAccepted('replay'),
    deletions: endpoints.filter(({ deletedAt }) => deletedAt !== null).length,
    probes: attempts.filter(({ trigger }) => trigger === 'probe').length,
    pauses: countAccepted('pause'),
    cuts: requests.filter(({ answer }) => answer?.isCut).length,
    refusals: requests.filter(({ answer }) => answer?.status === 503).length,
  };
}

/** Adds up those of several runs. */
export function sumDisturbances(runs: readonly Disturbances[]): Disturbances {
  const sumOf = (kind: keyof Disturbances) => runs.reduce((sum, counted) => sum + counted[kind], 0);
  return {
    resends: sumOf('resends'),
    replays: sumOf('replays'),
    deletions: sumOf('deletions'),
    probes: sumOf('probes'),
    pauses: sumOf('pauses'),
    cuts: sumOf('cuts'),
    refusals: sumOf('refusals'),
  };
}
