/**
 * Takes secrets out of what a receiver answers. Receivers that are being debugged answer with the headers that they
 * were sent; what they say is stored, shown to operators and, of a webhook test, to whoever asked for it, and a
 * partner may ask for a test that carries a customer server's secret.
 */
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { REDACTED } from '../logging/redact.ts';

/** As much of a secret in a row is taken out wherever it stands. Fewer characters may be an ordinary word. */
const TELLING_LENGTH = 12;
/** As much of a secret's beginning is taken out at the end of a text, which may have been cut there. */
const MIN_CUT_LENGTH = 4;

/** The result without any of `secrets` in the excerpt of the answer, in the forms that `toForms` knows. */
export function redactEchoes(result: AttemptResult, secrets: readonly string[]): AttemptResult {
  const { responseExcerpt } = result;
  if (responseExcerpt === null || responseExcerpt === '') return result;
  return { ...result, responseExcerpt: redactSecrets(responseExcerpt, secrets) };
}

function redactSecrets(text: string, secrets: readonly string[]): string {
  const forms = [...new Set(secrets.flatMap(toForms))];
  const isSecret = new Uint8Array(text.length);
  for (const form of forms) {
    markRuns(isSecret, text, form);
    markBeginningAtEnd(isSecret, text, form);
  }
  let shown = '';
  for (let at = 0; at < text.length; at += 1) {
    if (isSecret[at] === 0) shown += text[at];
    else if (at === 0 || isSecret[at - 1] === 0) shown += REDACTED;
  }
  return shown;
}

/** Marks every run of the form's characters that is long enough, wherever in the form it comes from. */
function markRuns(isSecret: Uint8Array, text: string, form: string): void {
  const length = Math.min(TELLING_LENGTH, form.length);
  const runs = new Set<string>();
  for (let at = 0; at + length <= form.length; at += 1) runs.add(form.slice(at, at + length));
  for (let at = 0; at + length <= text.length; at += 1) {
    if (runs.has(text.slice(at, at + length))) isSecret.fill(1, at, at + length);
  }
}

function markBeginningAtEnd(isSecret: Uint8Array, text: string, form: string): void {
  for (let length = Math.min(form.length, TELLING_LENGTH) - 1; length >= MIN_CUT_LENGTH; length -= 1) {
    if (text.endsWith(form.slice(0, length))) return void isSecret.fill(1, text.length - length);
  }
}

/** How answers write what they were sent: as it is, in JSON, HTML or a URL, in hex, or in base64 with what is around it. */
function toForms(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((offset) => toInnerBase64(bytes, offset));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    toHtml(secret),
    encodeURIComponent(secret),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ].filter((form) => form !== '');
}

/** The characters that base64 gives the bytes when `offset` others stand before them, whatever these are. */
function toInnerBase64(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

function toHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
