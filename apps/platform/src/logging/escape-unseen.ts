/**
 * Characters that JSON lets through as they are and that somebody who reads a log does not see as what they are: DEL, the
 * C1 controls (U+009B begins a command to a terminal, as ESC [ does), line and paragraph separators, and what turns the
 * direction of text. They come from outside, as in the answer of a receiver.
 */
const UNSEEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A JSON line with them as `\u009b`, which is the same to whoever parses it. */
export function escapeUnseen(line: string): string {
  return line.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A JSON line whose escapes `\u…` stay to be seen when it is parsed, for a stream that shows what it parsed. */
export function spellOutEscapes(line: string): string {
  return line.replace(/\\\\|\\(u[0-9a-f]{4})/g, (escape, code?: string) =>
    code === undefined ? escape : `\\\\${code}`,
  );
}
