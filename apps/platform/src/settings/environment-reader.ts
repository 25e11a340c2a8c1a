/**
 * Reads variables one by one and collects what is wrong with them, so that an operator mends them all at
 * once. A faulty variable reads as its fallback; the caller throws afterwards if there are `faults`.
 * An empty value counts as unset: that is what `VARIABLE=` in a compose file means.
 *
 * Values are quoted in a fault only by readers whose variables never hold a secret.
 */
export class EnvironmentReader {
  readonly faults: string[] = [];
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  fault(message: string): void {
    this.faults.push(message);
  }

  /** The trimmed value, or null when unset or blank. */
  text(name: string): string | null {
    return this.#environment[name]?.trim() || null;
  }

  integer(name: string, fallback: number, range: { min: number; max: number }): number {
    const value = this.text(name);
    if (value === null) return fallback;
    const number = parseInteger(value, range);
    if (number !== null) return number;
    this.fault(`${name} must be an integer from ${range.min} to ${range.max}, not "${value}".`);
    return fallback;
  }

  /** As `integer`, where unset or `off` means null. */
  optionalInteger(name: string, range: { min: number; max: number }): number | null {
    const value = this.text(name);
    if (value === null || value === 'off') return null;
    const number = parseInteger(value, range);
    if (number === null) {
      this.fault(`${name} must be "off" or an integer from ${range.min} to ${range.max}, not "${value}".`);
    }
    return number;
  }

  /** Comma-separated integers. */
  integers(
    name: string,
    fallback: readonly number[],
    range: { min: number; max: number; maxCount: number },
  ): readonly number[] {
    const value = this.text(name);
    if (value === null) return fallback;
    const numbers = splitList(value).map((item) => parseInteger(item, range));
    if (numbers.length <= range.maxCount && numbers.every((number) => number !== null)) return numbers;
    this.fault(
      `${name} must be 1 to ${range.maxCount} comma-separated integers from ${range.min} to ${range.max}, not "${value}".`,
    );
    return fallback;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.text(name);
    if (value === null) return fallback;
    const parsed = parseBoolean(value);
    if (parsed !== null) return parsed;
    this.fault(`${name} must be true or false (1, 0, on, off, yes and no are understood), not "${value}".`);
    return fallback;
  }

  oneOf<const Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const value = this.text(name);
    if (value === null) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    this.fault(`${name} must be one of ${choices.join(', ')}, not "${value}".`);
    return fallback;
  }

  /** A URL of one of the schemes (without colon). The value may hold a password and is never quoted. */
  url(name: string, schemes: readonly string[]): string | null {
    const value = this.text(name);
    if (value === null) return null;
    const url = URL.parse(value);
    if (url && schemes.includes(url.protocol.slice(0, -1))) return value;
    const forms = schemes.map((scheme) => `${scheme}://…`).join(' or ');
    this.fault(`${name} must be a URL of the form ${forms}.`);
    return null;
  }
}

/** The non-empty, trimmed parts of a comma-separated value. */
export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** What a person may write for true and false; null for anything else. */
export function parseBoolean(value: string): boolean | null {
  const word = value.toLowerCase();
  if (['true', '1', 'on', 'yes'].includes(word)) return true;
  if (['false', '0', 'off', 'no'].includes(word)) return false;
  return null;
}

function parseInteger(value: string, range: { min: number; max: number }): number | null {
  if (!/^\d{1,15}$/.test(value)) return null;
  const number = Number(value);
  return number >= range.min && number <= range.max ? number : null;
}
