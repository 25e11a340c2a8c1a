/** RFC 3339 section 5.6, with `T` and `Z` in upper case and at most nanoseconds. */
const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

const FIRST_YEAR = 2000;
const LAST_YEAR = 2100;

/** The point in time, cut to milliseconds; null for a text that is none, or one outside the years 2000–2100. */
export function parseTimestamp(text: string): Date | null {
  const date = RFC_3339.exec(text)?.[1];
  if (date === undefined || !isCalendarDate(date)) return null;
  const time = new Date(text);
  const year = time.getUTCFullYear();
  return year >= FIRST_YEAR && year <= LAST_YEAR ? time : null;
}

/** `Date` takes 30 February for 2 March; a date that exists comes back as it went in. */
function isCalendarDate(date: string): boolean {
  const midnight = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}
