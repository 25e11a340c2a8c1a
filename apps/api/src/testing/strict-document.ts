/**
 * The API reference as tests read it. Stricter than its readers need be: an object must not have a property that
 * the reference does not know, or the reference would fall behind unnoticed.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Read as if every value were an object; what is none has no properties. */
export type Json = { readonly [key: string]: Json | undefined };

export interface Located {
  readonly value: Json;
  /** RFC 6901 */
  readonly pointer: string;
}

export interface StrictDocument {
  /** What is at this path of keys, through a reference; null when there is nothing. */
  find(...keys: readonly string[]): Located | null;
  /** What is wrong with a value by the schema at this pointer; null when nothing is. */
  findFault(pointer: string, value: unknown): string | null;
}

export function toStrictDocument(document: object): StrictDocument {
  const closed = close(document) as Json;
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateSchema: false });
  addFormats.default(ajv);
  ajv.addSchema(closed, 'document');
  const validators = new Map<string, ValidateFunction>();

  function validatorAt(pointer: string): ValidateFunction {
    const known = validators.get(pointer);
    if (known !== undefined) return known;
    const made = ajv.compile({ $ref: `document#${encodeURI(pointer)}` });
    validators.set(pointer, made);
    return made;
  }

  function find(keys: readonly string[]): Located | null {
    const value = keys.reduce<Json | undefined>((at, key) => at?.[key], closed);
    if (value === undefined) return null;
    const reference: unknown = value['$ref'];
    if (typeof reference === 'string') return find(reference.split('/').slice(1).map(unescape));
    return { value, pointer: toPointer('', ...keys) };
  }

  return {
    find: (...keys) => find(keys),
    findFault(pointer, value) {
      const validate = validatorAt(pointer);
      return validate(value) ? null : ajv.errorsText(validate.errors, { dataVar: 'it' });
    },
  };
}

/** A pointer to what is below another one. */
export function toPointer(above: string, ...keys: readonly string[]): string {
  return [above, ...keys.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1'))].join('/');
}

function unescape(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** No object has other properties than those that are named, unless it says so. */
function close(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(close);
  const closed = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, close(each)]));
  const isOpen = closed['type'] === 'object' && closed['properties'] !== undefined;
  return isOpen ? { additionalProperties: false, ...closed } : closed;
}
