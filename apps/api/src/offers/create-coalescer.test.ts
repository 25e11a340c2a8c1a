import { expect, test, vi } from 'vitest';
import { createCoalescer } from './create-coalescer.ts';

function createStepped() {
  const runs: { key: string; targets: string[]; finish: () => void }[] = [];
  const request = createCoalescer<string, string>((key, targets) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    runs.push({ key, targets: [...targets], finish: resolve });
    return promise;
  });
  const seen = () => runs.map(({ key, targets }) => `${key}: ${targets.join(' ')}`);
  return { runs, request, seen };
}

test('what is asked for during a run is done in one run after it', async () => {
  const { runs, request, seen } = createStepped();
  request('order', ['a']);
  request('order', ['b']);
  request('order', ['a', 'c', 'b']);
  expect(seen()).toEqual(['order: a']);
  runs[0]?.finish();
  await vi.waitFor(() => expect(seen()).toEqual(['order: a', 'order: b a c']));
  runs[1]?.finish();
  request('order', ['d']);
  await vi.waitFor(() => expect(seen()).toEqual(['order: a', 'order: b a c', 'order: d']));
});

test('keys do not wait for each other, and a key starts at once when nothing of it runs', async () => {
  const { runs, request, seen } = createStepped();
  request('first', ['a']);
  request('second', ['a']);
  expect(seen()).toEqual(['first: a', 'second: a']);
  runs[0]?.finish();
  await Promise.resolve();
  await Promise.resolve();
  request('first', ['b']);
  expect(seen()).toEqual(['first: a', 'second: a', 'first: b']);
});

test('without targets nothing runs', () => {
  const { request, seen } = createStepped();
  request('order', []);
  request('order', ['a']);
  expect(seen()).toEqual(['order: a']);
});
