import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a name has: addresses, or silence instead of an answer for one address family. */
export interface NameForTest {
  ipv4?: string[] | 'silence';
  /** Hex groups of an address in full, e.g. `2001:db8:0:0:0:0:0:1`. */
  ipv6?: string[] | 'silence';
}

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NAME_ERROR = 3;

/**
 * A name server (RFC 1035, UDP) for A and AAAA questions, until the end of the test.
 *
 * @returns its `address:port` and the names it was asked for
 */
export async function nameServerForTest(names: Record<string, NameForTest>) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const { name, end } = readName(query);
    asked.push(name);
    const type = query.readUInt16BE(end);
    const known = names[name];
    const records = (type === TYPE_A ? known?.ipv4 : type === TYPE_AAAA ? known?.ipv6 : []) ?? [];
    if (records === 'silence') return;

    const header = Buffer.alloc(12);
    header.writeUInt16BE(query.readUInt16BE(0), 0);
    header.writeUInt16BE(0x81_80 | (known === undefined ? NAME_ERROR : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const question = query.subarray(12, end + 4);
    socket.send(Buffer.concat([header, question, ...records.map((each) => toRecord(type, each))]), peer.port);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, asked };
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

function toRecord(type: number, address: string): Buffer {
  const data = isIPv4(address)
    ? Buffer.from(address.split('.').map(Number))
    : Buffer.from(
        address
          .split(':')
          .map((group) => group.padStart(4, '0'))
          .join(''),
        'hex',
      );
  const head = Buffer.alloc(12);
  // The name is the question's, by a pointer to it (RFC 1035 §4.1.4).
  head.writeUInt16BE(0xc0_0c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
