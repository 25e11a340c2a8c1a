import { expect } from 'vitest';
import type { ProcessLog } from './process-log.ts';

/**
 * While the queue hangs a caller is answered before the API finds out that it does, which takes most of a
 * second: looked at by the order of its log's lines, since how long anything takes depends on the machine.
 */
export async function expectAnswerBeforeGivingUp(apiLog: ProcessLog): Promise<void> {
  const gaveUp = await apiLog.waitFor('Delivery queue is away: the relay will add its jobs');
  const answered = await apiLog.waitFor('Request handled', {
    method: 'POST',
    route: '/api/external/orders',
  });
  expect(apiLog.lines.indexOf(answered)).toBeLessThan(apiLog.lines.indexOf(gaveUp));
}
