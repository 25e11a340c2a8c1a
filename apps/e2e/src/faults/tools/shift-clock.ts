/**
 * Gives a process another time of day: a preload, `--import <this file>?ms=600000` (see `shiftedClockEnv`). What asks for the
 * time gets it shifted, this process's code and its packages' alike; timers and the monotonic clock are as always.
 */
const shiftMs = Number(new URL(import.meta.url).searchParams.get('ms'));
const RealDate = Date;
const realNow = Date.now;
const shiftedNow = () => realNow() + shiftMs;

// Also for who takes it from an instance's constructor.
RealDate.now = shiftedNow;
// No subclass: dates made by the runtime itself must stay instances of what `Date` names.
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: readonly unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget),
  apply: () => new RealDate(shiftedNow()).toString(),
});
