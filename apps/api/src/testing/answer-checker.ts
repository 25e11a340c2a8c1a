/**
 * Holds real answers against the API reference. Stricter than its readers need be: an answer must not have a
 * field that the reference does not know, or the reference would fall behind unnoticed.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export interface GivenAnswer {
  readonly method: string;
  /** As it is registered, with `:names`; null when no route was found. */
  readonly route: string | null;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Null for a stream, which is not looked into. */
  readonly body: string | null;
}

export interface AnswerChecker {
  /** What the reference does not say of an answer; empty when it says all of it. */
  findFaults(answer: GivenAnswer): string[];
}

/** Read as if every value were an object; what is none has no properties. */
type Json = { [key: string]: Json | undefined };

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

export function createAnswerChecker(document: object): AnswerChecker {
  const closed = close(document) as Json;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  addFormats.default(ajv);
  ajv.addSchema(closed, 'document');
  const validators = new Map<string, ValidateFunction>();

  function validatorAt(pointer: string): ValidateFunction {
    const known = validators.get(pointer);
    if (known !== undefined) return known;
    const made = ajv.compile({ $ref: `document#${pointer}` });
    validators.set(pointer, made);
    return made;
  }

  function findFaults(answer: GivenAnswer): string[] {
    if (answer.route === null) return [];
    const path = answer.route.replaceAll(/:(\w+)/g, '{$1}');
    const operation = closed['paths']?.[path]?.[answer.method.toLowerCase()];
    if (operation === undefined) return ['the route is not in the reference'];
    const found = follow(
      closed,
      `/paths/${escape(path)}/${answer.method.toLowerCase()}/responses/${answer.status}`,
    );
    if (found === null) return [`the status ${answer.status} is not documented`];
    return [...findHeaderFaults(found.value, answer), ...findBodyFaults(found, answer)];
  }

  function findBodyFaults({ value, pointer }: Found, { headers, body }: GivenAnswer): string[] {
    const given = headers['content-type'];
    const type = typeof given === 'string' ? given.split(';')[0]! : '';
    if (value['content'] === undefined) return body === '' ? [] : ['a body is not documented'];
    const schema = value['content'][type]?.['schema'];
    if (schema === undefined) return [`the content type "${type}" is not documented`];
    if (body === null || type !== 'application/json') return [];
    const validate = validatorAt(`${pointer}/content/${escape(type)}/schema`);
    if (validate(JSON.parse(body))) return [];
    return [`${ajv.errorsText(validate.errors, { dataVar: 'body' })}: ${body.slice(0, 2_000)}`];
  }

  return { findFaults };
}

function findHeaderFaults(response: Json, { headers }: GivenAnswer): string[] {
  const documented = new Set(Object.keys(response['headers'] ?? {}));
  const unknown = SPOKEN_HEADERS.filter((name) => headers[name] !== undefined && !documented.has(name));
  return [
    ...unknown.map((name) => `the header ${name} is not documented`),
    ...(headers['x-request-id'] === undefined ? ['x-request-id is missing'] : []),
  ];
}

type Found = { value: Json; pointer: string };

/** The object at a JSON pointer, through one reference; null when there is none. */
function follow(document: Json, pointer: string): Found | null {
  const value = pointer
    .split('/')
    .slice(1)
    .reduce<Json | undefined>((at, key) => at?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  if (value === undefined) return null;
  const reference: unknown = value['$ref'];
  return typeof reference === 'string' ? follow(document, reference.slice(1)) : { value, pointer };
}

function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** No object has other properties than those that are named, unless it says so. */
function close(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(close);
  const closed = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, close(each)]));
  const isOpen = closed['type'] === 'object' && closed['properties'] !== undefined;
  return isOpen ? { additionalProperties: false, ...closed } : closed;
}
