/** What `GET /readyz` of a process answers. */
export interface Health {
  readonly status: number;
  readonly body: unknown;
}

export async function readHealth(url: string): Promise<Health> {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: await response.json() };
}
