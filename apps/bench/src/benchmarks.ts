import type { Benchmark } from './benchmark.ts';
import { bodyCurve } from './curves/body-curve.ts';
import { endpointCurve } from './curves/endpoint-curve.ts';
import { workerCurve } from './curves/worker-curve.ts';
import { drain } from './rows/drain.ts';
import { hangingEndpoints } from './rows/hanging-endpoints.ts';
import { latency } from './rows/latency.ts';
import { longBacklog } from './rows/long-backlog.ts';
import { orderCreation } from './rows/order-creation.ts';
import { deliveredChanges, statusChanges } from './rows/status-changes.ts';
import { vendorCalls } from './rows/vendor-calls.ts';
import { wholePath } from './rows/whole-path.ts';

/** In the order in which they run: those that share a stage after each other, the load before what is measured idle. */
export const BENCHMARKS: readonly Benchmark[] = [
  statusChanges,
  orderCreation,
  drain,
  deliveredChanges,
  wholePath,
  latency,
  hangingEndpoints,
  vendorCalls,
  longBacklog,
  endpointCurve,
  workerCurve,
  bodyCurve,
];
