/**
 * Spans to a collector, by OTLP over HTTP. Whatever the collector does, nothing waits for it and nothing fails:
 * ended spans lie in a queue of bounded length, one batch at a time is on its way, and what has no room or is not
 * taken in time is dropped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Attributes,
  type Context,
  type Span as OpenTelemetrySpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ATTR_ERROR_TYPE, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { Logger } from 'pino';
import { parseTraceparent } from './traceparent.ts';
import type { Span, SpanAttributes, SpanStart, Tracer, TracerOptions } from './tracer.ts';

/** Ended spans that wait: about 2 KB each. */
const MAX_WAITING_SPANS = 4_096;
const MAX_BATCH_SPANS = 512;
const BATCH_EVERY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;
const STOP_LIMIT_MS = 2_000;
/** An attribute is an id, a status or a host. */
const MAX_ATTRIBUTE_LENGTH = 256;

/** `ExportResultCode.SUCCESS`. */
const EXPORTED = 0;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

export function createOpenTelemetryTracer({
  endpoint,
  headers = {},
  serviceName,
  logger,
}: TracerOptions & { readonly endpoint: string }): Tracer {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
    // A stop hands over all that waits at once.
    concurrencyLimit: MAX_WAITING_SPANS / MAX_BATCH_SPANS + 1,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ [ATTR_SERVICE_NAME]: serviceName }),
    // A caller that says its trace is not recorded is believed.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_LENGTH },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportOutages(exporter, logger),
        maxQueueSize: MAX_WAITING_SPANS,
        maxExportBatchSize: MAX_BATCH_SPANS,
        scheduledDelayMillis: BATCH_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('vendor-server');

  return {
    isOn: true,
    start({ name, kind, parent, attributes = {} }: SpanStart): Span {
      const options = { kind: KINDS[kind], attributes: toAttributes(attributes) };
      return toSpan(tracer.startSpan(name, options, toContext(parent)));
    },
    async stop() {
      const stopping = new AbortController();
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        sleep(STOP_LIMIT_MS, undefined, { signal: stopping.signal }).catch(() => undefined),
      ]);
      stopping.abort();
    },
  };
}

function toContext(parent: string | null): Context {
  const parsed = parseTraceparent(parent);
  if (parsed === null) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parsed;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

function toSpan(span: OpenTelemetrySpan): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    rename: (name) => void span.updateName(name),
    add: (attributes) => void span.setAttributes(toAttributes(attributes)),
    end(errorType) {
      if (errorType !== undefined) {
        span.setAttribute(ATTR_ERROR_TYPE, errorType);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

function toAttributes(attributes: SpanAttributes): Attributes {
  return { ...attributes };
}

/** Says once that the collector takes nothing, and once that it does again. */
function reportOutages(exporter: OTLPTraceExporter, logger: Logger): SpanExporter {
  let isAway = false;
  return {
    export(spans, report) {
      exporter.export(spans, (result) => {
        const failed = result.code !== EXPORTED;
        const reason = result.error?.message;
        if (failed && !isAway) logger.warn({ reason }, 'Traces are lost: the collector does not take them');
        if (!failed && isAway) logger.info('The collector takes traces again');
        isAway = failed;
        report(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
