import { type StrictDocument, toPointer } from './strict-document.ts';

export interface GivenWebhook {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** What HTTP itself needs. */
const TRANSPORT_HEADERS = ['connection', 'content-length', 'content-type', 'host'];

/** What the `webhooks` of the API reference do not say of a webhook that was sent; empty when they say all of it. */
export function findWebhookFaults(
  document: StrictDocument,
  { method, headers, body }: GivenWebhook,
): string[] {
  const event = String(headers['x-webhook-event']);
  const keys = ['webhooks', event, method.toLowerCase()];
  const operation = document.find(...keys);
  if (operation === null) return [`${method} ${event} is not in the reference`];
  const described = (operation.value['parameters'] ?? []) as { name: string; required: boolean }[];
  const parameters = described.map(({ name, required }, index) => ({
    name,
    isRequired: required,
    pointer: toPointer(operation.pointer, 'parameters', String(index), 'schema'),
  }));
  const documented = new Set([...TRANSPORT_HEADERS, ...parameters.map(({ name }) => name)]);
  const type = String(headers['content-type']);
  const bodyFault = document.findFault(
    toPointer(operation.pointer, 'requestBody', 'content', type, 'schema'),
    body,
  );
  return [
    ...Object.keys(headers)
      .filter((name) => !documented.has(name))
      .map((name) => `the header ${name} is not documented`),
    ...parameters.flatMap(({ name, isRequired, pointer }) => {
      const value = headers[name];
      if (value === undefined) return isRequired ? [`the header ${name} is missing`] : [];
      const fault = document.findFault(pointer, value);
      return fault === null ? [] : [`the header ${name}: ${fault}`];
    }),
    ...(bodyFault === null ? [] : [`the body: ${bodyFault}`]),
  ];
}
