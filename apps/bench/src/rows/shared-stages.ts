import type { SharedPart } from '../benchmark.ts';
import type { BareDeliveryCalls } from '../peers/bare-delivery-calls.ts';
import type { LoadCalls } from '../peers/order-load.ts';
import type { Peer } from '../peers/start-peer.ts';
import type { Stage, StageProcess } from '../stage/create-stage.ts';
import { startBareDeliveries } from './measure-deliveries.ts';
import { startHttpLoad, startStatementLoad, USUAL_STAGE } from './measure-orders.ts';

export interface CallsStage {
  readonly stage: Stage;
  /** Calls the API. */
  readonly http: Peer<LoadCalls>;
  /** Sends the statements of the same calls. */
  readonly statements: Peer<LoadCalls>;
}

/** No worker runs: the API has the machine to itself, but for the load driver and the database. */
export const callsStage: SharedPart<CallsStage> = {
  async create(createStage) {
    const stage = await createStage(USUAL_STAGE);
    return { stage, http: await startHttpLoad(stage), statements: await startStatementLoad(stage) };
  },
};

/** As many as there are vendors: enough that their orders do not get in each other's way. */
const SILENT = 20;

export interface DeliveringStage extends CallsStage {
  readonly worker: StageProcess;
  readonly bare: Peer<BareDeliveryCalls>;
}

/** With a worker. Bare statements are about the silent customers' orders, which it leaves alone. */
export const deliveringStage: SharedPart<DeliveringStage> = {
  async create(createStage) {
    const stage = await createStage({ ...USUAL_STAGE, silentCustomerServers: SILENT });
    return {
      stage,
      worker: await stage.startWorker(),
      http: await startHttpLoad(stage),
      statements: await startStatementLoad(stage),
      bare: await startBareDeliveries(stage),
    };
  },
};

export interface HangingStage {
  readonly stage: Stage;
  readonly worker: StageProcess;
  readonly http: Peer<LoadCalls>;
}

/** With a worker, to which some are added whose servers hang. */
export const hangingStage: SharedPart<HangingStage> = {
  async create(createStage) {
    const stage = await createStage(USUAL_STAGE);
    return { stage, worker: await stage.startWorker(), http: await startHttpLoad(stage) };
  },
};
