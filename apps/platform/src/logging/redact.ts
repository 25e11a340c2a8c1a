export const REDACTED = '[redacted]';

/**
 * Names of fields and headers whose texts never reach a log. By name and not by path, because headers,
 * bodies and errors are logged at any depth.
 */
const SECRET_NAME =
  /secret|password|passwd|authorization|cookie|api[-_]?key|encryption[-_]?key|credential|^token$/i;
/** Deeper values are cut: a log line is no place for them, and a cycle would never end. */
const MAX_DEPTH = 8;

/**
 * A copy of a log record's fields in which values under a secret's name are replaced. Numbers, booleans and
 * null pass under any name (`sendSharedSecret: true` is no secret). Errors are left as they are; the logger's
 * error serializer redacts what it makes of them.
 */
export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return redactFields(fields, 0);
}

/**
 * A text in which the password of every URL is replaced, also where it stands in the query, as PostgreSQL and Redis
 * clients take it. Works on a serialized JSON line too: a match never runs over a quotation mark, which a URL writes
 * as `%22`. A password reaches to the last `@` of its authority, as URL parsers have it.
 */
export function redactUrlPassword(text: string): string {
  if (!text.includes('://')) return text;
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:@/"\\]*):[^\s/?#"\\]+@/gi, `$1:${REDACTED}@`)
    .replace(/([?&](?:ssl)?password=)[^\s&#"\\]+/gi, `$1${REDACTED}`);
}

function redactFields(fields: object, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    result[name] = SECRET_NAME.test(name) && holdsText(value) ? REDACTED : redactValue(value, depth + 1);
  }
  return result;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth > MAX_DEPTH) return '[cut]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  // Dates, URLs and class instances know best how they are written; only plain records are looked into.
  return isPlain(value) ? redactFields(value, depth) : value;
}

function holdsText(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
