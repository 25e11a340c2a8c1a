import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { vi } from 'vitest';

export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

export interface OpenEventStream {
  readonly response: IncomingMessage;
  /** The events so far, oldest first. */
  readonly events: readonly StreamEvent[];
  /** Everything that came, comments included. */
  readonly text: string;
  /** How it ended: properly, cut off, or not yet. */
  readonly end: 'ended' | 'cut' | null;
  /** Resolves with all events once there are that many. */
  waitForEvents(count: number): Promise<readonly StreamEvent[]>;
  /** Hangs up. */
  close(): void;
}

/** A client of server-sent events on a connection of its own. Rejects unless the answer is 200. */
export async function openEventStream(
  url: string,
  headers: Record<string, string>,
): Promise<OpenEventStream> {
  const outgoing = request(url, { headers, agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  outgoing.on('error', () => undefined);
  if (response.statusCode !== 200) throw new Error(`the stream was answered ${response.statusCode}`);

  let text = '';
  let end: OpenEventStream['end'] = null;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    text += chunk;
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    end = response.complete ? 'ended' : 'cut';
  });

  return {
    response,
    get events() {
      return parseEvents(text);
    },
    get text() {
      return text;
    },
    get end() {
      return end;
    },
    waitForEvents: (count) =>
      vi.waitFor(
        () => {
          const events = parseEvents(text);
          if (events.length < count) throw new Error(`${events.length} of ${count} events:\n${text}`);
          return events;
        },
        { timeout: 15_000, interval: 5 },
      ),
    close: () => outgoing.destroy(),
  };
}

function parseEvents(text: string): StreamEvent[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) as unknown }];
    });
}
