import ipaddr from 'ipaddr.js';

/** What one household or host is given (RFC 6177): within it a caller changes its address at will. */
const IPV6_SITE_BITS = 64;
const IPV6_PART_BITS = 16;

/**
 * Whose requests count together when callers are told apart by their address: an IPv4 address, also one that is
 * written as IPv6, or the first 64 bits of an IPv6 one. Everything that is no address is one caller.
 */
export function toCallerNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, IPV6_SITE_BITS / IPV6_PART_BITS);
  return `${network.map((part) => part.toString(16)).join(':')}::/${IPV6_SITE_BITS}`;
}
