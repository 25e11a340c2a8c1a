import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample } from '../measure/round.ts';
import type { OrderLoad, OrderStep, OrderTask, PacedLoad } from './order-load.ts';

/** Does one step. @param orderId null at creation @returns the order's id */
export type DoStep = (step: OrderStep, task: OrderTask, orderId: string | null) => Promise<string>;

/** Lets so many clients do the steps, as fast as they are answered. Throws when a step is refused. */
export async function driveOrders(
  { steps, tasks, clients, seconds }: OrderLoad,
  doStep: DoStep,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const begunAt = performance.now();
  const endAt = seconds === null ? Number.POSITIVE_INFINITY : begunAt + seconds * 1_000;
  let next = 0;

  async function work(): Promise<void> {
    for (let task = tasks[next]; task !== undefined; task = tasks[next]) {
      next += 1;
      let { orderId } = task;
      for (const step of steps) {
        const stepBegunAt = performance.now();
        if (stepBegunAt >= endAt) return;
        orderId = await doStep(step, task, orderId);
        samples.push(toSample(begunAt, stepBegunAt));
      }
    }
  }

  await Promise.all(Array.from({ length: clients }, work));
  return samples;
}

/** The same, each order begun at its time. */
export async function paceOrders({ steps, tasks, perSecond }: PacedLoad, doStep: DoStep): Promise<Sample[]> {
  return runPaced(tasks, perSecond, async (task) => {
    let { orderId } = task;
    for (const step of steps) orderId = await doStep(step, task, orderId);
  });
}

/**
 * Works on items at even distances, whether or not earlier ones have ended.
 *
 * @returns each item, when it ended and how long it took
 */
export async function runPaced<Item>(
  items: readonly Item[],
  perSecond: number,
  work: (item: Item) => Promise<void>,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const begunAt = performance.now();

  async function workOn(item: Item): Promise<void> {
    const itemBegunAt = performance.now();
    await work(item);
    samples.push(toSample(begunAt, itemBegunAt));
  }

  const working: Promise<void>[] = [];
  for (const [index, item] of items.entries()) {
    const earlyMs = begunAt + (index * 1_000) / perSecond - performance.now();
    if (earlyMs > 0) await sleep(earlyMs);
    working.push(workOn(item));
  }
  await Promise.all(working);
  return samples;
}

function toSample(begunAt: number, itemBegunAt: number): Sample {
  const now = performance.now();
  return { atMs: now - begunAt, latencyMs: now - itemBegunAt };
}
