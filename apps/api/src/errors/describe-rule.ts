/** The keywords of JSON Schema that request schemas use, and `rule`, which says the sentence itself. */
export interface SchemaKeywords {
  readonly rule?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaKeywords[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaKeywords>>;
  readonly items?: SchemaKeywords | readonly SchemaKeywords[];
}

/** What a schema asks of a value, to be read after the value's path: "must be a number between -90 and 90". */
export function describeRule(schema: SchemaKeywords): string {
  if (schema.rule !== undefined) return schema.rule;
  if (schema.enum !== undefined) return `must be one of [${schema.enum.join(', ')}]`;
  const alternative = schema.anyOf?.find(({ type }) => type !== 'null');
  if (alternative !== undefined) return describeRule(alternative);
  switch (schema.type) {
    case 'number':
      return `must be a number${describeRange(schema.minimum, schema.maximum)}`;
    case 'integer':
      return `must be an integer${describeRange(schema.minimum, schema.maximum)}`;
    case 'string':
      return `must be a string${describeCount(schema.minLength, schema.maxLength, 'characters')}`;
    case 'array':
      return `must be an array${describeCount(schema.minItems, schema.maxItems, 'items')}`;
    case 'object':
      return 'must be an object';
    case 'boolean':
      return 'must be true or false';
    default:
      return 'is not valid';
  }
}

function describeRange(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return ` between ${minimum} and ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum === undefined ? '' : ` of at most ${maximum}`;
}

function describeCount(minimum = 0, maximum: number | undefined, unit: string): string {
  if (maximum === undefined) return minimum === 0 ? '' : ` of at least ${minimum} ${unit}`;
  if (minimum === maximum) return ` of ${minimum} ${unit}`;
  return minimum === 0 ? ` of at most ${maximum} ${unit}` : ` of ${minimum} to ${maximum} ${unit}`;
}
