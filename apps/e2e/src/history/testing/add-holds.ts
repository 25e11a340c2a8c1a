import type { ApiAnswer, AskedHold, EndpointRow } from '../history.ts';
import type { MutableHistory } from './mutable-history.ts';

/** Pauses that explain all that came. */
export const HOLDS = [addLongHold, addShortHold, addDoubtfulHold];

/** For longer than what was claimed before may take, and over before anything is sent. */
function addLongHold(history: MutableHistory, { endpointId }: EndpointRow, begunAt: number): void {
  addHold(history, { kind: 'pause', endpointId }, begunAt - 20_000);
  addHold(history, { kind: 'resume', endpointId }, begunAt - 2);
}

/** What came meanwhile had been claimed before. */
function addShortHold(
  history: MutableHistory,
  { endpointId, timeoutMs }: EndpointRow,
  begunAt: number,
): void {
  addHold(history, { kind: 'pause', endpointId }, begunAt - 2);
  addHold(history, { kind: 'resume', endpointId }, begunAt + timeoutMs + 3_990);
}

/** What was asked before, and not answered, may have been done after the pause. */
function addDoubtfulHold(history: MutableHistory, { endpointId }: EndpointRow, begunAt: number): void {
  addHold(history, { kind: 'resume', endpointId }, begunAt - 20_000, { kind: 'unknown' });
  addHold(history, { kind: 'pause', endpointId }, begunAt - 19_000);
}

/** Asked for at that time, and answered. */
export function addHold(
  history: MutableHistory,
  asked: AskedHold,
  at: number,
  got: ApiAnswer['got'] = { kind: 'accepted' },
): void {
  history.answers.push({ begunAt: at, endedAt: at + 1, asked, got });
}
