/** A block that IANA lists, with what it says of its reach: null stands for "N/A" and for what has ended. */
export interface SpecialPurposeBlock {
  readonly cidr: string;
  readonly name: string;
  readonly isGloballyReachable: boolean | null;
}

/**
 * Every row of IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190) as of October 2025:
 * https://www.iana.org/assignments/iana-ipv4-special-registry and
 * https://www.iana.org/assignments/iana-ipv6-special-registry.
 */
export const SPECIAL_PURPOSE_BLOCKS: readonly SpecialPurposeBlock[] = [
  block('0.0.0.0/8', 'This network', false),
  block('0.0.0.0/32', 'This host on this network', false),
  block('10.0.0.0/8', 'Private-Use', false),
  block('100.64.0.0/10', 'Shared Address Space', false),
  block('127.0.0.0/8', 'Loopback', false),
  block('169.254.0.0/16', 'Link Local', false),
  block('172.16.0.0/12', 'Private-Use', false),
  block('192.0.0.0/24', 'IETF Protocol Assignments', false),
  block('192.0.0.0/29', 'IPv4 Service Continuity Prefix', false),
  block('192.0.0.8/32', 'IPv4 dummy address', false),
  block('192.0.0.9/32', 'Port Control Protocol Anycast', true),
  block('192.0.0.10/32', 'Traversal Using Relays around NAT Anycast', true),
  block('192.0.0.170/32', 'NAT64/DNS64 Discovery', false),
  block('192.0.0.171/32', 'NAT64/DNS64 Discovery', false),
  block('192.0.2.0/24', 'Documentation (TEST-NET-1)', false),
  block('192.31.196.0/24', 'AS112-v4', true),
  block('192.52.193.0/24', 'AMT', true),
  block('192.88.99.0/24', 'Deprecated (6to4 Relay Anycast)', null),
  block('192.88.99.2/32', '6a44-relay anycast address', false),
  block('192.168.0.0/16', 'Private-Use', false),
  block('192.175.48.0/24', 'Direct Delegation AS112 Service', true),
  block('198.18.0.0/15', 'Benchmarking', false),
  block('198.51.100.0/24', 'Documentation (TEST-NET-2)', false),
  block('203.0.113.0/24', 'Documentation (TEST-NET-3)', false),
  block('240.0.0.0/4', 'Reserved', false),
  block('255.255.255.255/32', 'Limited Broadcast', false),

  block('::1/128', 'Loopback Address', false),
  block('::/128', 'Unspecified Address', false),
  block('::ffff:0:0/96', 'IPv4-mapped Address', false),
  block('64:ff9b::/96', 'IPv4-IPv6 Translation', true),
  block('64:ff9b:1::/48', 'IPv4-IPv6 Translation', false),
  block('100::/64', 'Discard-Only Address Block', false),
  block('100:0:0:1::/64', 'Dummy IPv6 Prefix', false),
  block('2001::/23', 'IETF Protocol Assignments', false),
  block('2001::/32', 'TEREDO', null),
  block('2001:1::1/128', 'Port Control Protocol Anycast', true),
  block('2001:1::2/128', 'Traversal Using Relays around NAT Anycast', true),
  block('2001:1::3/128', 'DNS-SD Service Registration Protocol Anycast', true),
  block('2001:2::/48', 'Benchmarking', false),
  block('2001:3::/32', 'AMT', true),
  block('2001:4:112::/48', 'AS112-v6', true),
  block('2001:10::/28', 'Deprecated (previously ORCHID)', null),
  block('2001:20::/28', 'ORCHIDv2', true),
  block('2001:30::/28', 'Drone Remote ID Protocol Entity Tags (DETs) Prefix', true),
  block('2001:db8::/32', 'Documentation', false),
  block('2002::/16', '6to4', null),
  block('2620:4f:8000::/48', 'Direct Delegation AS112 Service', true),
  block('3fff::/20', 'Documentation', false),
  block('5f00::/16', 'Segment Routing (SRv6) SIDs', false),
  block('fc00::/7', 'Unique-Local', false),
  block('fe80::/10', 'Link-Local Unicast', false),
];

/**
 * What IANA's registries of the two whole address spaces keep from public unicast besides: multicast, and of
 * IPv6 all but 2000::/3 (https://www.iana.org/assignments/ipv6-address-space, RFC 4291 section 2.4).
 */
export const OTHER_BLOCKS: readonly string[] = [
  '224.0.0.0/4',
  '::/3',
  '4000::/2',
  '8000::/1',
  // Public by the registries, but it hands out an Azure virtual machine's credentials.
  '168.63.129.16/32',
];

function block(cidr: string, name: string, isGloballyReachable: boolean | null): SpecialPurposeBlock {
  return { cidr, name, isGloballyReachable };
}
