import Type from 'typebox';

/** A feed position in digits; the letter keeps it from being taken for a cursor of a list, or the other way. */
const CURSOR_TEXT = /^f(0|[1-9]\d{0,15})$/;

/** `?after=`, as a query parameter's schema. */
export const FeedCursor = Type.Refine(
  Type.String({ rule: 'must be the nextCursor of an earlier page' }),
  (value) => decodeFeedCursor(value) !== null,
);

/** @param position the feed position of the last event before the next page; 0 is before all */
export function encodeFeedCursor(position: number): string {
  return Buffer.from(`f${position}`).toString('base64url');
}

/** The position; null for a text that is no cursor of the feed. */
export function decodeFeedCursor(cursor: string): number | null {
  const digits = CURSOR_TEXT.exec(Buffer.from(cursor, 'base64url').toString('latin1'))?.[1];
  if (digits === undefined) return null;
  const position = Number(digits);
  return Number.isSafeInteger(position) && encodeFeedCursor(position) === cursor ? position : null;
}
