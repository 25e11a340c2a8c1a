import { networkInterfaces } from 'node:os';
import { type ParsedNetworks, parseNetworks } from '@vendor-server/domain/endpoints/address-class.ts';

/** The addresses of this machine's network interfaces, as networks of one address each. */
export type OwnAddresses = () => ParsedNetworks;

/** Reading them takes 0.1 ms, too long for every connection; a machine seldom gets another address. */
const MAX_AGE_MS = 10_000;

/** Reads them when first asked, and again when what was read is 10 s old. */
export function createOwnAddresses(
  readInterfaces = networkInterfaces,
  now = () => performance.now(),
): OwnAddresses {
  let addresses: ParsedNetworks = [];
  let readAt = -Infinity;

  return () => {
    if (now() - readAt >= MAX_AGE_MS) {
      readAt = now();
      addresses = parseNetworks(
        Object.values(readInterfaces())
          .flatMap((each) => each ?? [])
          .map(({ address, family }) => `${address}/${family === 'IPv4' ? 32 : 128}`),
      );
    }
    return addresses;
  };
}
