import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { createNameResolver } from '../create-name-resolver.ts';
import { type NameForTest, nameServerForTest } from './name-server-for-test.ts';

/** The resolver that ships, with a name server and a hosts file of the test's own; `asked` is what the former was. */
export async function resolverForTest(
  names: Record<string, NameForTest>,
  { hosts = '', tryTimeoutMs = 5_000 }: { hosts?: string; tryTimeoutMs?: number } = {},
) {
  const directory = await mkdtemp(path.join(tmpdir(), 'hosts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const hostsPath = path.join(directory, 'hosts');
  await writeFile(hostsPath, hosts);
  const { address, asked } = await nameServerForTest(names);
  return {
    resolveName: createNameResolver({ hostsPath, servers: [address], tryTimeoutMs }),
    asked,
  };
}
