import { isAllowedAddress, isInNetworks, parseNetworks } from './address-class.ts';

const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * Refuses what is known to be out of reach without asking anybody: an address literal that webhooks may not
 * reach, and `localhost` (RFC 6761 section 6.3) where no loopback address is allowed. Other names are judged
 * when an attempt connects, because where they lead may change.
 *
 * @param url as parsed, which brings every spelling of an IPv4 address into its usual one
 * @param allowedNetworks CIDRs that webhooks may reach besides public addresses
 */
export function isReachableHost(url: URL, allowedNetworks: readonly string[]): boolean {
  const networks = parseNetworks(allowedNetworks);
  return knownAddressesOf(url)?.some((address) => isAllowedAddress(address, networks)) ?? true;
}

/**
 * True when the host is known, without asking anybody, to lie in one of the allowed networks: whoever opened that
 * network opened it with its ports. False for other names, wherever they lead.
 *
 * @param url as for `isReachableHost`
 * @param allowedNetworks as for `isReachableHost`
 */
export function isOpenedHost(url: URL, allowedNetworks: readonly string[]): boolean {
  const networks = parseNetworks(allowedNetworks);
  return knownAddressesOf(url)?.some((address) => isInNetworks(address, networks)) ?? false;
}

/** The addresses that a host has whoever is asked; null for a name that only DNS knows. */
function knownAddressesOf({ hostname }: URL): readonly string[] | null {
  const host = hostname.replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return LOOPBACK;
  const literal = /^\[(.*)\]$/.exec(host)?.[1] ?? (/^[\d.]+$/.test(host) ? host : null);
  return literal === null ? null : [literal];
}
