import { isAllowedAddress, parseNetworks } from './address-class.ts';

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
  const host = url.hostname.replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost')) {
    return LOOPBACK.some((address) => isAllowedAddress(address, networks));
  }
  const literal = /^\[(.*)\]$/.exec(host)?.[1] ?? (/^[\d.]+$/.test(host) ? host : null);
  return literal === null || isAllowedAddress(literal, networks);
}
