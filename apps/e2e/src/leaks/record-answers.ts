import { vi } from 'vitest';

export interface RecordedAnswer {
  /** `GET http://…` */
  readonly request: string;
  /** Status, headers and body. */
  readonly text: string;
}

export interface AnswerRecorder {
  readonly answers: readonly RecordedAnswer[];
  stop(): void;
}

/** Keeps every answer to a `fetch` of this process from now on. */
export function recordAnswers(): AnswerRecorder {
  const answers: RecordedAnswer[] = [];
  const { fetch } = globalThis;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const response = await fetch(input, init);
    const { status, headers } = response;
    const body = await response.clone().text();
    const url = input instanceof Request ? input.url : String(input);
    const text = `${status} ${JSON.stringify([...headers])} ${body}`;
    answers.push({ request: `${init?.method ?? 'GET'} ${url}`, text });
    return response;
  });
  return { answers, stop: () => spy.mockRestore() };
}
