import { onTestFinished } from 'vitest';
import { createSenderFrom, type Sender, type SenderParts, type SendRequest } from '../create-sender.ts';

/** A name server that knows these names and no others; it counts what it is asked. */
export interface NamesForTest {
  readonly asked: string[];
  resolveName(name: string): Promise<string[]>;
}

/** Names and the addresses each query gives, one list after the other; the last one stays. */
export function namesForTest(names: Record<string, string[][]>): NamesForTest {
  const asked: string[] = [];
  return {
    asked,
    async resolveName(name) {
      const answers = names[name] ?? [];
      const count = asked.filter((each) => each === name).length;
      asked.push(name);
      const answer = answers[Math.min(count, answers.length - 1)];
      if (answer === undefined) throw new Error(`the test has no addresses for ${name}`);
      return answer;
    },
  };
}

/** A sender that is closed at the end of the test. */
export function senderForTest(
  options: Partial<SenderParts> & { allowedNetworks?: string[]; maxConnectionsPerOrigin?: number } = {},
): Sender {
  const sender = createSenderFrom(
    {
      allowedNetworks: options.allowedNetworks ?? ['127.0.0.0/8'],
      maxConnectionsPerOrigin: options.maxConnectionsPerOrigin ?? 16,
    },
    {
      resolveName: options.resolveName ?? namesForTest({}).resolveName,
      ownAddresses: options.ownAddresses ?? (() => []),
      now: options.now ?? (() => performance.now()),
    },
  );
  onTestFinished(() => sender.close());
  return sender;
}

/** A small request, due in so many ms. */
export function requestTo(url: string, withinMs = 5_000): SendRequest {
  return {
    url,
    headers: { 'content-type': 'application/json' },
    body: '{"orderId":"64a7b2c8f9e4d1a2b3c4d5e6"}',
    deadline: performance.now() + withinMs,
  };
}
