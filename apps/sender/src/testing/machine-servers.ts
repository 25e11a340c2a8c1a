import { createReceiver } from '@vendor-server/e2e/receiver/create-receiver.ts';

/** Servers on every IPv4 and IPv6 address of this machine: on a free port, and on 80 and 443 where those can be had. */
export interface MachineServers {
  readonly port: number;
  /** Connections to any of them so far. */
  readonly connections: number;
  /** URLs of a host with the port and without, by both schemes. */
  urlsOf(host: string): string[];
  close(): Promise<void>;
}

export async function startMachineServers(): Promise<MachineServers> {
  const free = await createReceiver({ host: '::' });
  const others = await Promise.all(
    [80, 443].map((port) => createReceiver({ host: '::', port }).catch(() => null)),
  );
  const all = [free, ...others.filter((each) => each !== null)];

  return {
    port: free.port,
    get connections() {
      return all.reduce((sum, each) => sum + each.connections, 0);
    },
    urlsOf: (host) =>
      [`${host}:${free.port}`, host].flatMap((authority) => [
        `http://${authority}/`,
        `https://${authority}/`,
      ]),
    async close() {
      await Promise.all(all.map((each) => each.close()));
    },
  };
}
