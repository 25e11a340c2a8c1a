/** What a peer can be asked for, by name. Inputs and outputs go through JSON. */
export type PeerCalls = Readonly<Record<string, (input: never) => Promise<unknown>>>;

export interface PeerCall {
  readonly name: string;
  readonly input: unknown;
}

export type PeerAnswer = { readonly output: unknown } | { readonly fault: string };
