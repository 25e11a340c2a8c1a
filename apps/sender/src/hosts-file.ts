import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

export interface HostsFile {
  /** The addresses that the file gives a lower-case name, in the file's order; empty when it does not list it. */
  lookUp(name: string): Promise<readonly string[]>;
}

/**
 * The system's hosts file, read when first asked and again once what was read is older than `maxAgeMs`. A file
 * that cannot be read counts as empty: the name server is asked instead.
 */
export function createHostsFile(path: string, maxAgeMs: number): HostsFile {
  let entries: Promise<Map<string, string[]>> | null = null;
  let readAt = 0;

  return {
    async lookUp(name) {
      if (entries === null || performance.now() - readAt >= maxAgeMs) {
        readAt = performance.now();
        entries = readFile(path, 'utf8').then(parseHosts, () => new Map());
      }
      return (await entries).get(name) ?? [];
    },
  };
}

/** Parses hosts(5): lines of an address and the names it has, `#` begins a comment. Names become lower-case. */
export function parseHosts(text: string): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      const addresses = entries.get(key) ?? [];
      if (!addresses.includes(address)) addresses.push(address);
      entries.set(key, addresses);
    }
  }
  return entries;
}
