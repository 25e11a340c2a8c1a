/** How much of a secret's beginning or end is a leak. */
const PART_LENGTH = 12;

/**
 * Looks for every secret, by what it is called, in every text, by where it comes from: as it is, its beginning and its
 * end, in hex, in base64 with whatever around it, and in a URL.
 *
 * @returns `<secret> in <place> as <form>`
 */
export function findLeaks(
  places: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): string[] {
  const forms = Object.entries(secrets).map(([what, secret]) => [what, toForms(what, secret)] as const);
  return Object.entries(places).flatMap(([place, text]) =>
    forms.flatMap(([what, formsOf]) =>
      Object.entries(formsOf)
        .filter(([, form]) => text.includes(form))
        .slice(0, 1)
        .map(([name]) => `${what} in ${place} as ${name}`),
    ),
  );
}

function toForms(what: string, secret: string): Record<string, string> {
  if (secret.length < PART_LENGTH + 4) throw new Error(`the ${what} is too short to be looked for`);
  const bytes = Buffer.from(secret);
  return {
    itself: secret,
    'its beginning': secret.slice(0, PART_LENGTH),
    'its end': secret.slice(-PART_LENGTH),
    hex: bytes.toString('hex').slice(0, 2 * PART_LENGTH),
    base64: toInner(bytes, 0, 'base64'),
    'base64, moved by one': toInner(bytes, 1, 'base64'),
    'base64, moved by two': toInner(bytes, 2, 'base64'),
    base64url: toInner(bytes, 0, 'base64url'),
    'part of a URL': encodeURIComponent(secret),
    'JSON in JSON': JSON.stringify(JSON.stringify(secret)).slice(4, -4),
  };
}

/** Without the characters that depend on what stands around it. */
function toInner(bytes: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  return Buffer.concat([Buffer.alloc(offset), bytes])
    .toString(encoding)
    .slice(offset === 0 ? 0 : offset + 1, 16 + offset);
}
