/** Everything that an endpoint can do once it has a request: as bytes on a connection. */
import { gzipSync } from 'node:zlib';
import type { AttemptReason } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { Target, Trial } from './trial.ts';
import { type Answer, thenClose, thenRepeat, thenReset, wireServer } from './wire-server.ts';

const empty = (status: string) => `HTTP/1.1 ${status} X\r\ncontent-length: 0\r\n\r\n`;
const ok = (headers: string, body = '') => `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${body}`;
const chunked = (body: string) => ok('transfer-encoding: chunked', body);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n';
const SECOND = 'HTTP/1.1 500 Second answer\r\ncontent-length: 0\r\n\r\n';
const KIB = 'x'.repeat(1024);

function trial(
  reason: AttemptReason,
  name: string,
  answer: string | Buffer | Answer,
  { takesTime, ...more }: Partial<Target> & Pick<Trial, 'takesTime'> = {},
): Trial {
  return {
    reason,
    name,
    ...((reason === 'no_answer' || takesTime) && { takesTime: true }),
    async prepare() {
      const server = await wireServer(answer, empty('200'));
      return { url: server.url, server, ...more };
    },
  };
}

const statusTrials = (reason: AttemptReason, ...statuses: number[]): Trial[] =>
  statuses.map((status) => trial(reason, String(status), empty(String(status)), { isKept: true }));

const STATUSES: readonly Trial[] = [
  ...statusTrials('accepted', 200, 202, 204, 299),
  ...statusTrials('redirect_not_followed', 300, 301, 304, 307, 399),
  ...statusTrials('unauthorized', 401, 403),
  ...statusTrials('request_timeout', 408),
  ...statusTrials('gone', 410),
  ...statusTrials('too_many_requests', 429),
  ...statusTrials('client_error', 400, 404, 409, 422, 425, 499),
  ...statusTrials('service_unavailable', 503),
  ...statusTrials('server_error', 500, 502, 504, 599),
  ...statusTrials('unknown_status', 600, 999),
];

/** Whatever follows the headers of a 2xx. */
const BODIES: readonly Trial[] = [
  trial('accepted', 'a body of just 64 KiB', ok('content-length: 65536', KIB.repeat(64)), { isKept: true }),
  trial('accepted', 'a body over 64 KiB', ok('content-length: 65537', `${KIB.repeat(64)}x`)),
  trial('accepted', 'a body of a gibibyte to come', ok('content-length: 1073741824', KIB.repeat(200))),
  trial('accepted', 'an endless body in chunks', thenRepeat(chunked(''), `400\r\n${KIB}\r\n`.repeat(16), 1)),
  trial('accepted', 'an endless body without framing', thenRepeat(ok('x: 1'), KIB.repeat(16), 1)),
  trial('accepted', 'a body byte by byte', thenRepeat(ok('content-length: 100000'), 'x', 20), {
    takesTime: true,
  }),
  trial('accepted', 'headers and then nothing', ok('content-length: 5'), { takesTime: true }),
  trial('accepted', 'a body until the end of the connection', thenClose(ok('x: 1', 'done'))),
  trial(
    'accepted',
    'a compressed body',
    Buffer.concat([
      Buffer.from(ok('content-encoding: gzip\r\ncontent-length: 1058')),
      gzipSync(Buffer.alloc(1_000_000)).subarray(0, 1_058),
    ]),
    { isKept: true },
  ),
  trial(
    'accepted',
    'a body that says gzip and is none',
    ok('content-encoding: gzip\r\ncontent-length: 2', 'no'),
    { isKept: true },
  ),
  trial('accepted', 'a body reset half-way', thenReset(ok('content-length: 100', 'half'))),
  trial('accepted', 'a body closed half-way', thenClose(ok('content-length: 100', 'half'))),
  trial('accepted', 'chunks without an end', thenClose(chunked('4\r\nhalf\r\n'))),
  trial('accepted', 'a chunk with a size that is none', chunked('zz\r\nxx\r\n0\r\n\r\n')),
  trial('accepted', 'a chunk of endless size', chunked('ffffffffffffffffff\r\nxx')),
  trial('accepted', 'a chunk that is longer than its size', chunked('2\r\nxxxxx\r\n0\r\n\r\n')),
  trial('accepted', 'more than the announced length', ok('content-length: 2', `ok${SECOND}`)),
  trial('accepted', 'a body with a 204', `HTTP/1.1 204 No Content\r\n\r\n${SECOND}`),
  trial('accepted', 'trailers over 16 KiB', chunked(`0\r\nx: ${KIB.repeat(17)}\r\n\r\n`)),
];

const INTERIM: readonly Trial[] = [
  trial('accepted', 'a 100 that nobody asked for', CONTINUE + empty('200'), { isKept: true }),
  trial('accepted', '102 and 103', PROCESSING + HINTS + empty('202'), { isKept: true }),
  trial('accepted', '32 interim answers', HINTS.repeat(16) + CONTINUE.repeat(16) + empty('200'), {
    isKept: true,
  }),
  trial('server_error', 'a 100 before a 500', CONTINUE + empty('500'), { isKept: true }),
  trial('no_answer', 'a 100 and then nothing', CONTINUE, { withinMs: 300 }),
  trial('no_answer', 'a slow flood of 103', thenRepeat(HINTS, HINTS, 20), { withinMs: 300 }),
  trial('incomplete_response', 'a 100 and then the end', thenClose(CONTINUE)),
  trial('informational_flood', '33 interim answers', HINTS.repeat(33) + empty('200')),
  trial('informational_flood', 'a flood of 100', thenRepeat('', CONTINUE.repeat(100), 1)),
  trial('informational_flood', 'a flood of 103', thenRepeat('', HINTS.repeat(100), 1)),
  trial('headers_too_large', 'a 103 over 16 KiB', `HTTP/1.1 103 E\r\nlink: ${KIB.repeat(17)}\r\n\r\n`),
  trial('unasked_upgrade', 'a 101', 'HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  trial('unasked_upgrade', 'a 101 that does not say to what', `HTTP/1.1 101 S\r\n\r\n${empty('200')}`),
];

const HEADERS: readonly Trial[] = [
  trial('accepted', 'headers of nearly 16 KiB', ok(`x: ${KIB.repeat(15)}\r\ncontent-length: 0`), {
    isKept: true,
  }),
  trial('headers_too_large', 'one header over 16 KiB', ok(`x: ${KIB.repeat(16)}`)),
  trial('headers_too_large', 'many headers over 16 KiB', ok(`x: ${'y'.repeat(60)}\r\n`.repeat(300))),
  trial('headers_too_large', 'very many short headers', ok('a:\r\n'.repeat(600))),
  trial('headers_too_large', 'headers without end', thenRepeat('HTTP/1.1 200 OK\r\n', `x: ${KIB}\r\n`, 1)),
  trial(
    'ambiguous_length',
    'a length and chunks',
    ok('content-length: 2\r\ntransfer-encoding: chunked', '0\r\n\r\n'),
  ),
  trial(
    'ambiguous_length',
    'chunks and a length',
    ok('transfer-encoding: chunked\r\ncontent-length: 2', '0\r\n\r\n'),
  ),
  trial('ambiguous_length', 'two lengths', ok('content-length: 2\r\ncontent-length: 3', 'ok')),
  trial('ambiguous_length', 'a length that is no number', ok('content-length: two', 'ok')),
  trial('ambiguous_length', 'a negative length', ok('content-length: -1', 'ok')),
  trial('ambiguous_length', 'a length beyond all numbers', ok('content-length: 99999999999999999999', 'ok')),
  trial('invalid_http', 'a greeting of SSH', 'SSH-2.0-OpenSSH_9.2\r\n'),
  trial('invalid_http', 'HTML and nothing else', '<html></html>\r\n\r\n'),
  trial('invalid_http', 'another version of HTTP', 'HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n'),
  trial('invalid_http', 'a status that is none', 'HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n'),
  trial('invalid_http', 'a status of four digits', 'HTTP/1.1 2000 X\r\ncontent-length: 0\r\n\r\n'),
  trial('invalid_http', 'a header name with a space', ok('x y: 1\r\ncontent-length: 0')),
  trial('invalid_http', 'a NUL in a header', ok('x: \0\r\ncontent-length: 0')),
];

const SILENCE: readonly Trial[] = [
  trial('no_answer', 'no byte', () => {}, { withinMs: 300 }),
  trial('no_answer', 'half a status line', 'HTTP/1.1 20', { withinMs: 300 }),
  trial('no_answer', 'a status line and no end of the headers', 'HTTP/1.1 200 OK\r\nx: 1\r\n', {
    withinMs: 300,
  }),
  trial('no_answer', 'headers byte by byte', thenRepeat('HTTP/1.1 200 OK\r\nx: ', 'x', 10), {
    withinMs: 300,
  }),
  trial('connection_closed', 'closed before any byte', thenClose('')),
  trial('connection_reset', 'reset before any byte', thenReset('')),
  trial('incomplete_response', 'closed within the status line', thenClose('HTTP/1.1 20')),
  trial('incomplete_response', 'closed within the headers', thenClose('HTTP/1.1 200 OK\r\nx: ')),
  trial('incomplete_response', 'reset within the headers', thenReset('HTTP/1.1 200 OK\r\nx: ')),
];

export const ANSWER_TRIALS: readonly Trial[] = [...STATUSES, ...BODIES, ...INTERIM, ...HEADERS, ...SILENCE];
