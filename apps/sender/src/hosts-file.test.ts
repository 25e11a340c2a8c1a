import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createHostsFile, parseHosts } from './hosts-file.ts';

async function hostsPath(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'hosts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return path.join(directory, 'hosts');
}

it('reads addresses and names, and passes over what is neither', () => {
  const text =
    '# none\n127.0.0.1 localhost\tVM # local\n\n::1 localhost\r\nnot-an-address vm\n127.0.0.1 vm\n10.0.0.1';
  expect(Object.fromEntries(parseHosts(text))).toEqual({
    localhost: ['127.0.0.1', '::1'],
    vm: ['127.0.0.1'],
  });
});

it('counts a file that cannot be read as empty', async () => {
  expect(await createHostsFile(await hostsPath(), 0).lookUp('localhost')).toEqual([]);
});

it('is read again once it is old, and not before', async () => {
  const file = await hostsPath();
  await writeFile(file, '192.0.2.1 hook.test');
  const young = createHostsFile(file, 60_000);
  const old = createHostsFile(file, 0);
  for (const each of [young, old]) expect(await each.lookUp('hook.test')).toEqual(['192.0.2.1']);
  await writeFile(file, '192.0.2.2 hook.test');
  expect(await young.lookUp('hook.test')).toEqual(['192.0.2.1']);
  expect(await old.lookUp('hook.test')).toEqual(['192.0.2.2']);
});
