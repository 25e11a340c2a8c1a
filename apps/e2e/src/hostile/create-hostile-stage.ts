import { pathToFileURL } from 'node:url';
import { createRawReceiver, type RawReceiver } from '../receiver/create-raw-receiver.ts';
import { addCustomerServers, type CustomerServer } from '../system/add-customer-server.ts';
import { createSystem, type ListeningProcess, type System } from '../system/create-system.ts';
import { createNameServer, type NameServer } from './create-name-server.ts';

export interface HostileStageOptions {
  /** Null: the queue lives in PostgreSQL. */
  readonly redisUrl: string | null;
  /** How many customer servers that answer at once, each with an endpoint on a host name of its own. */
  readonly healthy: number;
}

/** An API and a worker, customers' servers that work, and a place for some that do not. */
export interface HostileStage {
  readonly system: System;
  readonly redisUrl: string | null;
  readonly api: ListeningProcess;
  readonly worker: ListeningProcess;
  readonly nameServer: NameServer;
  readonly healthy: readonly CustomerServer[];
  /** Of all that are healthy. */
  readonly receiver: RawReceiver;
  /** Something to be closed with the stage, before its processes. */
  closeLater(resource: { close(): Promise<void> }): void;
  stop(): Promise<void>;
}

const PRELOAD = pathToFileURL(`${import.meta.dirname}/use-name-server.ts`).href;

export async function createHostileStage({ redisUrl, healthy }: HostileStageOptions): Promise<HostileStage> {
  const nameServer = await createNameServer();
  const receiver = await createRawReceiver();
  const system = await createSystem({ redisUrl, env: { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'warn' } });
  const toClose: { close(): Promise<void> }[] = [receiver, nameServer];

  async function stop(): Promise<void> {
    // Hanging requests end with their connections, so that the worker need not wait for their time-outs.
    const closed = await Promise.allSettled(toClose.map((each) => each.close()));
    await system.stop();
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  }

  try {
    const [api, worker] = await Promise.all([
      system.startApi({ LOG_LEVEL: 'info' }),
      system.startWorker({
        LOG_LEVEL: 'info',
        NODE_OPTIONS: `--import ${PRELOAD}`,
        TEST_NAME_SERVER: nameServer.address,
      }),
    ]);
    const servers = await addCustomerServers(
      system,
      healthy,
      (n) => `http://h${n}.up.test:${receiver.port}/`,
    );
    return {
      system,
      redisUrl,
      api,
      worker,
      nameServer,
      healthy: servers,
      receiver,
      closeLater: (resource) => void toClose.push(resource),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
