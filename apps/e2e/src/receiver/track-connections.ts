import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** What is known of a server's TCP connections. Under TLS a request's socket is another than the accepted one. */
export interface ConnectionBook {
  readonly accepted: number;
  readonly open: number;
  /** Over all connections, under TLS as encrypted. */
  readonly bytesReceived: number;
  /** Which connection a request's socket belongs to, counted from 1. */
  numberOf(socket: Socket): number;
  /** Fires when the connection of a request's socket is closed, by whichever side. */
  closeSignalOf(socket: Socket): AbortSignal;
  destroyAll(): void;
}

/** Follows the connections of a server from now on. */
export function trackConnections(server: Server): ConnectionBook {
  const numbers = new Map<Socket, number>();
  const signals = new WeakMap<Socket, AbortSignal>();
  let accepted = 0;
  let bytesOfClosed = 0;

  server.on('connection', (socket: Socket) => {
    accepted += 1;
    numbers.set(socket, accepted);
    socket.on('error', () => {});
    socket.once('close', () => {
      bytesOfClosed += socket.bytesRead;
      numbers.delete(socket);
    });
  });

  return {
    get accepted() {
      return accepted;
    },
    get open() {
      return numbers.size;
    },
    get bytesReceived() {
      return [...numbers.keys()].reduce((sum, socket) => sum + socket.bytesRead, bytesOfClosed);
    },
    numberOf(socket) {
      const found = [...numbers].find(([each]) => each.remotePort === socket.remotePort);
      return found?.[1] ?? accepted;
    },
    closeSignalOf(socket) {
      const known = signals.get(socket);
      if (known) return known;
      const closed = new AbortController();
      socket.once('close', () => closed.abort());
      signals.set(socket, closed.signal);
      return closed.signal;
    },
    destroyAll() {
      for (const socket of numbers.keys()) socket.destroy();
    },
  };
}
