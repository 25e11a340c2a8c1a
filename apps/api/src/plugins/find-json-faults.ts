/**
 * What a parsed JSON document may not hold, wherever it sits: these would pass every schema and fail later,
 * in PostgreSQL (NUL, lone surrogates), in arithmetic (1e309 parses to Infinity) or in a recursive function
 * (deep nesting). Iterative, because `JSON.parse` accepts documents deeper than any stack.
 */

const MAX_DEPTH = 32;
const MAX_FAULTS = 20;
const MAX_PATH_LENGTH = 200;

interface Container {
  readonly value: Readonly<Record<string, unknown>>;
  readonly parent: Container | null;
  /** Key in the parent; empty for the document itself. */
  readonly key: string;
  readonly depth: number;
}

/** @returns one `<field path> <rule>` per fault, at most 20; empty when the document is fine */
export function findJsonFaults(document: object): string[] {
  const faults: string[] = [];
  const open: Container[] = [{ value: document as Record<string, unknown>, parent: null, key: '', depth: 1 }];
  for (let container = open.pop(); container !== undefined; container = open.pop()) {
    for (const [key, value] of Object.entries(container.value)) {
      const fault = findKeyFault(key) ?? findValueFault(value);
      if (fault !== null) faults.push(`${toPath(container, key)} ${fault}`);
      if (typeof value !== 'object' || value === null) continue;
      if (container.depth === MAX_DEPTH) return [`body must not be nested deeper than ${MAX_DEPTH} levels`];
      open.push({
        value: value as Record<string, unknown>,
        parent: container,
        key,
        depth: container.depth + 1,
      });
    }
    if (faults.length >= MAX_FAULTS) break;
  }
  return faults.slice(0, MAX_FAULTS);
}

/** Why PostgreSQL could not store a text, or null when it can. */
export function findTextFault(text: string): string | null {
  if (text.includes('\0')) return 'must not contain NUL characters';
  if (!text.isWellFormed()) return 'must be well-formed Unicode, without lone surrogates';
  return null;
}

function findKeyFault(key: string): string | null {
  if (key === '__proto__') return 'is not an allowed field name';
  const fault = findTextFault(key);
  return fault === null ? null : `is a field name that ${fault}`;
}

function findValueFault(value: unknown): string | null {
  if (typeof value === 'string') return findTextFault(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return 'must be a finite number';
  return null;
}

/** `metadata.tags[3].note`, cut where it would be longer than a person reads. */
function toPath(container: Container, key: string): string {
  const isItem = Array.isArray(container.value);
  const path =
    container.parent === null
      ? key
      : `${toPath(container.parent, container.key)}${isItem ? `[${key}]` : `.${key}`}`;
  return path.length <= MAX_PATH_LENGTH ? path : `${path.slice(0, MAX_PATH_LENGTH)}…`;
}
