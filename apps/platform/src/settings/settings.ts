export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything the environment decides, validated. Made by `loadSettings`; nothing else reads the environment. */
export interface Settings {
  /** NODE_ENV is `production`: development values are refused and nothing is embedded. */
  readonly production: boolean;
  /** PostgreSQL URL; null means the embedded PostgreSQL under `dataDir`. */
  readonly databaseUrl: string | null;
  /** Redis URL of the queue; null means that the queue lives in PostgreSQL. */
  readonly redisUrl: string | null;
  /** Absolute path of the directory for the embedded PostgreSQL and the log file. */
  readonly dataDir: string;
  readonly host: string;
  /** The API's port; 0 takes a free one. */
  readonly port: number;
  /** The port of the worker's health and metrics; 0 takes a free one. */
  readonly workerPort: number;
  /** Whether (by the one proxy that connects), or from which (addresses and CIDRs), `x-forwarded-*` is believed. */
  readonly trustProxy: boolean | readonly string[];
  /** The default customer server's secret; null means that there is no default customer server. */
  readonly customerServerSecret: string | null;
  readonly customerWebhookUrl: string | null;
  /** One or, while rotating, two accepted partner secrets. */
  readonly externalVendorSecrets: readonly string[];
  /** One or, while rotating, two accepted operator keys. */
  readonly adminApiKeys: readonly string[];
  /** 32 bytes. */
  readonly secretsEncryptionKey: Buffer;
  /** 32 bytes; still readable, no longer written. */
  readonly secretsEncryptionKeyPrevious: Buffer | null;
  /** Time from DNS to the response headers of one attempt; at most 10 s. */
  readonly webhookTimeoutMs: number;
  /** Wait before each retry; as many retries as there are waits. */
  readonly webhookRetryDelaysMs: readonly number[];
  /** Deliveries in flight per worker process. */
  readonly webhookConcurrency: number;
  /** Longest time that a due delivery is held by a paused, broken or disabled endpoint. */
  readonly webhookMaxHoldMs: number;
  /** CIDRs that webhooks may reach besides public addresses. */
  readonly webhookAllowedNetworks: readonly string[];
  readonly webhookAllowHttp: boolean;
  /** After this time an order that nobody took is cancelled; null means never. */
  readonly orderOfferTtlMs: number | null;
  /** Finished deliveries and attempts are kept this long. */
  readonly retentionDays: number;
  /** Finished orders with their transitions are kept this long; null means for ever. */
  readonly retentionOrdersDays: number | null;
  /** Requests per minute and caller; 0 means no limit. */
  readonly rateLimitPerMinute: number;
  readonly rateLimitVendorPerMinute: number;
  /** Wrong credentials per minute and address; 0 means no limit. */
  readonly rateLimitWrongCredentialsPerMinute: number;
  /** Log each webhook request and response, secrets redacted. */
  readonly debugWebhooks: boolean;
  readonly logLevel: LogLevel;
  /** Absolute path of a log file besides stdout, or null. */
  readonly logFile: string | null;
  readonly otlpEndpoint: string | null;
  /** Sent with every batch of spans; they may carry a collector's credential. */
  readonly otlpHeaders: Readonly<Record<string, string>>;
}
