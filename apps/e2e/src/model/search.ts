/** Looks for a run that breaks a rule. */
import fc from 'fast-check';
import { checkAtRest, drain } from './check-world.ts';
import type { Mix } from './commands.ts';
import type { ModelWorld } from './create-model-world.ts';

export function searchProperty(world: ModelWorld, { commands: someCommands, isCalm }: Mix) {
  return fc.asyncProperty(someCommands, async (commands) => {
    await world.restart();
    try {
      await fc.asyncModelRun(() => ({ model: world, real: world }), commands);
      await world.finishAll();
      if (isCalm) await checkAtRest(world);
      await drain(world);
    } catch (error) {
      await world.abandon();
      throw error;
    }
  });
}
