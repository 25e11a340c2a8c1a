import type { FastifySchema, RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { AUDIENCES } from './audiences.ts';
import { type DescribedFailure, describeFailures } from './failures.ts';
import type { Audience, ReferenceAnswer, RouteReference } from './route-reference.ts';
import { type JsonSchema, toAnswerSchema, toJsonSchema } from './to-json-schema.ts';

const JSON_TYPE = 'application/json';
const OPERATOR_NAME = 'Who is acting, at most 100 characters: recorded with the change and in the log.';
const REQUEST_ID =
  'The id of the request in the logs: yours, when it matches `[\\w.-]{1,100}`, else a new one.';
/** With every answer to a caller that is known; 0 in the settings turns the limit and these off. */
const RATE_LIMIT_HEADERS = {
  'ratelimit-limit': 'How many requests a minute this caller may make.',
  'ratelimit-remaining': 'How many of them are left in this minute.',
  'ratelimit-reset': 'Seconds until the count starts again.',
};

interface Media {
  readonly schema: JsonSchema;
  readonly examples?: Examples;
}

type Examples = Readonly<Record<string, { readonly value: unknown }>>;

/**
 * A route in the terms of @fastify/swagger: its request schemas and its reference put together. Hidden when it
 * has no reference.
 */
export function describeRoute(route: RouteOptions): FastifySchema {
  const reference = route.config?.reference;
  if (reference === undefined) return { hide: true };
  const { params, querystring, body = reference.body } = (route.schema ?? {}) as Record<string, TSchema>;
  const headers = headersOf(reference);
  return {
    operationId: reference.operationId,
    summary: reference.summary,
    ...(reference.description !== undefined && { description: reference.description }),
    tags: [reference.tag],
    security: AUDIENCES[reference.audience].security,
    ...(params !== undefined && { params: toJsonSchema(params) }),
    ...(querystring !== undefined && { querystring: toJsonSchema(querystring) }),
    ...(headers !== null && { headers }),
    ...(body !== undefined && { body: withExamples(toJsonSchema(body), reference.bodyExamples) }),
    response: describeResponses(route, reference),
  };
}

function headersOf({ audience, headers = {} }: RouteReference): JsonSchema | null {
  const all = audience === 'operator' ? { 'x-operator': OPERATOR_NAME, ...headers } : headers;
  return Object.keys(all).length === 0 ? null : { type: 'object', properties: toTexts(all) };
}

function toTexts(meanings: Readonly<Record<string, string>>): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(meanings).map(([name, description]) => [name, { type: 'string', description }]),
  );
}

function withExamples(schema: JsonSchema, examples: Readonly<Record<string, unknown>> = {}): JsonSchema {
  return Object.keys(examples).length === 0 ? schema : { ...schema, 'x-examples': toExamples(examples) };
}

function toExamples(examples: Readonly<Record<string, unknown>>): Examples {
  return Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
}

/** Of each status: its answer, its failures, or for the older failure shapes both. */
function describeResponses(route: RouteOptions, reference: RouteReference): Record<string, object> {
  const failures = describeFailures({
    method: String(route.method),
    url: route.url,
    reference,
    validationSentence: route.config?.validationSentence,
  });
  const statuses = new Set([
    ...Object.keys(reference.answers).map(Number),
    ...failures.map((each) => each.status),
  ]);
  return Object.fromEntries(
    [...statuses]
      .sort((a, b) => a - b)
      .map((status) => [
        status,
        describeResponse(
          reference.audience,
          reference.answers[status],
          failures.find((failure) => failure.status === status),
        ),
      ]),
  );
}

function describeResponse(
  audience: Audience,
  answer: ReferenceAnswer | undefined,
  failure: DescribedFailure | undefined,
): object {
  const content = contentOf(answer, failure);
  const headers = {
    'x-request-id': REQUEST_ID,
    ...(audience === 'anyone' ? {} : RATE_LIMIT_HEADERS),
    ...answer?.headers,
    ...failure?.headers,
  };
  return {
    description: [answer?.description, failure?.description].filter(Boolean).join('\n\n'),
    headers: toTexts(headers),
    // `type: null` is how the plugin is told that there is no body.
    ...(content === null ? { type: 'null' } : { content }),
  };
}

function contentOf(
  answer: ReferenceAnswer | undefined,
  failure: DescribedFailure | undefined,
): Record<string, Media> | null {
  if (answer?.contentType !== undefined) {
    const schema = answer.schema === undefined ? { type: 'string' } : toAnswerSchema(answer.schema);
    return { [answer.contentType]: toMedia(schema, examplesOf(answer)) };
  }
  const schemas = [
    ...(answer?.schema === undefined ? [] : [toAnswerSchema(answer.schema)]),
    ...(failure === undefined ? [] : [failure.schema]),
  ];
  const [schema] = schemas;
  if (schema === undefined) return null;
  const examples = { ...examplesOf(answer), ...failure?.examples };
  return { [JSON_TYPE]: toMedia(schemas.length === 1 ? schema : { anyOf: schemas }, examples) };
}

function toMedia(schema: JsonSchema, examples: Readonly<Record<string, unknown>>): Media {
  return Object.keys(examples).length === 0 ? { schema } : { schema, examples: toExamples(examples) };
}

function examplesOf(answer: ReferenceAnswer | undefined): Readonly<Record<string, unknown>> {
  return { ...answer?.examples, ...(answer?.example === undefined ? {} : { example: answer.example }) };
}
