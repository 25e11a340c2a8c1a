import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A name server on a loopback port: names under `.up.test` are 127.0.0.1, to all others it never answers. */
export interface NameServer {
  /** `address:port` */
  readonly address: string;
  /** Questions that it left without an answer. */
  readonly unanswered: number;
  close(): Promise<void>;
}

const KNOWN_ZONE = '.up.test';
const HEAD_BYTES = 12;
const TYPE_A = 1;
/** An answer, recursion desired and available, no error. */
const ANSWER_FLAGS = 0x8180;
/** The question's name, type A, class IN, a second to live, four bytes of address. */
const LOOPBACK_RECORD = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);

export async function createNameServer(): Promise<NameServer> {
  const socket = createSocket('udp4');
  let unanswered = 0;
  socket.on('message', (question, { address, port }) => {
    const answer = buildAnswer(question);
    if (answer === null) unanswered += 1;
    else socket.send(answer, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    get unanswered() {
      return unanswered;
    },
    async close() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** RFC 1035 §4.1. Null for a name outside the known zone. */
function buildAnswer(message: Buffer): Buffer | null {
  const labels: string[] = [];
  let at = HEAD_BYTES;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (!`.${labels.join('.').toLowerCase()}`.endsWith(KNOWN_ZONE)) return null;
  const questionEnd = at + 1 + 4;
  const isForIpv4 = message.readUInt16BE(at + 1) === TYPE_A;
  const head = Buffer.alloc(HEAD_BYTES);
  message.copy(head, 0, 0, 2);
  head.writeUInt16BE(ANSWER_FLAGS, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(isForIpv4 ? 1 : 0, 6);
  const question = message.subarray(HEAD_BYTES, questionEnd);
  return Buffer.concat([head, question, ...(isForIpv4 ? [LOOPBACK_RECORD] : [])]);
}
