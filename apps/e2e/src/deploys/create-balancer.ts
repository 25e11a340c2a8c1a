import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What stands before the APIs: knows connections and nothing of what goes over them. */
export interface Balancer {
  /** Without a slash at the end. */
  readonly url: string;
  /** New connections go to it, too. */
  add(apiUrl: string): void;
  /** No new connections go to it; those that it has stay, and those that are just being made. */
  remove(apiUrl: string): void;
  /**
   * Resolves when nobody is connected any more to one that was removed.
   * @throws Error after ten seconds
   */
  drain(apiUrl: string): Promise<void>;
  close(): Promise<void>;
}

const DRAIN_MS = 10_000;

/** Each connection goes to the next API in turn, or to another one when that takes none. */
export async function createBalancer(): Promise<Balancer> {
  const ports: number[] = [];
  const sockets = new Set<Socket>();
  /** Connections to APIs, also those that are just being made, by their ports. */
  const upstreams = new Map<Socket, number>();
  let turn = 0;

  async function take(client: Socket): Promise<void> {
    track(client);
    const upstream = await connectToOne();
    if (upstream === null) return void client.destroy();
    track(upstream);
    client.pipe(upstream);
    upstream.pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    if (client.destroyed) upstream.destroy();
  }

  async function connectToOne(): Promise<Socket | null> {
    turn += 1;
    const inTurn = ports.map((_, index) => ports[(turn + index) % ports.length] ?? 0);
    for (const port of inTurn) {
      if (!ports.includes(port)) continue;
      const socket = connect(port, '127.0.0.1');
      upstreams.set(socket, port);
      socket.on('close', () => upstreams.delete(socket));
      const isConnected = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      if (isConnected) return socket;
    }
    return null;
  }

  function track(socket: Socket): void {
    sockets.add(socket);
    // What breaks one end closes the other.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  }

  const server = createServer({ pauseOnConnect: true }, (client) => void take(client));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async drain(apiUrl) {
      const listOpen = () => [...upstreams].filter(([, port]) => port === portOf(apiUrl));
      const closed = listOpen().map(([socket]) => new Promise((resolve) => socket.once('close', resolve)));
      const late = sleep(DRAIN_MS, 'late', { ref: false });
      if ((await Promise.race([Promise.all(closed), late])) === 'late') {
        throw new Error(`${listOpen().length} connections to ${apiUrl} are still open.`);
      }
    },
    add: (apiUrl) => void ports.push(portOf(apiUrl)),
    remove: (apiUrl) => void ports.splice(ports.indexOf(portOf(apiUrl)), 1),
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const portOf = (url: string) => Number(new URL(url).port);
