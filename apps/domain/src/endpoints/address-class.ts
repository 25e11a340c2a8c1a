import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Networks in a form that addresses can be matched with; made by `parseNetworks`. */
export type ParsedNetworks = readonly (readonly [Address, number])[];

/** Looks public but is the host of an Azure virtual machine, which hands out its credentials. */
const AZURE_HOST = '168.63.129.16';

/** The only part of IPv6 given out for public use (RFC 4291 section 2.4); the rest counts as reserved. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

const MAPPED_PREFIX_BITS = 96;
/** The groups before the IPv4 address that ends an ISATAP address (RFC 5214 section 6.1). */
const ISATAP_GROUPS: ReadonlySet<string> = new Set(['0:5efe', '200:5efe']);

/**
 * Reads networks in CIDR notation, IPv4 or IPv6, such as `10.0.0.0/8` and `fd00::/8`. A network of IPv4-mapped
 * addresses is read as the IPv4 network it stands for.
 *
 * @throws Error that names every entry that is not one.
 */
export function parseNetworks(cidrs: readonly string[]): ParsedNetworks {
  const faults = cidrs.filter((cidr) => !isCidr(cidr));
  if (faults.length > 0) {
    throw new Error(
      `not a network in CIDR notation: ${faults.map((fault) => JSON.stringify(fault)).join(', ')}`,
    );
  }
  return cidrs.map((cidr) => {
    const [address, bits] = ipaddr.parseCIDR(cidr);
    const isMapped =
      address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= MAPPED_PREFIX_BITS;
    return isMapped ? [address.toIPv4Address(), bits - MAPPED_PREFIX_BITS] : [address, bits];
  });
}

/**
 * True when webhooks may reach the address: it lies in an allowed network, or it is public unicast. What only
 * carries an IPv4 address inside (NAT64, 6to4, Teredo, ISATAP, IPv4-compatible) is not public: it may lead to an
 * inner host. Neither is an anycast address of a protocol, such as those of AS112: any network may answer it
 * itself. IPv4-mapped addresses reach the IPv4 host itself and are judged as that address. Anything that is not an
 * address in its usual notation is refused.
 */
export function isAllowedAddress(ip: string, allowedNetworks: ParsedNetworks): boolean {
  const address = parseAddress(ip);
  return address !== null && (isIn(address, allowedNetworks) || isPublicUnicast(address));
}

/** True when the address lies in one of the networks; IPv4-mapped addresses count as what they stand for. */
export function isInNetworks(ip: string, networks: ParsedNetworks): boolean {
  const address = parseAddress(ip);
  return address !== null && isIn(address, networks);
}

function isIn(address: Address, networks: ParsedNetworks): boolean {
  return networks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}

function isPublicUnicast(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  if (address instanceof ipaddr.IPv4) return address.toString() !== AZURE_HOST;
  return address.match(GLOBAL_UNICAST) && !isIsatap(address);
}

function isIsatap({ parts }: ipaddr.IPv6): boolean {
  const groups = parts.slice(4, 6).map((part) => part.toString(16));
  return ISATAP_GROUPS.has(groups.join(':'));
}

function parseAddress(ip: string): Address | null {
  return isUsualNotation(ip) ? ipaddr.process(ip) : null;
}

function isCidr(cidr: string): boolean {
  const [address = '', ...rest] = cidr.split('/');
  return rest.length === 1 && isUsualNotation(address) && ipaddr.isValidCIDR(cidr);
}

/**
 * ipaddr.js also reads `127.1`, `0x7f000001` and octal parts, and takes `::10.0.0.1` for an IPv4-mapped address
 * although the system connects elsewhere: these are not notations that a resolver returns.
 */
function isUsualNotation(ip: string): boolean {
  return (ipaddr.IPv6.isValid(ip) && !/^::\d+\./.test(ip)) || ipaddr.IPv4.isValidFourPartDecimal(ip);
}
