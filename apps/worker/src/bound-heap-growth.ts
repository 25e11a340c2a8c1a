/**
 * Keeps a worker's memory near what it needs. V8 lets the heap grow with the machine: with gigabytes free, old garbage
 * collects until there is three times as much of it as of what is in use. Endpoints that keep their requests waiting
 * make much of it, because what an attempt holds outlives the young generation: attacked over 200 connections a worker
 * uses 45 MB of heap, and takes over 300 MB from the machine. With this it takes a little over 200.
 *
 * Why here and so: it holds however the worker is started, where `NODE_OPTIONS` would hold for some of the ways; and
 * it is no limit that a worker with much in hand could die of, as `--max-old-space-size` is. Changing flags of a
 * running V8 is unsafe for those that lay out its heap or its code. This one is a number that V8 reads anew after
 * each collection of the old generation to decide when the next one is due; a V8 that no longer knows it says so and
 * goes on without. The price is a collection (20 ms, mostly beside the program) every few seconds of such an attack.
 */
import { setFlagsFromString } from 'node:v8';

/** How much the old generation may grow beyond what a collection left, in percent of it. */
const GROWTH_PERCENT = 50;

export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
