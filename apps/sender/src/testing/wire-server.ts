import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';

/** What a server does with a connection once a whole request has come in. */
export type Answer = (socket: Socket) => void;

/** A server that writes exactly the bytes it is told to, until the end of the test. */
export interface WireServer {
  readonly port: number;
  readonly url: string;
  readonly counts: { connections: number; requests: number; open: number };
}

const readCertificate = (name: string) =>
  readFileSync(new URL(`./certificates/${name}.pem`, import.meta.url), 'utf8');

/** The authority that signed the certificates, which the process has to trust for them to be accepted. */
export const TEST_AUTHORITY = readCertificate('authority');

/** All are for the name `receiver.test`, and signed by the test's authority, whose key was thrown away. */
export type CertificateName = 'valid' | 'expired' | 'not-yet-valid' | 'not-for-servers';

export function certificate(name: CertificateName): { key: string; cert: string } {
  return { key: readCertificate('endpoint-key'), cert: readCertificate(name) };
}

/** @param answers for one request after the other, over all connections; the last one stays */
export function wireServer(...answers: (string | Buffer | Answer)[]): Promise<WireServer> {
  return serve(createServer(), 'connection', 'http', answers);
}

/** The same under TLS. */
export function tlsWireServer(options: TlsOptions, ...answers: (string | Answer)[]): Promise<WireServer> {
  return serve(createTlsServer(options), 'secureConnection', 'https', answers);
}

/** Does something as soon as a connection is there, before any request. */
export function bareServer(greet: Answer): Promise<WireServer> {
  return serve(createServer({ pauseOnConnect: false }), 'connection', 'http', [], greet);
}

async function serve(
  server: Server,
  event: 'connection' | 'secureConnection',
  scheme: string,
  answers: (string | Buffer | Answer)[],
  greet?: Answer,
): Promise<WireServer> {
  const counts = { connections: 0, requests: 0, open: 0 };
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    counts.connections += 1;
    counts.open += 1;
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => {
        counts.open -= 1;
        sockets.delete(socket);
      });
  });
  server.on(event, (socket: Socket) => {
    socket.on('error', () => {});
    if (greet !== undefined) return greet(socket.resume());
    onEachRequest(socket, () => {
      const answer = answers[Math.min(counts.requests, answers.length - 1)];
      counts.requests += 1;
      if (typeof answer === 'function') answer(socket);
      else socket.write(answer ?? '');
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, url: `${scheme}://127.0.0.1:${port}/hook?token=test-token`, counts };
}

/** The test's requests are JSON objects of one level: they end with the first closing brace. */
function onEachRequest(socket: Socket, handle: () => void): void {
  socket.on('data', (chunk: Buffer) => {
    if (chunk.includes('}')) handle();
  });
}

/** Writes, then ends the connection in order. */
export const thenClose =
  (bytes: string): Answer =>
  (socket) =>
    void socket.end(bytes);

/** Writes, then resets the connection once the bytes are out. */
export const thenReset =
  (bytes: string): Answer =>
  (socket) => {
    const reset = () => setTimeout(() => socket.resetAndDestroy(), 20);
    if (bytes === '') socket.resetAndDestroy();
    else socket.write(bytes, reset);
  };

/** Writes a beginning, then the same again and again for as long as somebody is there. */
export const thenRepeat =
  (beginning: string, bytes: string, everyMs: number): Answer =>
  (socket) => {
    socket.write(beginning);
    const timer = setInterval(() => {
      if (socket.destroyed) clearInterval(timer);
      else if (!socket.writableNeedDrain) socket.write(bytes);
    }, everyMs);
  };
