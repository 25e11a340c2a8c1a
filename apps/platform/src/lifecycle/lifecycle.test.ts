import { describe, expect, test } from 'vitest';
import { createLoggerTo } from '../logging/create-logger.ts';
import { createLifecycle, LifecycleStoppedError } from './lifecycle.ts';

function createSubject(stopDeadlineMs = 10_000) {
  const events: string[] = [];
  const lines: string[] = [];
  const logger = createLoggerTo(
    { write: (line: string) => void lines.push(line) },
    { name: 'test', level: 'info' },
  );
  const lifecycle = createLifecycle({ logger, stopDeadlineMs });
  const add = (name: string) =>
    lifecycle.start(
      name,
      () => {
        events.push(`start ${name}`);
        return name;
      },
      (part) => void events.push(`stop ${part}`),
    );
  return { lifecycle, add, events, lines };
}

describe('createLifecycle', () => {
  test('starts in order, gives the parts, stops in reverse', async () => {
    const { lifecycle, add, events } = createSubject();
    expect(await add('database')).toBe('database');
    await add('queue');
    await add('server');
    expect(await lifecycle.stop('test')).toBe('clean');
    expect(events).toEqual([
      'start database',
      'start queue',
      'start server',
      'stop server',
      'stop queue',
      'stop database',
    ]);
  });

  test('waits for one part to stop before it stops the one below', async () => {
    const { lifecycle, add, events } = createSubject();
    await add('database');
    const drained = Promise.withResolvers<void>();
    await lifecycle.start(
      'consumer',
      () => 'consumer',
      () => drained.promise,
    );
    const stopped = lifecycle.stop('test');
    await new Promise(setImmediate);
    expect(events).toEqual(['start database']);
    drained.resolve();
    await stopped;
    expect(events).toEqual(['start database', 'stop database']);
  });

  test('stops the rest when one part fails to stop', async () => {
    const { lifecycle, add, events, lines } = createSubject();
    await add('database');
    await lifecycle.start(
      'queue',
      () => null,
      () => Promise.reject(new Error('connection lost')),
    );
    expect(await lifecycle.stop('test')).toBe('failed');
    expect(events).toContain('stop database');
    expect(lines.join('')).toContain('connection lost');
  });

  test('gives up at the deadline', async () => {
    const { lifecycle } = createSubject(20);
    await lifecycle.start(
      'stuck',
      () => null,
      () => new Promise(() => {}),
    );
    expect(await lifecycle.stop('test')).toBe('late');
  });

  test('stops once, however often it is asked', async () => {
    const { lifecycle, add, events } = createSubject();
    await add('database');
    await Promise.all([lifecycle.stop('first'), lifecycle.stop('second')]);
    expect(events.filter((event) => event === 'stop database')).toHaveLength(1);
  });

  test('a part that was being started when stopping began is stopped again', async () => {
    const { lifecycle, events } = createSubject();
    const connected = Promise.withResolvers<string>();
    const starting = lifecycle.start(
      'slow',
      () => connected.promise,
      (part) => void events.push(`stop ${part}`),
    );
    const stopped = lifecycle.stop('test');
    expect(lifecycle.stopping.aborted).toBe(true);
    connected.resolve('slow');
    await expect(starting).rejects.toThrow(LifecycleStoppedError);
    await stopped;
    expect(events).toEqual(['stop slow']);
    await expect(lifecycle.start('later', () => null)).rejects.toThrow(LifecycleStoppedError);
  });

  test('a start that fails leaves what was started to be stopped', async () => {
    const { lifecycle, add, events } = createSubject();
    await add('database');
    await expect(lifecycle.start('queue', () => Promise.reject(new Error('refused')))).rejects.toThrow(
      'refused',
    );
    await lifecycle.stop('could not start');
    expect(events).toEqual(['start database', 'stop database']);
  });
});
