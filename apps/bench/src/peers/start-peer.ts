/**
 * Processes that stand beside ours while something is measured: what loads them, what receives from them, and the bare
 * parts. Each has an event loop of its own, so that none is slowed by what another one has to do.
 */
import { once } from 'node:events';
import { type RunningProcess, startProcess } from '@vendor-server/cli/start/start-process.ts';
import type { PeerAnswer, PeerCalls } from './peer-calls.ts';

export interface Peer<Calls extends PeerCalls> {
  readonly pid: number;
  /** Rejects with what the peer threw, and when it ends. One call at a time. */
  call<Name extends keyof Calls & string>(
    name: Name,
    input: Parameters<Calls[Name]>[0],
  ): ReturnType<Calls[Name]>;
  stop(): Promise<void>;
}

export interface PeerOptions {
  readonly name: string;
  /** The module to run; it calls `servePeer`. */
  readonly url: URL;
  readonly env: NodeJS.ProcessEnv;
  /** An open file for what it writes. */
  readonly output: number;
}

/** Starts one and waits until it takes calls. */
export async function startPeer<Calls extends PeerCalls>(options: PeerOptions): Promise<Peer<Calls>> {
  const running = startProcess(options);
  const { pid } = running.child;
  if (pid === undefined) throw new Error(`The ${options.name} could not be started.`);
  await nextAnswer(running);
  return {
    pid,
    call(name, input) {
      const answered = nextAnswer(running);
      running.child.send({ name, input });
      return answered as ReturnType<Calls[typeof name]>;
    },
    stop: () => running.stop(),
  };
}

async function nextAnswer({ name, child, ended }: RunningProcess): Promise<unknown> {
  const stopListening = new AbortController();
  try {
    const [answer] = (await Promise.race([
      once(child, 'message', { signal: stopListening.signal }),
      ended.then((how) => {
        throw new Error(`The ${name} ended (${how}).`);
      }),
    ])) as [PeerAnswer];
    if ('fault' in answer) throw new Error(`The ${name} failed: ${answer.fault}`);
    return answer.output;
  } finally {
    stopListening.abort();
  }
}
