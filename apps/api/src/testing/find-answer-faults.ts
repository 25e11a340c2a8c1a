import { type Located, type StrictDocument, toPointer } from './strict-document.ts';

export interface GivenAnswer {
  readonly method: string;
  /** As it is registered, with `:names`. */
  readonly route: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Null for a stream, which is not looked into. */
  readonly body: string | null;
}

/** Headers that mean something to a caller; the others are HTTP's own or protect browsers. */
const SPOKEN_HEADERS = [
  'allow',
  'etag',
  'idempotency-replayed',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'www-authenticate',
];

/** What the API reference does not say of an answer; empty when it says all of it. */
export function findAnswerFaults(document: StrictDocument, answer: GivenAnswer): string[] {
  const path = answer.route.replaceAll(/:(\w+)/g, '{$1}');
  const operation = ['paths', path, answer.method.toLowerCase()];
  if (document.find(...operation) === null) return ['the route is not in the reference'];
  const response = document.find(...operation, 'responses', String(answer.status));
  if (response === null) return [`the status ${answer.status} is not documented`];
  return [...findHeaderFaults(response, answer), ...findBodyFaults(document, response, answer)];
}

function findHeaderFaults({ value }: Located, { headers }: GivenAnswer): string[] {
  const documented = new Set(Object.keys(value['headers'] ?? {}));
  const unknown = SPOKEN_HEADERS.filter((name) => headers[name] !== undefined && !documented.has(name));
  return [
    ...unknown.map((name) => `the header ${name} is not documented`),
    ...(headers['x-request-id'] === undefined ? ['x-request-id is missing'] : []),
  ];
}

function findBodyFaults(
  document: StrictDocument,
  { value, pointer }: Located,
  { headers, body }: GivenAnswer,
): string[] {
  const given = headers['content-type'];
  const type = typeof given === 'string' ? toMediaType(given) : '';
  if (value['content'] === undefined) return body === '' ? [] : ['a body is not documented'];
  const documented = Object.keys(value['content']).find((each) => toMediaType(each) === type);
  if (documented === undefined) return [`the content type "${type}" is not documented`];
  if (body === null || type !== 'application/json') return [];
  const fault = document.findFault(toPointer(pointer, 'content', documented, 'schema'), JSON.parse(body));
  return fault === null ? [] : [`${fault}: ${body.slice(0, 2_000)}`];
}

/** Without its parameters. */
function toMediaType(contentType: string): string {
  return contentType.split(';')[0]!.trim();
}
