import { expect, test } from 'vitest';
import { createLooker } from './create-looker.ts';

interface Look {
  readonly endpointId: string;
  readonly orderIds: readonly string[];
  /** Ends the look; it found this. */
  end(found: string): void;
}

/** A looker whose looks end as the test says. */
function createSubject(handOver: (found: string) => Promise<void> = async () => undefined) {
  const looks: Look[] = [];
  const looker = createLooker<string>({
    look(endpointId, orderIds) {
      const { promise, resolve } = Promise.withResolvers<string>();
      looks.push({ endpointId, orderIds, end: resolve });
      return promise;
    },
    handOver,
  });
  const seen = () => looks.map(({ endpointId, orderIds }) => [endpointId, ...orderIds].join(' '));
  return { looker, looks, seen };
}

/** Everything that can happen without the test's help has happened. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a look begins at once when none is under way, also when one has just ended', async () => {
  const { looker, looks, seen } = createSubject();
  const first = looker.lookAt('endpoint', 'a');
  expect(seen()).toEqual(['endpoint a']);
  looks[0]?.end('');
  await first;
  void looker.lookAt('endpoint', null);
  expect(seen()).toEqual(['endpoint a', 'endpoint']);
});

test('who comes while one is under way is looked at in the next, with all who came since', async () => {
  const { looker, looks, seen } = createSubject();
  void looker.lookAt('endpoint', 'a');
  const merged = ['b', 'c', null, 'b'].map((orderId) => looker.lookAt('endpoint', orderId));
  const done: number[] = [];
  merged.forEach((each, index) => void each.then(() => done.push(index)));
  await settle();
  expect(seen()).toEqual(['endpoint a']);

  looks[0]?.end('');
  await settle();
  expect(seen()).toEqual(['endpoint a', 'endpoint b c']);
  // The look that was under way when they came may have begun before their commits: it does not stand for them.
  expect(done).toEqual([]);

  // The same holds for who comes now.
  void looker.lookAt('endpoint', 'd');
  looks[1]?.end('');
  await settle();
  expect(done).toEqual([0, 1, 2, 3]);
  expect(seen()).toEqual(['endpoint a', 'endpoint b c', 'endpoint d']);
});

test('endpoints do not wait for each other', () => {
  const { looker, seen } = createSubject();
  void looker.lookAt('one', 'a');
  void looker.lookAt('other', 'b');
  expect(seen()).toEqual(['one a', 'other b']);
});

test('what was found is handed over before the caller goes on, and the next look does not wait for it', async () => {
  const handedOver: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { looker, looks, seen } = createSubject(async (found) => {
    handedOver.push(found);
    await promise;
  });
  const done: string[] = [];
  void looker.lookAt('endpoint', 'a').then(() => done.push('a'));
  void looker.lookAt('endpoint', 'b').then(() => done.push('b'));
  looks[0]?.end('of a');
  await settle();
  expect(seen()).toEqual(['endpoint a', 'endpoint b']);
  looks[1]?.end('of b');
  await settle();
  expect(handedOver).toEqual(['of a', 'of b']);
  expect(done).toEqual([]);
  resolve();
  await settle();
  expect(done).toEqual(['a', 'b']);
});
