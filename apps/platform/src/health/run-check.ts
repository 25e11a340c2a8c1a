/** A check that takes longer counts as down: whoever asks has a time-out of its own. */
const CHECK_LIMIT_MS = 1_000;

export type CheckResult = 'up' | 'down';

/** Whether `probe` resolves within a second. Never rejects. */
export async function runCheck(probe: () => Promise<unknown>): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(resolve, CHECK_LIMIT_MS, 'down');
  });
  const answer = probe().then(
    (): CheckResult => 'up',
    (): CheckResult => 'down',
  );
  const result = await Promise.race([answer, limit]);
  clearTimeout(timer);
  return result;
}
