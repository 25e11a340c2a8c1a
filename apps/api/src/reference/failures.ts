/**
 * The failures of a route, from the error codes: those that any route can answer, those that follow from its
 * caller, path and method, and its own.
 */
import { ERROR_CODES, type ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import Type from 'typebox';
import { AUDIENCES } from './audiences.ts';
import type { Audience, RouteReference } from './route-reference.ts';
import { type JsonSchema, toJsonSchema } from './to-json-schema.ts';

const OF_EVERY_ROUTE = [
  'invalid_request',
  'validation_failed',
  'request_timeout',
  'expectation_failed',
  'headers_too_large',
  'internal_error',
] as const satisfies ErrorCode[];
const OF_CREDENTIALS = [
  'unauthorized',
  'rate_limited',
  'database_unavailable',
  'overloaded',
] as const satisfies ErrorCode[];
const OF_BODIES = [
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
] as const satisfies ErrorCode[];
const OF_IDS_IN_PATHS = ['not_found'] as const satisfies ErrorCode[];

/** Where the code's own sentence is replaced by a more exact one. */
const EXAMPLE_SENTENCES: Readonly<Partial<Record<ErrorCode, string>>> = {
  order_transition_not_allowed: 'An order with the status "completed" cannot change to "cancelled".',
};

const EXAMPLE_REQUEST_ID = '6925f3c0a1b2c3d4e5f60718';
const EXAMPLE_DETAILS = ['limit must be an integer between 1 and 200'];

export interface DescribedRoute {
  readonly method: string;
  /** As it is registered, with `:names`. */
  readonly url: string;
  readonly reference: RouteReference;
  /** See the route's config. */
  readonly validationSentence?: string | undefined;
}

/** One HTTP status of a route's failures. */
export interface DescribedFailure {
  readonly status: number;
  readonly codes: readonly ErrorCode[];
  readonly description: string;
  readonly schema: JsonSchema;
  /** Name to body; one per code at least. */
  readonly examples: Readonly<Record<string, unknown>>;
  /** Name to meaning. */
  readonly headers: Readonly<Record<string, string>>;
}

/** By HTTP status, in ascending order. */
export function describeFailures(route: DescribedRoute): DescribedFailure[] {
  const codes = codesOf(route);
  const statuses = [...new Set(codes.map((code) => ERROR_CODES[code].status))].sort((a, b) => a - b);
  return statuses.map((status) =>
    describeFailure(
      route,
      status,
      codes.filter((code) => ERROR_CODES[code].status === status),
    ),
  );
}

/** In the order of `ERROR_CODES`, each once. */
function codesOf({ method, url, reference }: DescribedRoute): ErrorCode[] {
  const codes = new Set<ErrorCode>([
    ...OF_EVERY_ROUTE,
    ...(reference.audience === 'anyone' ? [] : OF_CREDENTIALS),
    ...(method === 'GET' ? [] : OF_BODIES),
    ...(url.includes(':') ? OF_IDS_IN_PATHS : []),
    ...(reference.errors ?? []),
  ]);
  return (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => codes.has(code));
}

function describeFailure(
  route: DescribedRoute,
  status: number,
  codes: readonly ErrorCode[],
): DescribedFailure {
  return {
    status,
    codes,
    description: codes.map((code) => `\`${code}\`: ${ERROR_CODES[code].message}`).join('\n\n'),
    schema: toFailureSchema(codes),
    examples: Object.fromEntries(codes.flatMap((code) => toExamples(route, code))),
    headers: headersOf(route.reference.audience, status),
  };
}

/** The body of a failure with one of these codes. */
export function toFailureSchema(codes: readonly ErrorCode[]): JsonSchema {
  return toJsonSchema(
    Type.Object({
      ok: Type.Literal(false),
      error: Type.String({ description: 'A sentence a person can act on.' }),
      code: Type.Enum([...codes], { description: 'Stable: decide by this.' }),
      details: Type.Optional(
        Type.Array(Type.String(), { description: 'One `<field path> <rule>` per fault.' }),
      ),
      ...(codes.includes('cursor_expired') && {
        oldestCursor: Type.String({
          description: 'Where the feed is complete from: the `after` to go on with.',
        }),
      }),
      requestId: Type.String({ description: 'As in `x-request-id`: what to name when asking about it.' }),
    }),
  );
}

function toExamples(route: DescribedRoute, code: ErrorCode): [string, unknown][] {
  if (code === 'unauthorized') {
    const texts = Object.entries(AUDIENCES[route.reference.audience].unauthorized);
    return texts.map(([name, text]) => [`${code}: ${name}`, toExample(code, text)]);
  }
  if (code === 'validation_failed') {
    const details = route.reference.validationExample ?? EXAMPLE_DETAILS;
    const sentence = route.validationSentence ?? ERROR_CODES[code].message;
    return [[code, toExample(code, sentence, details)]];
  }
  const example = toExample(code, EXAMPLE_SENTENCES[code] ?? ERROR_CODES[code].message);
  return [[code, code === 'cursor_expired' ? { ...example, oldestCursor: 'ZjE3' } : example]];
}

function toExample(code: ErrorCode, error: string, details?: readonly string[]) {
  return {
    ok: false,
    error,
    code,
    ...(details === undefined ? {} : { details }),
    requestId: EXAMPLE_REQUEST_ID,
  };
}

function headersOf(audience: Audience, status: number): Record<string, string> {
  const { challenge } = AUDIENCES[audience];
  switch (status) {
    case 401:
      return challenge === undefined
        ? {}
        : { 'www-authenticate': `The credential it takes: \`${challenge}\`.` };
    case 409:
      return { 'retry-after': 'With `idempotency_in_progress`: seconds after which to try again.' };
    case 429:
    case 503:
      return { 'retry-after': 'Seconds after which to try again.' };
    default:
      return {};
  }
}
