/** What no reader of a route's reference would miss at once: that it is there, and that its examples hold. */
import { ERROR_CODES } from '@vendor-server/domain/errors/error-codes.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { RouteOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { REFERENCE_TAGS } from './route-reference.ts';
import { TAG_GROUPS } from './tags.ts';

interface Operation {
  readonly operationId: string;
  readonly security: Record<string, unknown>[];
}

interface Document {
  readonly info: { readonly description: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly securitySchemes: object;
    readonly schemas: Record<string, { readonly properties?: Record<string, object> }>;
  };
}

interface Media {
  readonly schema: object;
  readonly examples?: Record<string, { readonly value: unknown }>;
}

let api: TestApi;
const routes: RouteOptions[] = [];
let document: Document;

beforeAll(async () => {
  api = await createTestApi();
  api.app.addHook('onRoute', (route) => void routes.push(route));
  await api.app.ready();
  document = JSON.parse((await api.app.inject({ url: '/openapi.json' })).body);
});
afterAll(() => api.close());

function operations(): Operation[] {
  return Object.values(document.paths).flatMap((path) => Object.values(path));
}

describe('every route', () => {
  it('has a reference, but for pages that are no API', () => {
    const undocumented = routes
      .filter(({ method, config }) => method !== 'HEAD' && config?.reference === undefined)
      .map(({ method, url }) => `${String(method)} ${url}`)
      .filter((route) => !/^\S+ \/(docs|admin\/queues)(\/|$)/.test(route));
    expect(undocumented).toEqual([]);
    expect(operations().length).toBeGreaterThan(30);
  });

  it('has an operationId of its own', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  });

  it('says who may call it', () => {
    const schemes = Object.keys(document.components.securitySchemes);
    for (const { operationId, security } of operations()) {
      expect(security, operationId).toBeInstanceOf(Array);
      expect(schemes).toEqual(expect.arrayContaining(security.flatMap((each) => Object.keys(each))));
    }
  });
});

describe('every error code', () => {
  it('is in the guide', () => {
    for (const code of Object.keys(ERROR_CODES)) {
      expect(document.info.description).toContain(`\`${code}\``);
    }
  });

  it('is answered by an operation', () => {
    // No operation has another method than its own; partners are told of other vendors in a sentence, with 200;
    // the board of the queues is no API.
    const notAnswered = ['method_not_allowed', 'order_held_by_another_vendor', 'queue_unavailable'];
    const text = JSON.stringify({ ...document, info: null });
    expect(
      Object.keys(ERROR_CODES)
        .filter((code) => !text.includes(`"${code}"`))
        .sort(),
    ).toEqual(notAnswered);
  });
});

describe('chapters', () => {
  it('are in one group each', () => {
    expect(TAG_GROUPS.flatMap(({ tags }) => tags).sort()).toEqual([...REFERENCE_TAGS].sort());
  });
});

it('says what each field of an endpoint means', () => {
  const ofEndpoints = Object.entries(document.components.schemas).filter(([name]) =>
    name.includes('Endpoint'),
  );
  expect(ofEndpoints.map(([name]) => name)).toContain('EndpointHealth');
  const unexplained = ofEndpoints.flatMap(([name, { properties = {} }]) =>
    Object.entries(properties)
      .filter(([, field]) => !('description' in field) && !('$ref' in field))
      .map(([field]) => `${name}.${field}`),
  );
  expect(unexplained).toEqual([]);
});

describe('schemas and examples', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);

  /** Every place that has a schema and examples of it, with its JSON pointer. */
  function findMedia(value: unknown, pointer: string): { pointer: string; media: Media }[] {
    if (typeof value !== 'object' || value === null) return [];
    const here = 'schema' in value && !('in' in value) ? [{ pointer, media: value as unknown as Media }] : [];
    const below = Object.entries(value).flatMap(([key, each]) =>
      key === 'schema' || key === 'examples'
        ? []
        : findMedia(each, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
    );
    return [...here, ...below];
  }

  it('are valid JSON Schema 2020-12, and the examples fit them', () => {
    ajv.addSchema(document, 'document', undefined, false);
    const media = findMedia(document, '').filter(({ pointer }) => pointer.includes('/content/'));
    const faults = media.flatMap(({ pointer, media: { schema, examples = {} } }) => {
      expect(ajv.validateSchema(schema), `${pointer}: ${ajv.errorsText()}`).toBe(true);
      const validate = ajv.compile({ $ref: `document#${encodeURI(pointer)}/schema` });
      return Object.entries(examples).flatMap(([name, { value }]) =>
        validate(value) ? [] : [`${pointer} "${name}": ${ajv.errorsText(validate.errors)}`],
      );
    });
    expect(faults).toEqual([]);
  });

  it('have a name where several operations answer with them, for those who generate a client', () => {
    const answered = findMedia(document.paths, '')
      .filter(({ pointer }) => /\/responses\/2\d\d\/content\//.test(pointer))
      .flatMap(({ media: { schema } }) => {
        const { data } = (schema as { properties?: { data?: { items?: object } } }).properties ?? {};
        return data === undefined ? [] : [JSON.stringify(data.items ?? data)];
      });
    const isNamed = (schema: string) => schema.startsWith('{"$ref":"#/components/schemas/');
    expect(answered.filter(isNamed).length).toBeGreaterThan(40);
    expect(answered.filter((each, index) => !isNamed(each) && answered.indexOf(each) !== index)).toEqual([]);
  });

  it('are there for every body', () => {
    const media = findMedia(document, '').filter(({ pointer }) => pointer.includes('/content/'));
    expect(media.length).toBeGreaterThan(80);
    const without = media.filter(({ media: { examples = {} } }) => Object.keys(examples).length === 0);
    expect(without.map(({ pointer }) => pointer)).toEqual([]);
  });
});
