import type { Receiver } from '../receiver/create-receiver.ts';
import { addCustomerServers, type CustomerServer } from '../system/add-customer-server.ts';
import { insertChanges } from '../system/insert-changes.ts';
import { readProcessUse } from '../system/watch-process.ts';
import { ATTACK_PATHS, createAttacker } from './create-attacker.ts';
import type { HostileStage } from './create-hostile-stage.ts';
import { measureRound, type Round } from './measure-round.ts';

export interface AttackOptions {
  readonly perSecond: number;
  readonly seconds: number;
  readonly attackers: number;
  /** Of each attacker. */
  readonly backlog: number;
}

export interface Attack {
  readonly seconds: number;
  readonly round: Round;
  /** The most that the worker had since it started, in bytes. */
  readonly peakRssBytes: number;
  /** The attackers' open connections, counted four times a second. */
  readonly connections: { readonly median: number; readonly most: number };
}

const COUNT_EVERY_MS = 250;

/** Lets attackers have their webhooks while the healthy get theirs. */
export async function measureAttack(stage: HostileStage, options: AttackOptions): Promise<Attack> {
  const attacker = await createAttacker();
  stage.closeLater(attacker);
  const customerServers = await addAttackers(stage, attacker, options);
  const counts: number[] = [];
  const timer = setInterval(() => counts.push(attacker.openConnections), COUNT_EVERY_MS);
  try {
    const round = await measureRound(stage, {
      ...options,
      badEndpointIds: customerServers.map(({ endpointId }) => endpointId),
    });
    const { peakRssBytes } = await readProcessUse(stage.worker.pid);
    const sorted = counts.toSorted((a, b) => a - b);
    const connections = { median: sorted[Math.floor(sorted.length / 2)] ?? 0, most: sorted.at(-1) ?? 0 };
    return { seconds: options.seconds, round, peakRssBytes, connections };
  } finally {
    clearInterval(timer);
  }
}

async function addAttackers(
  { system }: HostileStage,
  { port }: Receiver,
  { attackers, backlog }: AttackOptions,
): Promise<CustomerServer[]> {
  const urlOf = (n: number) => `http://attacker${n}.up.test:${port}${ATTACK_PATHS[n % ATTACK_PATHS.length]}`;
  const customerServers = await addCustomerServers(system, attackers, urlOf);
  for (const { customerServerId, endpointId } of customerServers) {
    await insertChanges(system.database.pool, {
      customerServerId,
      endpointIds: [endpointId],
      count: backlog,
    });
  }
  return customerServers;
}
