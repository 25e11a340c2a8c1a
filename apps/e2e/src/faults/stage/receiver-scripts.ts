import type { Receiver } from '../../receiver/create-receiver.ts';
import type { ReceivedRequest } from '../../receiver/received-request.ts';
import { hang, reset, resetHalfway, respond, type Step } from '../../receiver/steps.ts';

/** How all webhooks to one path are answered. */
export type Mood = keyof typeof MOODS;

const MOODS = {
  accepting: respond(200),
  unavailable: respond(503),
  hanging: hang(),
  resetting: reset(),
  /** The headers of a 200, and then a reset that may overtake them. */
  cutting: resetHalfway(200),
} as const satisfies Record<string, Step>;

export interface ReceiverScripts {
  moodOf(path: string): Mood;
  setMood(path: string, mood: Mood): void;
  /** Whether a webhook was answered so since its path got this mood. */
  hasMet(path: string): boolean;
  /** Answers this order's webhooks to a path with 503, whatever the mood. */
  refuseOrders(path: string, refuses: (orderId: string) => boolean): void;
  /** Everything is accepted from now on. */
  relent(): void;
  /** Whether its answer was broken off right behind the headers. */
  isCut(request: ReceivedRequest): boolean;
}

/** Lets a test say how a receiver answers each path. */
export function createReceiverScripts(receiver: Receiver): ReceiverScripts {
  const moods = new Map<string, Mood>();
  const refusals = new Map<string, (orderId: string) => boolean>();
  const cut = new WeakSet<ReceivedRequest>();
  const met = new Set<string>();
  const moodOf = (path: string) => moods.get(path) ?? 'accepting';

  receiver.answer(
    () => true,
    (answering) => {
      const { request } = answering;
      const { path } = request;
      const isRefused = refusals.get(path)?.(request.header('x-webhook-order-id') ?? '') ?? false;
      const mood = isRefused ? 'unavailable' : moodOf(path);
      if (!isRefused) met.add(path);
      if (mood === 'cutting') cut.add(request);
      return MOODS[mood](answering);
    },
  );
  return {
    moodOf,
    setMood(path, mood) {
      moods.set(path, mood);
      met.delete(path);
    },
    hasMet: (path) => met.has(path),
    refuseOrders: (path, refuses) => void refusals.set(path, refuses),
    relent() {
      moods.clear();
      refusals.clear();
    },
    isCut: (request) => cut.has(request),
  };
}
