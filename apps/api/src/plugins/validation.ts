import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import fp from 'fastify-plugin';
import Type, { type TSchema } from 'typebox';
import { ApiError } from '../errors/api-error.ts';
import type { SchemaKeywords } from '../errors/describe-rule.ts';
import { compileFaultFinder } from '../errors/find-faults.ts';
import { findTextFault } from './find-json-faults.ts';

const NO_QUERY = Type.Object({}, { additionalProperties: false });

/**
 * Validates requests against their TypeBox schemas. A path parameter that cannot be an id names nothing: 404.
 * Query values are text, so digits become numbers where the schema says so; bodies are taken as they are.
 * Query parameters that a route does not know are refused, also where it knows none.
 */
export const validation = fp(async (app: FastifyInstance) => {
  app.setValidatorCompiler(compileValidator);
  app.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, querystring: route.schema?.querystring ?? NO_QUERY };
  });
});

const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  switch (httpPart) {
    case 'params':
      return compileParamsValidator(schema);
    case 'querystring':
      return compileQueryValidator(schema);
    default:
      return compileBodyValidator(schema);
  }
};

function compileParamsValidator(schema: TSchema) {
  const findFaults = compileFaultFinder(schema, 'path');
  return (value: unknown) =>
    findFaults(value).length === 0 ? { value } : { error: new ApiError('not_found') };
}

function compileBodyValidator(schema: TSchema) {
  const findFaults = compileFaultFinder(schema, 'body');
  return (value: unknown) => {
    // Without a body there are no fields; Fastify passes null.
    const body = value ?? {};
    const details = findFaults(body);
    return details.length === 0 ? { value: body } : { error: new ApiError('validation_failed', { details }) };
  };
}

function compileQueryValidator(schema: TSchema) {
  const findFaults = compileFaultFinder(schema, 'query');
  const properties = (schema as SchemaKeywords).properties ?? {};
  return (value: unknown) => {
    const query = toTypedQuery(properties, value as Record<string, string | string[]>);
    const details = [...findTextFaults(query), ...findFaults(query)];
    return details.length === 0
      ? { value: query }
      : { error: new ApiError('validation_failed', { details }) };
  };
}

function toTypedQuery(
  properties: Readonly<Record<string, SchemaKeywords>>,
  query: Readonly<Record<string, string | string[]>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const isInteger = properties[name]?.type === 'integer' && typeof value === 'string';
      return [name, isInteger && /^\d{1,15}$/.test(value) ? Number(value) : value];
    }),
  );
}

function findTextFaults(query: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(query).flatMap(([name, value]) => {
    const fault = typeof value === 'string' ? findTextFault(value) : null;
    return fault === null ? [] : [`${name} ${fault}`];
  });
}
