import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector is sent it. Attributes and their values are flat here. */
export interface CollectedSpan {
  /** Which process it came from. */
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly status: number | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A collector that takes OTLP over HTTP in JSON, as OpenTelemetry's own does at `/v1/traces`. */
export interface Collector {
  readonly url: string;
  /** What came so far, in order. */
  readonly spans: readonly CollectedSpan[];
  /** All of it, as it came. */
  readonly text: string;
  /** The headers of the last request. */
  readonly headers: IncomingHttpHeaders;
  /** How often it was asked to take something. */
  readonly calls: number;
  close(): Promise<void>;
}

/** @param hangs takes every request and answers none */
export async function createCollector({ hangs = false } = {}): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  let text = '';
  let calls = 0;
  let headers: IncomingHttpHeaders = {};
  const server = createServer((request, response) => {
    calls += 1;
    ({ headers } = request);
    if (hangs) return;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      if (request.method === 'POST' && request.url === '/v1/traces') {
        text += body;
        spans.push(...toSpans(JSON.parse(body)));
      }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    get text() {
      return text;
    },
    get headers() {
      return headers;
    },
    get calls() {
      return calls;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
}

interface RawSpan extends Omit<CollectedSpan, 'service' | 'status' | 'attributes'> {
  readonly status: { readonly code?: number };
  readonly attributes: readonly Attribute[];
}

function toSpans({ resourceSpans }: ExportRequest): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...span,
        service: String(flatten(resource.attributes)['service.name']),
        status: span.status.code,
        attributes: flatten(span.attributes),
      })),
    ),
  );
}

function flatten(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
