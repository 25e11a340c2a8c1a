/** In processes of their own: it changes the V8 of the process that calls it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const MODULE = JSON.stringify(new URL('./bound-heap-growth.ts', import.meta.url).href);
const IMPORT = `const { boundHeapGrowth } = await import(${MODULE});`;
/**
 * Each object lives until 15 000 newer ones are there, long enough to leave the young generation. In use are a little
 * over 15 MB at a time.
 */
const MAKE_GARBAGE = `
  const KEPT = 15_000;
  const kept = new Array(KEPT);
  let peak = 0;
  for (let n = 0; n < KEPT * 8; n += 1) {
    kept[n % KEPT] = { n, text: 'x'.repeat(20) + n, parts: new Array(100).fill(n) };
    if (n % 2_000 === 0) peak = Math.max(peak, process.memoryUsage().heapTotal);
  }
  console.log(peak);`;

/** A young generation so small that only the old one shows, room for that to grow, and no collector that others hold up. */
const V8_OPTIONS = [
  '--max-semi-space-size=1',
  '--max-old-space-size=4096',
  '--single-threaded-gc',
  '--no-incremental-marking',
];

async function run(program: string) {
  const options = [...V8_OPTIONS, '--input-type=module', '--eval', program];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, options, { env: {} });
  return { peakBytes: Number(stdout), stderr };
}

test('a heap grows less beyond what is in use, and V8 knows the flag', { timeout: 30_000 }, async () => {
  const [bounded, free] = await Promise.all([
    run(`${IMPORT} boundHeapGrowth(); ${MAKE_GARBAGE}`),
    run(IMPORT + MAKE_GARBAGE),
  ]);
  expect(bounded.stderr).toBe('');
  // 53 MB and 99 MB.
  expect(bounded.peakBytes).toBeLessThan(free.peakBytes * 0.7);
});
