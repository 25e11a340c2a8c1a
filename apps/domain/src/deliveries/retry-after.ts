const MAX_RETRY_AFTER_MS = 60 * 60 * 1000;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';

/**
 * The three forms of an HTTP date (RFC 9110 section 5.6.7), of which a recipient must accept all. They are
 * matched here because `Date.parse` reads a date into almost any text.
 */
const HTTP_DATES = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(
    `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`,
  ),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * The wait that a `Retry-After` header asks for (RFC 9110 section 10.2.3: seconds or an HTTP date), in ms from
 * `now`, at most one hour. A date in the past asks for 0. Null when there is no header or it makes no sense.
 */
export function parseRetryAfter(value: string | null, now: Date): number | null {
  const trimmed = value?.trim() ?? '';
  const waitMs = /^\d+$/.test(trimmed) ? Number(trimmed) * 1000 : waitUntil(parseHttpDate(trimmed, now), now);
  return waitMs === null ? null : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

function waitUntil(timeMs: number | null, now: Date): number | null {
  return timeMs === null ? null : timeMs - now.getTime();
}

/** Unix time in ms, or null for what is not an HTTP date or not a day of the calendar. */
function parseHttpDate(text: string, now: Date): number | null {
  const parts = HTTP_DATES.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return null;
  const day = Number(parts['day']);
  const time = new Date(0);
  time.setUTCFullYear(toFullYear(parts['year'] ?? '', now), MONTHS.indexOf(parts['month'] ?? ''), day);
  time.setUTCHours(Number(parts['hour']), Number(parts['minute']), Number(parts['second']));
  const isCalendarDay = day >= 1 && time.getUTCDate() === day;
  const isTimeOfDay =
    Number(parts['hour']) < 24 && Number(parts['minute']) < 60 && Number(parts['second']) <= 60;
  return isCalendarDay && isTimeOfDay ? time.getTime() : null;
}

/** RFC 9110: a two-digit year that seems more than 50 years ahead means the past one with the same digits. */
function toFullYear(digits: string, now: Date): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = now.getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
