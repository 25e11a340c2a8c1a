import { EXCERPT_MAX_BYTES } from '@vendor-server/domain/deliveries/attempt-result.ts';

/** Collects the beginning of a response body as text that can be stored and shown. */
export interface Excerpt {
  add(chunk: Uint8Array): void;
  /** The text so far; null when there was no body. */
  text(): string | null;
}

/**
 * Keeps the first 1 KiB. Bytes that are not UTF-8 become U+FFFD, a character cut in two by the limit is left
 * out, and NUL is removed, which PostgreSQL cannot store in text.
 */
export function createExcerpt(): Excerpt {
  const kept: Uint8Array[] = [];
  let bytes = 0;

  return {
    add(chunk) {
      if (bytes >= EXCERPT_MAX_BYTES) return;
      // A copy: a slice would keep the whole chunk, and undici's buffer behind it, in memory.
      const part = Uint8Array.prototype.slice.call(chunk, 0, EXCERPT_MAX_BYTES - bytes);
      bytes += part.length;
      kept.push(part);
    },
    text() {
      if (bytes === 0) return null;
      const wasCut = bytes >= EXCERPT_MAX_BYTES;
      return new TextDecoder().decode(Buffer.concat(kept), { stream: wasCut }).replaceAll('\0', '');
    },
  };
}
