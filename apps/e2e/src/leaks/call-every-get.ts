interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** An event stream never ends. */
const ENDLESS = '/api/vendor/offers/stream';

/**
 * Calls every GET of `/openapi.json` with each credential. Parameters of the path, such as `orderId`, are what `ids` say.
 *
 * @returns the paths
 * @throws when there is a parameter without an id
 */
export async function callEveryGet(
  apiUrl: string,
  ids: Readonly<Record<string, string>>,
  credentials: readonly Readonly<Record<string, string>>[],
): Promise<string[]> {
  const answer = await fetch(`${apiUrl}/openapi.json`);
  const { paths } = (await answer.json()) as Document;
  const gets = Object.keys(paths).filter((path) => paths[path]?.['get'] !== undefined && path !== ENDLESS);
  for (const path of gets) {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const id = ids[name];
      if (id === undefined) throw new Error(`There is no ${name} for ${path}.`);
      return id;
    });
    for (const headers of credentials) await fetch(`${apiUrl}${filled}`, { headers });
  }
  return gets;
}
