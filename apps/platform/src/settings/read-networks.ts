import { parseNetworks } from '@vendor-server/domain/endpoints/address-class.ts';
import type { EnvironmentReader } from './environment-reader.ts';
import { splitList } from './environment-reader.ts';

/** Comma-separated CIDRs (`10.0.0.0/8`, `fd00::/8`); `none` for an empty list. An entry that is no network is a fault and left out. */
export function readNetworks(
  reader: EnvironmentReader,
  name: string,
  fallback: readonly string[],
): readonly string[] {
  const value = reader.text(name);
  if (value === null) return fallback;
  if (value === 'none') return [];
  const networks = splitList(value);
  const wrong = networks.filter((network) => !isNetwork(network));
  if (wrong.length > 0) {
    reader.fault(
      `${name} must be "none" or comma-separated CIDRs such as 10.0.0.0/8 or fd00::/8; not one: ${wrong.join(', ')}.`,
    );
  }
  return networks.filter(isNetwork);
}

/** Whether a text is an IPv4 or IPv6 network in CIDR form. */
export function isNetwork(text: string): boolean {
  try {
    parseNetworks([text]);
    return true;
  } catch {
    return false;
  }
}
