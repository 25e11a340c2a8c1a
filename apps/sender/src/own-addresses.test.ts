import type { NetworkInterfaceInfo } from 'node:os';
import { isInNetworks } from '@vendor-server/domain/endpoints/address-class.ts';
import { expect, test } from 'vitest';
import { createOwnAddresses } from './own-addresses.ts';

const toInterface = (address: string, family: 'IPv4' | 'IPv6') =>
  ({ address, family }) as NetworkInterfaceInfo;

test('an address that the machine gets later is known within 10 s', () => {
  let interfaces: Record<string, NetworkInterfaceInfo[]> = {
    lo: [toInterface('127.0.0.1', 'IPv4'), toInterface('::1', 'IPv6')],
  };
  let now = 5;
  const ownAddresses = createOwnAddresses(
    () => interfaces,
    () => now,
  );
  const isOwn = (address: string) => isInNetworks(address, ownAddresses());
  expect([isOwn('127.0.0.1'), isOwn('::1'), isOwn('127.0.0.2')]).toEqual([true, true, false]);

  interfaces = { ...interfaces, eth0: [toInterface('93.184.216.34', 'IPv4')] };
  now += 10_000;
  expect([isOwn('93.184.216.34'), isOwn('93.184.216.35'), isOwn('127.0.0.1')]).toEqual([true, false, true]);
});
