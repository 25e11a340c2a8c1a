import { type EnvironmentReader, splitList } from './environment-reader.ts';

/** A token of RFC 9110. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

/**
 * Headers as OpenTelemetry's variables write them: comma-separated `name=value`, values percent-encoded. Empty when
 * unset. A fault never quotes one: they carry credentials.
 */
export function readHeaders(reader: EnvironmentReader, name: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const item of splitList(reader.text(name) ?? '')) {
    const equals = item.indexOf('=');
    const headerName = item.slice(0, Math.max(equals, 0)).trim();
    const value = decode(item.slice(equals + 1).trim());
    if (!HEADER_NAME.test(headerName) || value === null || !HEADER_VALUE.test(value)) {
      reader.fault(`${name} must be comma-separated name=value pairs, values percent-encoded.`);
      return {};
    }
    headers[headerName] = value;
  }
  return headers;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
