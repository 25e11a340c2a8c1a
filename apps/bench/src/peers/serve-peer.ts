import type { PeerAnswer, PeerCall, PeerCalls } from './peer-calls.ts';

/** Answers what the process that started this one asks for, until that one is gone. */
export function servePeer(calls: PeerCalls): void {
  process.on('message', (message) => void answer(message as PeerCall));
  process.once('disconnect', () => process.exit(0));
  process.once('SIGTERM', () => process.exit(0));
  send({ output: 'ready' });

  async function answer({ name, input }: PeerCall): Promise<void> {
    try {
      send({ output: await calls[name]?.(input as never) });
    } catch (error) {
      send({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
}

function send(answer: PeerAnswer): void {
  process.send?.(answer);
}
