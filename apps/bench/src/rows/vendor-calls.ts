/** P7: whether a vendor notices that its customer's server hangs. */
import { changeEndpoint } from '@vendor-server/e2e/system/add-customer-server.ts';
import { quantile } from '@vendor-server/e2e/system/quantile.ts';
import type { Benchmark } from '../benchmark.ts';
import { buildRow, type MeasureRound, measureInTurns } from '../measure/compare.ts';
import { countCpu, ofProcess } from '../measure/cpu-meter.ts';
import { sortLatencies } from '../measure/round.ts';
import type { Stage } from '../stage/create-stage.ts';
import { addHanging } from '../stage/hanging-customers.ts';
import { prepareTasks } from './measure-orders.ts';
import { hangingStage } from './shared-stages.ts';

const CUSTOMERS = 20;
const PER_SECOND = 100;
/** A p99 rests on the slowest hundredth of its calls: eight a round. */
const SECONDS = { usual: 8, quick: 2 };
const WARM_UP_SECONDS = 1;
/** So that a round has attempts that time out, and others that follow them. */
const TIMEOUT_MS = 1_000;

export const vendorCalls: Benchmark = {
  id: 'P7',
  title: "a vendor's calls while its customers' servers hang",
  shares: hangingStage,
  async run({ quick, share }) {
    const { stage, worker, http } = await share(hangingStage);
    const hanging = await addHanging(stage, CUSTOMERS);
    for (const each of hanging.customerServers) {
      await changeEndpoint(stage, each, { timeoutMs: TIMEOUT_MS });
    }
    const cpu = [...stage.cpu, ofProcess('worker', worker.pid), ofProcess('driver', http.pid)];

    const callsFor =
      (customerServers: Stage['customerServers'], prepare: () => Promise<void>): MeasureRound =>
      async (isWarmUp) => {
        await prepare();
        const seconds = isWarmUp ? WARM_UP_SECONDS : quick ? SECONDS.quick : SECONDS.usual;
        const units = seconds * PER_SECOND;
        const tasks = await prepareTasks(stage, customerServers, ['accept'], units);
        const stopCounting = await countCpu(cpu);
        const samples = await http.call('pace', { steps: ['accept'], tasks, perSecond: PER_SECOND });
        return { value: quantile(sortLatencies(samples), 0.99), units, cpu: await stopCounting(), samples };
      };

    const rounds = await measureInTurns(quick ? 1 : 3, {
      ours: callsFor(hanging.customerServers, hanging.resume),
      bare: callsFor(stage.customerServers.slice(0, CUSTOMERS), hanging.pause),
    });
    return {
      rows: [
        buildRow(
          {
            id: 'P7',
            title: "a vendor's call while its customer's server hangs, p99",
            bareTitle: "a vendor's call while its customer's server answers",
            unit: 'ms',
            aim: { kind: 'at most', ratio: 1.1 },
            notes: [
              `${PER_SECOND} orders/s of ${CUSTOMERS} customers are accepted, and their webhooks sent meanwhile; the servers of all of these hang, or answer.`,
              `Those that hang time out after ${TIMEOUT_MS / 1_000} s, and are sent nothing while the others are measured.`,
            ],
          },
          rounds,
        ),
      ],
    };
  },
};
