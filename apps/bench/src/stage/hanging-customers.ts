import { addCustomerServers, type CustomerServer } from '@vendor-server/e2e/system/add-customer-server.ts';
import type { ReceiverCalls } from '../peers/receiver-calls.ts';
import { setEndpointState } from './backlog.ts';
import { RECEIVER, type Stage } from './create-stage.ts';

/** Customers whose server takes requests and never answers. */
export interface HangingCustomers {
  readonly customerServers: readonly CustomerServer[];
  /** Nothing more is sent to them, and what hangs ends. */
  leave(): Promise<void>;
}

export async function addHanging(stage: Stage, count: number): Promise<HangingCustomers> {
  const receiver = await stage.startPeer<ReceiverCalls>('hanging receiver', RECEIVER);
  const port = await receiver.call('listen', { hangs: true });
  const customerServers = await addCustomerServers(
    stage,
    count,
    (n) => `http://127.0.0.1:${port}/hangs-${n}`,
  );
  return {
    customerServers,
    async leave() {
      await setEndpointState(stage.database.pool, customerServers, 'paused');
      await receiver.stop();
    },
  };
}
