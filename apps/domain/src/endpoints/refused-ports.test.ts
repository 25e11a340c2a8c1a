import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { isRefusedPort } from './refused-ports.ts';

/** The list of another implementation of the Fetch standard. */
const { badPortsSet } = createRequire(import.meta.url)('undici/lib/web/fetch/constants.js') as {
  badPortsSet: ReadonlySet<string>;
};

it('refuses port 0 and what the Fetch standard refuses, and no other', () => {
  const refused = Array.from({ length: 65_536 }, (_, port) => port).filter(isRefusedPort);
  expect(refused.map(String)).toEqual(['0', ...badPortsSet]);
});

it('takes the ports of HTTP', () => {
  expect([80, 443, 3000, 4000, 5000, 8000, 8080, 8443].filter(isRefusedPort)).toEqual([]);
});
