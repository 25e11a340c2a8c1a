import type { History } from '../history.ts';

/** A history that a test may change. */
export type MutableHistory = { -readonly [Part in keyof History]: History[Part][number][] };
