import type { Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { namesForTest, requestTo, senderForTest } from './testing/sender-for-test.ts';
import { certificate, TEST_AUTHORITY, tlsWireServer, wireServer } from './testing/wire-server.ts';
import { createWatch, MAX_HEADER_BYTES, MAX_HEADER_LINES } from './watch-answers.ts';

/** What a parser gets of an answer that comes in pieces of these sizes. */
function look(answer: string, sizes: readonly number[] = []): string {
  const watch = createWatch();
  const bytes = Buffer.from(answer, 'latin1');
  let from = 0;
  for (const size of [...sizes, bytes.length]) {
    watch(bytes.subarray(from, from + size));
    from += size;
  }
  return bytes.toString('latin1');
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nHTTP/1.1 100';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PASSED = 'HTTP/1.1 102 Continue\r\n\r\n';
const HINT = 'HTTP/1.1 103 Early Hints\r\nlink: </HTTP/1.1 100>\r\nx: 1\r\n\r\n';

it.each([
  ['alone', CONTINUE, PASSED],
  ['before an answer', CONTINUE + OK, PASSED + OK],
  ['twice', CONTINUE + CONTINUE + OK, PASSED + PASSED + OK],
  ['after another interim answer', HINT + CONTINUE + OK, HINT + PASSED + OK],
  [
    'with headers of its own',
    `HTTP/1.0 100 C\r\nHTTP/1.1 100: x\r\n\r\n${OK}`,
    `HTTP/1.0 102 C\r\nHTTP/1.1 100: x\r\n\r\n${OK}`,
  ],
  ['after an empty line', `\r\n${CONTINUE}${OK}`, `\r\n${PASSED}${OK}`],
  ['with bare line feeds', `HTTP/1.1 100 C\n\n${CONTINUE}${OK}`, `HTTP/1.1 102 C\n\n${PASSED}${OK}`],
])('a 100 %s becomes a 102, however it is cut into pieces', (_name, answer, passed) => {
  expect(look(answer)).toBe(passed);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }), (sizes) => {
      expect(look(answer, sizes)).toBe(passed);
    }),
  );
});

it.each([
  OK,
  HINT + OK,
  `HTTP/1.1 101 S\r\n\r\n${OK}`,
  'HTTP/1.1 110 x\r\n\r\n',
  'HTTP/1.1 500 x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/2 100\r\n\r\n',
  'SSH-2.0-x\r\nHTTP/1.1 100 Continue\r\n\r\n',
  '100 100 100 100',
  '',
])('anything else stays as it is: %j', (answer) => {
  expect(look(answer)).toBe(answer);
});

it('changes nothing but the last digit of a status, whatever comes', () => {
  const piece = fc.oneof(
    fc.constantFrom(CONTINUE, HINT, OK, '\r\n', 'HTTP/1.1 10', '0', ' '),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const answer = pieces.join('');
      const seen = look(answer);
      for (let at = 0; at < answer.length; at += 1) {
        if (seen[at] === answer.charAt(at) || answer.charCodeAt(at) > 0xff) continue;
        expect([answer.slice(at - 2, at + 1), seen[at]]).toEqual(['100', '2']);
      }
    }),
  );
});

describe('headers are within their limit', () => {
  const headersOf = (bytes: number, status = '200') => {
    const [begin, end] = [`HTTP/1.1 ${status} X\r\nx: `, '\r\n\r\n'];
    return `${begin}${'y'.repeat(bytes - begin.length - end.length)}${end}`;
  };
  const isWithin = (answer: string, ...sizes: number[]): boolean => {
    const watch = createWatch();
    const bytes = Buffer.from(answer, 'latin1');
    let from = 0;
    return [...sizes, bytes.length].every((size) => watch(bytes.subarray(from, (from += size))));
  };
  const LIMIT = MAX_HEADER_BYTES;

  it.each([
    ['just fitting, and a long body', headersOf(LIMIT) + 'z'.repeat(100_000), true],
    ['one byte more', headersOf(LIMIT + 1), false],
    [
      'interim ones, each by itself',
      headersOf(LIMIT, '103') + headersOf(LIMIT, '100') + headersOf(LIMIT),
      true,
    ],
    ['an interim one that is too large', headersOf(LIMIT + 1, '103') + OK, false],
    ['of another version', headersOf(LIMIT + 1).replace('1.1', '2.0'), false],
    ['as many lines as may be', `HTTP/1.1 200 X\r\n${'a:\r\n'.repeat(MAX_HEADER_LINES - 1)}\r\n`, true],
    ['one line more', `HTTP/1.1 200 X\r\n${'a:\r\n'.repeat(MAX_HEADER_LINES)}\r\n`, false],
    ['a status line without end', `HTTP/1.1 200 ${'x'.repeat(LIMIT)}`, false],
  ])('%s', (_name, answer, expected) => {
    expect(isWithin(answer)).toBe(expected);
    expect(isWithin(answer, 1, 7, 30, LIMIT - 39, 1, 1)).toBe(expected);
  });
});

describe('a connection that carries one exchange after the other', () => {
  const answer = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const byteByByte = (bytes: string) => (socket: Socket) => {
    const [byte, rest] = [bytes.slice(0, 1), bytes.slice(1)];
    if (byte !== '') socket.write(byte, () => setImmediate(() => byteByByte(rest)(socket)));
  };
  const ANSWERS = [
    CONTINUE + answer('ok'),
    answer(CONTINUE),
    byteByByte(CONTINUE + HINT + CONTINUE + answer('ok')),
    byteByByte(answer(CONTINUE)),
    CONTINUE + answer(CONTINUE + OK),
  ];
  const names = namesForTest({ 'receiver.test': [['127.0.0.1']] });

  it.each([
    ['plain', () => wireServer(...ANSWERS)],
    ['under TLS', () => tlsWireServer(certificate('valid'), ...ANSWERS)],
  ])('has each begin anew, and no body changed: %s', async (_name, serve) => {
    const authorities = getCACertificates();
    setDefaultCACertificates([...authorities, TEST_AUTHORITY]);
    onTestFinished(() => setDefaultCACertificates(authorities));
    const server = await serve();
    const sender = senderForTest({ ...names, maxConnectionsPerOrigin: 1 });
    const bodies = [];
    for (const _answer of ANSWERS) {
      const result = await sender.send(requestTo(server.url.replace('127.0.0.1', 'receiver.test')));
      bodies.push(result.responseExcerpt ?? result.reason);
    }
    expect(bodies).toEqual(['ok', CONTINUE, 'ok', CONTINUE, CONTINUE + OK]);
    expect(server.counts).toMatchObject({ connections: 1, requests: ANSWERS.length });
  });
});
