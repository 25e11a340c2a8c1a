import type { TSchema } from 'typebox';

/** A schema as it stands in the document: JSON Schema 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * A TypeBox schema as JSON Schema 2020-12, as OpenAPI 3.1 has it. What a request schema refines beyond its
 * keywords is said by its `rule`, which becomes the description.
 */
export function toJsonSchema(schema: TSchema): JsonSchema {
  return convert(schema as JsonSchema);
}

/** The same of an answer: its readers take fields that are added later, so none are excluded. */
export function toAnswerSchema(schema: TSchema): JsonSchema {
  return withoutClosing(convert(schema as JsonSchema)) as JsonSchema;
}

function withoutClosing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutClosing);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonSchema).filter(
    ([keyword, each]) => keyword !== 'additionalProperties' || each !== false,
  );
  return Object.fromEntries(entries.map(([keyword, each]) => [keyword, withoutClosing(each)]));
}

function convert(schema: JsonSchema): JsonSchema {
  const converted = Object.fromEntries(
    // TypeBox keeps its own marks in properties that are not enumerable: they stay behind here.
    Object.entries(schema).map(([keyword, value]) => [keyword, convertKeyword(keyword, value)]),
  );
  return withNullAsType(withTypeOfEnum(withAdditionalProperties(withPrefixItems(withRule(converted)))));
}

function convertKeyword(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case 'items':
    case 'anyOf':
    case 'allOf':
    case 'oneOf':
      return Array.isArray(value) ? value.map(convertIfSchema) : convertIfSchema(value);
    case 'additionalProperties':
    case 'not':
      return convertIfSchema(value);
    case 'properties':
    case 'patternProperties':
      return Object.fromEntries(
        Object.entries(value as Record<string, unknown>).map(([name, each]) => [name, convertIfSchema(each)]),
      );
    default:
      return value;
  }
}

function convertIfSchema(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? convert(value as JsonSchema) : value;
}

/** `rule` is read after a field's path ("must be …"); alone it is a sentence. */
function withRule({ rule, ...schema }: JsonSchema): JsonSchema {
  if (typeof rule !== 'string') return schema;
  const sentence = `${rule.charAt(0).toUpperCase()}${rule.slice(1)}.`;
  const said = schema['description'];
  return { ...schema, description: typeof said === 'string' ? `${said} ${sentence}` : sentence };
}

/** A tuple: TypeBox writes it as drafts before 2020-12 did. */
function withPrefixItems(schema: JsonSchema): JsonSchema {
  const { items, additionalItems: _, ...others } = schema;
  if (!Array.isArray(items)) return schema;
  return { ...others, prefixItems: items, minItems: items.length, maxItems: items.length };
}

/** A record of any keys: the one pattern that fits all of them says nothing. */
function withAdditionalProperties(schema: JsonSchema): JsonSchema {
  const { patternProperties, ...others } = schema;
  if (patternProperties === undefined) return schema;
  const patterns = patternProperties as Readonly<Record<string, unknown>>;
  return '^.*$' in patterns ? { ...others, additionalProperties: patterns['^.*$'] } : schema;
}

function withTypeOfEnum(schema: JsonSchema): JsonSchema {
  const values = schema['enum'];
  if (!Array.isArray(values) || schema['type'] !== undefined) return schema;
  return values.every((value) => typeof value === 'string') ? { type: 'string', ...schema } : schema;
}

/** "This or null" in one schema, unless this has a name of its own to be referred to. */
function withNullAsType(schema: JsonSchema): JsonSchema {
  const { anyOf, ...others } = schema;
  const [value, nothing, ...more] = Array.isArray(anyOf) ? (anyOf as JsonSchema[]) : [];
  if (value === undefined || nothing?.['type'] !== 'null' || more.length > 0) return schema;
  if (typeof value['type'] !== 'string' || value['title'] !== undefined) return schema;
  const values = value['enum'];
  return {
    ...value,
    ...others,
    type: [value['type'], 'null'],
    ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}),
  };
}
