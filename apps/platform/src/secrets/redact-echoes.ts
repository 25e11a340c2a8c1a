/**
 * Takes secrets out of what a receiver answers. Receivers that are being debugged answer with the headers that they
 * were sent; what they say is stored, shown to operators and, of a webhook test, to whoever asked for it, and a
 * partner may ask for a test that carries a customer server's secret.
 *
 * A secret may be made of words ("development-customer-secret"), and what an answer says with the same words must stay:
 * it is why the answer is kept. So what is taken out is a whole secret in any form, what is so much of one that the
 * rest could be guessed, and of what was cut off the part before the cut, which nobody meant as a word.
 */
import { type AttemptResult, EXCERPT_MAX_BYTES } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { REDACTED } from '../logging/redact.ts';

/**
 * As much of a secret in a row is taken out wherever it stands. Of 32 random characters (192 bits) the other third would
 * still take 2^60 guesses; two thirds of a secret of words are no longer an ordinary word.
 */
const TELLING_SHARE = 2 / 3;
/** Of a short secret less would be an ordinary word. */
const MIN_TELLING_LENGTH = 12;
/** Wherever so long a run begins, it holds the whole of a piece that begins at a multiple of a piece's length. */
const PIECE_LENGTH = MIN_TELLING_LENGTH / 2;
/** As much of a secret's beginning is taken out at the end of a text that was cut. */
const MIN_CUT_LENGTH = 4;
/** A character that the limit cuts in two is left out of the text. */
const MAX_CUT_CHARACTER_BYTES = 3;

/** The result without any of `secrets` in the excerpt of the answer, in the forms that `toForms` knows. */
export function redactEchoes(result: AttemptResult, secrets: readonly string[]): AttemptResult {
  const { responseExcerpt } = result;
  if (responseExcerpt === null || responseExcerpt === '') return result;
  const wasCut = Buffer.byteLength(responseExcerpt) >= EXCERPT_MAX_BYTES - MAX_CUT_CHARACTER_BYTES;
  return { ...result, responseExcerpt: redactSecrets(responseExcerpt, secrets, { mayBeCut: wasCut }) };
}

/**
 * @param text of an answer
 * @param options.mayBeCut whether a secret may be missing its end at the end of the text
 */
export function redactSecrets(
  text: string,
  secrets: readonly string[],
  { mayBeCut }: { mayBeCut: boolean },
): string {
  const forms = [...new Set(secrets.flatMap(toForms))];
  const isSecret = new Uint8Array(text.length);
  const suspects = mayHoldRun(text, forms)
    ? forms
    : forms.filter((form) => tellingLengthOf(form) < MIN_TELLING_LENGTH);
  for (const form of suspects) markRuns(isSecret, text, form);
  if (mayBeCut) for (const form of forms) markBeginningAtEnd(isSecret, text, form);
  let shown = '';
  for (let at = 0; at < text.length; ) {
    const secretAt = isSecret.indexOf(1, at);
    if (secretAt < 0) return shown + text.slice(at);
    shown += text.slice(at, secretAt) + REDACTED;
    const endsAt = isSecret.indexOf(0, secretAt);
    at = endsAt < 0 ? text.length : endsAt;
  }
  return shown;
}

/**
 * False when no run of the least telling length or more of any form can be in the text. That is so of nearly all
 * answers, and to look for every run of every form would take 2 ms and half a megabyte of garbage for 1 KiB of one.
 */
function mayHoldRun(text: string, forms: readonly string[]): boolean {
  const all = forms.join('\n');
  for (let at = 0; at + PIECE_LENGTH <= text.length; at += PIECE_LENGTH) {
    if (all.includes(text.slice(at, at + PIECE_LENGTH))) return true;
  }
  return false;
}

/** Marks every run of the form's characters that is long enough, wherever in the form it comes from. */
function markRuns(isSecret: Uint8Array, text: string, form: string): void {
  const length = tellingLengthOf(form);
  const runs = new Set<string>();
  for (let at = 0; at + length <= form.length; at += 1) runs.add(form.slice(at, at + length));
  for (let at = 0; at + length <= text.length; at += 1) {
    if (runs.has(text.slice(at, at + length))) isSecret.fill(1, at, at + length);
  }
}

function tellingLengthOf({ length }: string): number {
  return Math.min(length, Math.max(MIN_TELLING_LENGTH, Math.ceil(length * TELLING_SHARE)));
}

function markBeginningAtEnd(isSecret: Uint8Array, text: string, form: string): void {
  for (let length = tellingLengthOf(form) - 1; length >= MIN_CUT_LENGTH; length -= 1) {
    if (text.endsWith(form.slice(0, length))) return void isSecret.fill(1, text.length - length);
  }
}

/** How answers write what they were sent: as it is, in JSON (PHP's `\/` too), HTML or a URL, in hex, or in base64 with what is around it. */
function toForms(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const json = JSON.stringify(secret).slice(1, -1);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((offset) => toInnerBase64(bytes, offset));
  return [
    secret,
    json,
    json.replaceAll('/', '\\/'),
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
