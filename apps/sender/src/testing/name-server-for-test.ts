import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv4, type Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** Addresses, what to give for the n-th question (from 1), a failure, or silence instead of an answer. */
type Records =
  | readonly string[]
  | 'silence'
  | keyof typeof FAILURES
  | ((question: number) => readonly string[]);

/** What a name has, for each address family. */
export interface NameForTest {
  ipv4?: Records;
  /** Hex groups of an address in full, e.g. `2001:db8:0:0:0:0:0:1`. */
  ipv6?: Records;
  /** The name is an alias of the first of these, that of the next, and the last one has the addresses. */
  aliasOf?: readonly string[];
  /** Over UDP the answer is cut off, so that it is asked for again over TCP. */
  isTooLongForUdp?: boolean;
}

const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const NAME_ERROR = 3;
const FAILURES = { SERVFAIL: 2, REFUSED: 5 } as const;
const FLAG_TRUNCATED = 0x02_00;

/**
 * A name server (RFC 1035, UDP and TCP) for A and AAAA questions, until the end of the test.
 *
 * @returns its `address:port` and the names it was asked for
 */
export async function nameServerForTest(names: Record<string, NameForTest>) {
  const asked: string[] = [];

  const toAnswer = (query: Buffer, isUdp: boolean): Buffer | null => {
    const { name, end } = readName(query);
    asked.push(name);
    const type = query.readUInt16BE(end);
    const known = names[name];
    const isCut = isUdp && known?.isTooLongForUdp === true;
    const given = (type === TYPE_A ? known?.ipv4 : type === TYPE_AAAA ? known?.ipv6 : []) ?? [];
    const count = asked.filter((each) => each === name).length;
    const found = typeof given === 'function' ? given(count) : given;
    if (found === 'silence') return null;
    const isFailure = typeof found === 'string';
    const addresses = isFailure ? [] : found;
    const code = isFailure ? FAILURES[found] : known === undefined ? NAME_ERROR : 0;

    const aliases = known?.aliasOf ?? [];
    const owners = [name, ...aliases].map(toLabels);
    const records = [
      ...aliases.map((alias, index) => toRecord(owners[index], TYPE_CNAME, toLabels(alias))),
      ...addresses.map((address) => toRecord(owners.at(-1), type, toBytes(address))),
    ];
    const header = Buffer.alloc(12);
    header.writeUInt16BE(query.readUInt16BE(0), 0);
    const flags = 0x81_80 | (isCut ? FLAG_TRUNCATED : 0) | code;
    header.writeUInt16BE(flags, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(isCut ? 0 : records.length, 6);
    return Buffer.concat([header, query.subarray(12, end + 4), ...(isCut ? [] : records)]);
  };

  const { udp, tcp, port } = await listenTwice();
  udp.on('message', (query, peer) => {
    const answer = toAnswer(query, true);
    if (answer !== null) udp.send(answer, peer.port);
  });
  tcp.on('connection', (socket) => {
    let buffered = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
        const end = 2 + buffered.readUInt16BE(0);
        const answer = toAnswer(buffered.subarray(2, end), false);
        buffered = buffered.subarray(end);
        if (answer !== null) socket.write(Buffer.concat([toUint16(answer.length), answer]));
      }
    });
  });
  onTestFinished(() => {
    udp.close();
    tcp.close();
  });
  return { address: `127.0.0.1:${port}`, asked };
}

/** A UDP and a TCP socket on one port, which is tried again while the number that one got is taken for the other. */
async function listenTwice(): Promise<{ udp: UdpSocket; tcp: Server; port: number }> {
  const tcp = createServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  udp.bind(port, '127.0.0.1');
  try {
    await once(udp, 'listening');
    return { udp, tcp, port };
  } catch {
    udp.close();
    tcp.close();
    return listenTwice();
  }
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function toLabels(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.alloc(1)]);
}

function toRecord(owner: Buffer | undefined, type: number, data: Buffer): Buffer {
  if (owner === undefined) throw new Error('a record is of a name');
  const classAndTtl = Buffer.from([0, 1, 0, 0, 0, 0]);
  return Buffer.concat([owner, toUint16(type), classAndTtl, toUint16(data.length), data]);
}

function toBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const groups = address.split(':').map((group) => group.padStart(4, '0'));
  return Buffer.from(groups.join(''), 'hex');
}

function toUint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
