/**
 * Makes the document that @fastify/swagger builds shorter and more exact: what is said in many places is said
 * once under `components` and referred to, and a body whose fields are all optional may be left out.
 */
import type { JsonSchema } from './to-json-schema.ts';

type Json = JsonSchema;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** @param document an OpenAPI 3.1 document; not changed */
export function tidyDocument(document: Json): Json {
  const schemas = new Map<string, Json>();
  const paths = mapValues(document['paths'] as Json, (path) =>
    mapValues(path as Json, (operation) => hoistSchemas(withOptionalBody(operation as Json), schemas)),
  );
  const webhooks = hoistSchemas(document['webhooks'] ?? {}, schemas);
  const { shared, ...rest } = shareResponses({ paths, webhooks });
  return {
    ...document,
    ...rest,
    components: {
      ...(document['components'] as Json),
      schemas: sortedObject(schemas),
      responses: sortedObject(shared),
    },
  };
}

/** An empty body means no fields, so it is needed only where a field is. */
function withOptionalBody(operation: Json): Json {
  const body = operation['requestBody'] as Json | undefined;
  if (body === undefined) return operation;
  const [media] = Object.values(body['content'] as Json) as Json[];
  return { ...operation, requestBody: { ...body, required: needsFields(media?.['schema'] as Json) } };
}

function needsFields({ required, anyOf }: Json): boolean {
  if (Array.isArray(anyOf)) return (anyOf as Json[]).every(needsFields);
  return Array.isArray(required) && required.length > 0;
}

/** Puts every schema with a title under `components/schemas` and a reference in its place. */
function hoistSchemas(value: unknown, schemas: Map<string, Json>): unknown {
  if (Array.isArray(value)) return value.map((each) => hoistSchemas(each, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const hoisted = mapValues(value as Json, (each, key) =>
    key === 'example' || key === 'examples' ? each : hoistSchemas(each, schemas),
  );
  const { title } = hoisted;
  if (typeof title !== 'string' || hoisted['type'] === undefined) return hoisted;
  const known = schemas.get(title);
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(hoisted)) {
    throw new Error(`two schemas of the API reference are called ${title}`);
  }
  schemas.set(title, hoisted);
  return { $ref: `#/components/schemas/${title}` };
}

/** Failures that several operations answer alike become one response, named by its codes. */
function shareResponses({ paths, webhooks }: { paths: Json; webhooks: unknown }) {
  const counts = new Map<string, number>();
  forEachResponse(paths, (response) => {
    const text = JSON.stringify(response);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  });
  const names = new Map<string, string>();
  const shared = new Map<string, Json>();
  const toReference = (response: Json): Json => {
    const text = JSON.stringify(response);
    const codes = codesOf(response);
    if (codes === null || (counts.get(text) ?? 0) < 2) return response;
    const name = names.get(text) ?? freeName(codes.join('.'), shared);
    names.set(text, name);
    shared.set(name, response);
    return { $ref: `#/components/responses/${name}` };
  };
  return { paths: mapResponses(paths, toReference), webhooks, shared };
}

function freeName(name: string, taken: ReadonlyMap<string, unknown>, number = 1): string {
  const candidate = number === 1 ? name : `${name}-${number}`;
  return taken.has(candidate) ? freeName(name, taken, number + 1) : candidate;
}

/** The error codes of a response that is nothing but a failure. */
function codesOf(response: Json): string[] | null {
  const content = response['content'] as Record<string, Json> | undefined;
  const schema = content?.['application/json']?.['schema'] as Json | undefined;
  const code = (schema?.['properties'] as Record<string, Json> | undefined)?.['code'];
  return Array.isArray(code?.['enum']) ? (code['enum'] as string[]) : null;
}

function forEachResponse(paths: Json, visit: (response: Json) => void): void {
  mapResponses(paths, (response) => {
    visit(response);
    return response;
  });
}

function mapResponses(paths: Json, map: (response: Json) => Json): Json {
  return mapValues(paths, (path) =>
    mapValues(path as Json, (operation, method) =>
      METHODS.includes(method)
        ? {
            ...(operation as Json),
            responses: mapValues((operation as Json)['responses'] as Json, (response) =>
              map(response as Json),
            ),
          }
        : operation,
    ),
  );
}

function mapValues(object: Json, map: (value: unknown, key: string) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

function sortedObject(entries: ReadonlyMap<string, unknown>): Json {
  return Object.fromEntries([...entries].sort(([left], [right]) => (left < right ? -1 : 1)));
}
