import type { Step } from '../receiver/steps.ts';

/** Something that waits until a test lets it go on. */
export interface Gate {
  open(): void;
  /** Holds a step's answer back until the gate is open. */
  before(step: Step): Step;
}

export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    open: resolve,
    before: (step) => async (answering) => {
      await promise;
      await step(answering);
    },
  };
}
