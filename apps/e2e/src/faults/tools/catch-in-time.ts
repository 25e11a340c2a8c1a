import type { Caught } from './create-traps.ts';
import type { Wires } from './create-wires.ts';
import { POINTS, type PointName } from './points.ts';

/** Under load every point is met many times a second; one that is not met at all has another name by now. */
const PATIENCE_MS = 45_000;

/** Catches whoever comes to that point next. @throws when nobody does */
export async function catchInTime(wires: Wires, point: PointName): Promise<Caught> {
  const trap = wires.catchAt(POINTS[point]);
  const tooLate = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    trap.disarm();
    tooLate.reject(new Error(`Nobody came to the point “${point}” within ${PATIENCE_MS} ms.`));
  }, PATIENCE_MS);
  try {
    return await Promise.race([trap.sprung, tooLate.promise]);
  } finally {
    clearTimeout(timer);
  }
}
