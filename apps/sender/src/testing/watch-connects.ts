import { createHook } from 'node:async_hooks';
import { onTestFinished } from 'vitest';

/**
 * Counts every TCP connection that this process begins to open from now on, to whatever address and by whatever
 * code: what Node makes for one is seen and not who makes it. Look-ups by the system's resolver are counted too.
 * Ends with the test.
 */
export function watchConnects(): { readonly begun: number; readonly systemLookUps: number } {
  const counts = { begun: 0, systemLookUps: 0 };
  const hook = createHook({
    init(_asyncId, type) {
      if (type === 'TCPCONNECTWRAP') counts.begun += 1;
      if (type === 'GETADDRINFOREQWRAP') counts.systemLookUps += 1;
    },
  }).enable();
  onTestFinished(() => void hook.disable());
  return counts;
}
