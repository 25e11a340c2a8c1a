import { Resolver } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { AttemptFailure } from './attempt-failure.ts';
import { createHostsFile } from './hosts-file.ts';

/**
 * Gives every address of a host name, at least one, IPv4 before IPv6.
 *
 * @throws {AttemptFailure} `dns_failed` when there is none
 */
export type ResolveName = (name: string) => Promise<readonly string[]>;

export interface NameResolverOptions {
  /** Default `/etc/hosts`. */
  hostsPath?: string;
  /** `address:port` of the name servers; default those of the system. */
  servers?: readonly string[];
  /** How long each of three tries waits for an answer, default 2 000. */
  tryTimeoutMs?: number;
}

const HOSTS_MAX_AGE_MS = 10_000;
/** A lost packet costs one try, and three fit into the 10 s of an attempt. */
const TRY_TIMEOUT_MS = 2_000;
const TRIES = 3;
/** How long an answer for one address family waits for the other (RFC 8305 §3 names 50 ms for a person's wait). */
const OTHER_FAMILY_WAIT_MS = 250;

/** RFC 1035 section 2.3.4. */
const MAX_NAME_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;

/** What the name itself is to blame for; the first two say that there is no such name. */
const NO_SUCH_NAME: ReadonlySet<string> = new Set(['ENOTFOUND', 'EBADNAME']);
const NO_ADDRESS = 'ENODATA';

/**
 * A resolver on c-ares: the hosts file first, `localhost` and its subdomains are loopback (RFC 6761 §6.3), then
 * A and AAAA queries to the name servers. It never uses `dns.lookup`, which blocks one of four threads for as
 * long as a name server is silent: one customer's dead name server would hold up everybody's attempts.
 * Names are taken as fully qualified; search domains are not tried. What is no name of DNS (an empty label, too long)
 * is asked of nobody: a name server might take `localhost..` for `localhost`.
 *
 * Who asks for a name while it is being asked for gets the same answer, and has what is left of its tries; no answer is
 * kept longer than that.
 */
export function createNameResolver(options: NameResolverOptions = {}): ResolveName {
  const hosts = createHostsFile(options.hostsPath ?? '/etc/hosts', HOSTS_MAX_AGE_MS);
  const timeout = options.tryTimeoutMs ?? TRY_TIMEOUT_MS;
  const resolver = new Resolver({ timeout, maxTimeout: timeout, tries: TRIES });
  if (options.servers) resolver.setServers(options.servers);
  const underWay = new Map<string, Promise<readonly string[]>>();

  function query(name: string): Promise<readonly string[]> {
    const asked =
      underWay.get(name) ?? queryBothFamilies(resolver, name).finally(() => underWay.delete(name));
    underWay.set(name, asked);
    return asked;
  }

  return async (host) => {
    const name = host.toLowerCase().replace(/\.$/, '');
    if (!isName(name)) throw toDnsFailure(['EBADNAME']);
    const listed = await hosts.lookUp(name);
    if (listed.length > 0) return [...listed].sort(byFamily);
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
    return query(name);
  };
}

async function queryBothFamilies(resolver: Resolver, name: string): Promise<string[]> {
  const found: [ipv4: string[], ipv6: string[]] = [[], []];
  const faults: string[] = [];
  const query = async (family: 0 | 1, answer: Promise<string[]>) => {
    try {
      found[family] = await answer;
    } catch (error) {
      faults.push(error instanceof Error && 'code' in error ? String(error.code) : 'unknown');
    }
    if (found[family].length === 0) throw new Error('no address of this family');
  };
  const queries = [query(0, resolver.resolve4(name)), query(1, resolver.resolve6(name))];
  const bothEnded = Promise.allSettled(queries);
  try {
    await Promise.any(queries);
  } catch {
    throw toDnsFailure(faults);
  }
  const waited = new AbortController();
  await Promise.race([
    bothEnded,
    delay(OTHER_FAMILY_WAIT_MS, null, { signal: waited.signal }).catch(() => null),
  ]);
  waited.abort();
  return found.flat();
}

function isName(name: string): boolean {
  const labels = name.split('.');
  return (
    name.length <= MAX_NAME_LENGTH && labels.every(({ length }) => length > 0 && length <= MAX_LABEL_LENGTH)
  );
}

function toDnsFailure(codes: readonly string[]): AttemptFailure {
  const fault = codes.find((code) => !NO_SUCH_NAME.has(code) && code !== NO_ADDRESS);
  if (fault === 'ETIMEOUT') {
    return new AttemptFailure(
      'dns_timed_out',
      "The name server of the endpoint's host did not answer in time.",
    );
  }
  if (fault !== undefined) {
    return new AttemptFailure(
      'name_server_failed',
      `The endpoint's host name could not be resolved (${fault}).`,
    );
  }
  return codes.some((code) => NO_SUCH_NAME.has(code))
    ? new AttemptFailure('name_not_found', "The endpoint's host name does not exist.")
    : new AttemptFailure('name_without_address', "The endpoint's host name has no address.");
}

function byFamily(a: string, b: string): number {
  return Number(a.includes(':')) - Number(b.includes(':'));
}
