import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a process and a server it uses, so that a test can take the server away from it alone. */
export interface TcpProxy {
  /** The URL given, with the proxy's host and port. */
  readonly url: string;
  /** Cuts every connection and refuses new ones, as a server does that is down. */
  cut(): Promise<void>;
  /** Keeps every connection and takes new ones, and passes nothing on, as a network does that swallows it. */
  hang(): void;
  /** After `cut` or `hang`: passes on again, what was swallowed included. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** One connection through a proxy: writes to either end of it. */
export interface ProxiedConnection {
  toServer(bytes: Buffer): void;
  toClient(bytes: Buffer): void;
  /** Ends it on both sides, at once. */
  cut(): void;
}

/** What becomes of the bytes of one connection; whatever is to go on is written to the connection, now or later. */
export type Inspection = Pick<ProxiedConnection, 'toServer' | 'toClient'>;

/** @param inspect called for each connection; without it everything is passed on as it comes */
export async function createTcpProxy(
  targetUrl: string,
  inspect: (connection: ProxiedConnection) => Inspection = (connection) => connection,
): Promise<TcpProxy> {
  const url = new URL(targetUrl);
  const [targetHost, targetPort] = [url.hostname, Number(url.port)];
  const sockets = new Set<Socket>();
  let isHanging = false;
  let server: Server | null = null;

  function take(client: Socket): void {
    const upstream = connect(targetPort, targetHost);
    const { toServer, toClient } = inspect({
      toServer: (bytes) => void upstream.write(bytes),
      toClient: (bytes) => void client.write(bytes),
      cut() {
        client.destroy();
        upstream.destroy();
      },
    });
    passOn(client, toServer, upstream);
    passOn(upstream, toClient, client);
  }

  function passOn(from: Socket, write: (chunk: Buffer) => void, to: Socket): void {
    sockets.add(from);
    from.on('error', () => undefined);
    from.on('data', write);
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (isHanging) from.pause();
  }

  async function listen(port: number): Promise<number> {
    server = createServer(take).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function cut(): Promise<void> {
    if (server === null) return;
    const closed = once(server, 'close');
    server.close();
    server = null;
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  const port = await listen(0);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cut,
    hang() {
      isHanging = true;
      for (const socket of sockets) socket.pause();
    },
    async restore() {
      isHanging = false;
      for (const socket of sockets) socket.resume();
      if (server === null) await listen(port);
    },
    close: cut,
  };
}
