import {
  isAllowedAddress,
  isInNetworks,
  type ParsedNetworks,
} from '@vendor-server/domain/endpoints/address-class.ts';
import type { OwnAddresses } from './own-addresses.ts';

/**
 * Which addresses webhooks may connect to: public ones and those in the allowed networks. An address of this machine
 * is refused even when it is public, unless a network names it: a connection to it never passes the firewall that
 * keeps others away from what listens here.
 */
export function createAddressGuard(
  allowedNetworks: ParsedNetworks,
  ownAddresses: OwnAddresses,
): (address: string) => boolean {
  return (address) =>
    isAllowedAddress(address, allowedNetworks) &&
    (isInNetworks(address, allowedNetworks) || !isInNetworks(address, ownAddresses()));
}
