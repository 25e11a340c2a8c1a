import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { Settings } from 'typebox/system';
import { describeRule, type SchemaKeywords } from './describe-rule.ts';

/** TypeBox stops at 8 faults by default; a caller wants them all. Bounded, because items come by the hundred. */
const MAX_FAULTS = 100;
Settings.Set({ maxErrors: MAX_FAULTS });

interface Fault {
  readonly path: string;
  readonly isMissing: boolean;
  readonly sentence: string;
}

/**
 * Compiles a schema to a function that lists what is wrong with a value: one `<field path> <rule>` per field,
 * missing fields first and always as `<path> is required`; empty when the value fits. A required field that
 * is null, or a required text that is empty or blank, counts as missing.
 *
 * @param whole what the value is called when it is wrong as a whole, e.g. `body`
 */
export function compileFaultFinder(schema: TSchema, whole: string): (value: unknown) => string[] {
  const validator = Compile(schema);
  const keywords = schema as SchemaKeywords;
  return (value) => {
    if (validator.Check(value)) return [];
    const faults = new Map<string, Fault>();
    for (const fault of validator.Errors(value).flatMap((error) => toFaults(error, keywords, value, whole))) {
      if (!faults.has(fault.path)) faults.set(fault.path, fault);
    }
    const inOrder = [...faults.values()];
    return [
      ...inOrder.filter(({ isMissing }) => isMissing),
      ...inOrder.filter(({ isMissing }) => !isMissing),
    ].map(({ sentence }) => sentence);
  };
}

function toFaults(
  error: TLocalizedValidationError,
  schema: SchemaKeywords,
  value: unknown,
  whole: string,
): Fault[] {
  const keys = toKeys(error.instancePath);
  if (error.keyword === 'required') {
    return error.params.requiredProperties.map((name) => toMissing([...keys, name]));
  }
  if (isImplied(error)) return [];
  const found = follow(schema, value, keys);
  if (found.isRequired && isAbsent(found.value)) return [toMissing(keys)];
  const path = toPath(keys);
  // What the schema does not allow at all: a property it does not know, or an item too many.
  if (error.keyword === 'boolean' && !found.isItem) {
    return [{ path, isMissing: false, sentence: `${path} is not known here` }];
  }
  if (error.keyword === 'boolean') return [toBroken(toPath(keys.slice(0, -1)), found.parent)];
  return [toBroken(path || whole, found.schema)];
}

/** Whether another error says the same better: of a property, or of what an optional value is besides null. */
function isImplied(error: TLocalizedValidationError): boolean {
  if (error.keyword === 'type') return error.params.type === 'null';
  return error.keyword === 'anyOf' || error.keyword === 'additionalProperties';
}

function toMissing(keys: readonly string[]): Fault {
  const path = toPath(keys);
  return { path, isMissing: true, sentence: `${path} is required` };
}

function toBroken(path: string, schema: SchemaKeywords): Fault {
  return { path, isMissing: false, sentence: `${path} ${describeRule(schema)}` };
}

/** The schema and the value at a path, and whether the object there must have it. */
function follow(schema: SchemaKeywords, value: unknown, keys: readonly string[]) {
  let found = { schema, value, parent: schema, isItem: false, isRequired: false };
  for (const key of keys) {
    const parent = withoutNull(found.schema);
    found = {
      schema: parent.properties?.[key] ?? toItemSchema(parent, key) ?? {},
      value: (found.value as Record<string, unknown> | null)?.[key],
      parent,
      isItem: Array.isArray(found.value),
      isRequired: parent.required?.includes(key) ?? false,
    };
  }
  return found;
}

function toItemSchema({ items }: SchemaKeywords, key: string): SchemaKeywords | undefined {
  return isTuple(items) ? items[Number(key)] : items;
}

function isTuple(items: SchemaKeywords['items']): items is readonly SchemaKeywords[] {
  return Array.isArray(items);
}

function withoutNull(schema: SchemaKeywords): SchemaKeywords {
  return schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** The parts of a JSON pointer (RFC 6901). */
function toKeys(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `items[0].title` */
function toPath(keys: readonly string[]): string {
  return keys.map((key, index) => (isIndex(key) ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

function isIndex(key: string | undefined): boolean {
  return key !== undefined && /^\d+$/.test(key);
}
