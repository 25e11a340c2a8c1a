import { BlockList, isIP } from 'node:net';
import type { EnvironmentReader } from './environment-reader.ts';
import { splitList } from './environment-reader.ts';

/** Comma-separated CIDRs (`10.0.0.0/8`, `fd00::/8`); `none` for an empty list. */
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
  return networks;
}

/** Whether a text is an IPv4 or IPv6 network in CIDR form. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix) || address.includes('%')) return false;
  try {
    new BlockList().addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}
